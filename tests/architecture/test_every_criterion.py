"""Every criterion and evidence type of every first-party plugin keeps the contract that plugin authors are given."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infratrack.api import Criterion, EvidenceType
from infratrack.plugin_manager import load_plugins
from infratrack.testing.criteria import CriterionContract
from infratrack.testing.evidence_types import EvidenceTypeContract

PLUGINS = load_plugins()
CHECKS = sorted(name for name in vars(CriterionContract) if name.startswith("test_"))

SETTLED = {
    *(
        f"terraform.{name}"
        for name in ("applied", "converged", "no_drift", "output", "checks", "resource", "no_deletes")
    ),
    *(f"ansible.{name}" for name in ("succeeded", "task_ok", "idempotent", "check_clean")),
    *(f"netbox.{name}" for name in ("record", "cabled", "primary_ip", "rack", "matches", "changed_by_run")),
    *("git.merged", "git.tagged", "tests.passed", "command.succeeded", "signoff"),
}


def test_no_plugin_is_broken_and_every_settled_criterion_is_there() -> None:
    assert dict(PLUGINS.broken) == {}
    assert set(PLUGINS.criteria) == SETTLED


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("criterion", PLUGINS.criteria.values(), ids=lambda criterion: criterion.name)
def test_a_criterion_keeps_the_contract(criterion: Criterion, check: str) -> None:
    contract = type("Contract", (CriterionContract,), {"criterion": criterion})()
    run: Callable[[], None] = getattr(contract, check)
    run()


@pytest.mark.parametrize("criterion", PLUGINS.criteria.values(), ids=lambda criterion: criterion.name)
def test_a_criterion_takes_freshness(criterion: Criterion) -> None:
    assert {"within", "keep"} <= set(criterion.schema["properties"])


@pytest.mark.parametrize("evidence_type", PLUGINS.evidence_types.values(), ids=lambda one: one.predicate_type)
def test_an_evidence_type_is_described_and_survives_hostile_predicates(evidence_type: EvidenceType) -> None:
    contract = type("Contract", (EvidenceTypeContract,), {"evidence_type": evidence_type, "examples": ()})()
    contract.test_the_schema_is_valid_2020_12_and_described()
    contract.test_the_predicate_type_is_a_uri()
    contract.test_nothing_in_a_predicate_makes_it_raise()
