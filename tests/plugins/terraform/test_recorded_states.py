"""Evidence as links of the chain, breaks as changes, and what an observation says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from infratrack.api import Digest, Instant, Pipeline, RecordedEvidence, UnrecordedEvidence
from infratrack.project.model import Step
from infratrack.project.schema_files import schema_file
from infratrack.testing.builders import MINUTE, MONDAY, predicate, verdict
from infratrack.testing.evidence_types import EvidenceTypeContract
from infratrack_terraform.criteria import Applied, Converged, NoDrift
from infratrack_terraform.evidence import APPLY, ApplyEvidence
from infratrack_terraform.observation import (
    OBSERVATION,
    OBSERVATION_SCHEMA,
    TERRAFORM_CHANGES,
    TerraformObservation,
    observation_result,
)
from infratrack_terraform.plan import read_plan
from infratrack_terraform.recorded_states import (
    MOST_NAMED,
    blind_spots,
    changes_of,
    concerned,
    recorded_looks,
    recorded_runs,
)
from infratrack_terraform.state import NO_STATE
from infratrack_terraform.state_chain import EMPTY, Break, Chain, Look, Run, State
from infratrack_terraform.wanted import WantedValues

PLAN = b'{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [], "configuration": {}}'
DIGEST = Digest("sha256:" + "ab" * 32)
WHERE = {"root": "infra", "workspace": "default"}
BEFORE = {"serialBefore": 1, "stateDigestBefore": "sha256:1", "lineage": "line"}
AFTER = {"serialAfter": 2, "stateDigest": "sha256:2", "lineage": "line"}
VLAN = {"address": "terraform_data.vlan", "type": "terraform_data", "provider": "terraform.io/builtin/terraform"}


def recorded(result: Mapping[str, Any], *, outcome: Any = "succeeded", kind: str = APPLY) -> RecordedEvidence:
    content = predicate({**WHERE, **result}, outcome=outcome)
    return RecordedEvidence(DIGEST, kind, "run-1", Instant(MONDAY + MINUTE), outcome, None, content)


def one_run(result: Mapping[str, Any], outcome: Any = "succeeded") -> Run:
    (run,) = recorded_runs([recorded(result, outcome=outcome)], "infra")
    return run


def test_an_apply_is_a_link_from_the_state_that_it_found_to_the_one_that_it_left() -> None:
    assert one_run(BEFORE | AFTER) == Run(
        id="run-1",
        evidence=DIGEST,
        started=MONDAY,
        ended=Instant(MONDAY + MINUTE),
        before=State("line", 1, "sha256:1"),
        after=State("line", 2, "sha256:2"),
    )


def test_of_other_roots_and_workspaces_nothing_is_taken() -> None:
    assert recorded_runs([recorded(BEFORE | AFTER)], "infra#prod") == []
    assert recorded_looks([recorded({"resources": []}, kind=OBSERVATION)], "other") == []
    assert recorded_looks([recorded({}, kind=OBSERVATION)], "infra") == []


def test_a_look_is_a_link_too() -> None:
    there = [{"address": "a", "presence": "tainted"}, {"address": "b", "presence": "absent"}, "odd"]
    (look,) = recorded_looks(
        [recorded({"resources": there, "serial": 7, "stateDigest": "sha256:7", "lineage": "line"}, kind=OBSERVATION)],
        "infra",
    )
    assert look == Look(Instant(MONDAY + MINUTE), State("line", 7, "sha256:7"), frozenset({"a"}), DIGEST)


def test_what_was_not_read_is_not_known_and_what_has_no_digest_is_nothing() -> None:
    assert (one_run({}).before, one_run({}).after) == (None, None)
    assert one_run({"serialBefore": 0} | AFTER).before == EMPTY


def test_a_lost_run_left_nothing_that_is_known() -> None:
    lost = one_run(BEFORE | AFTER, outcome="indeterminate")
    assert (lost.lost, lost.after) == (True, None)


def test_a_run_without_a_sound_start_began_just_before_its_end() -> None:
    odd = recorded(BEFORE | AFTER)
    odd.predicate["run"]["startedAt"] = "the day before"
    assert recorded_runs([odd], "infra")[0].started == MONDAY + MINUTE - 1


@pytest.mark.parametrize(
    ("more", "addresses"),
    [
        ({"formatVersion": "1.2", "mode": "normal"}, {"a"}),
        ({"formatVersion": "1.2", "mode": "normal", "targeted": True}, None),
        ({"formatVersion": "1.2", "mode": "refresh-only"}, None),
        ({"mode": "normal"}, None),
        ({"mode": "normal", "serialBefore": 0, "stateDigestBefore": ""}, {"a"}),
    ],
)
def test_what_an_apply_left_is_known_where_it_saw_the_whole_root(
    more: dict[str, Any], addresses: set[str] | None
) -> None:
    resources = [{"address": "a", "presence": "present"}, {"address": "b", "presence": "absent"}]
    assert one_run(BEFORE | AFTER | more | {"resources": resources}).addresses == addresses


def a_break(**more: Any) -> Break:
    values: dict[str, Any] = {
        "kind": "moved",
        "before": State("line", 2, "sha256:2"),
        "after": State("line", 5, "sha256:5"),
        "earliest": MONDAY,
        "latest": Instant(MONDAY + MINUTE),
        "origin": DIGEST,
        **more,
    }
    return Break(**values)


def told(one: Break) -> str:
    (change,) = changes_of(Chain((one,), None), "infra", ["core"])
    return change.what


def test_a_break_is_a_change_that_says_between_what_and_what_and_whom_it_concerns() -> None:
    (change,) = changes_of(Chain((a_break(appeared=("a",), gone=("b",)),), None), "infra", ["core"])
    assert change.what == (
        "the state of infra was changed from serial 2 to 5 after 2026-01-05 09:00 UTC; no run recorded it; "
        "new: a; gone: b"
    )
    assert (change.at, change.by, change.deliverables) == (MONDAY + MINUTE, None, ("core",))
    assert change.before == {"serial": 2, "lineage": "line", "stateDigest": "sha256:2", "resources": ["b"]}
    assert change.after == {"serial": 5, "lineage": "line", "stateDigest": "sha256:5", "resources": ["a"]}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("replaced", "was replaced by one of another lineage from serial 2 to 5"),
        ("restored", "was set back from serial 2 to 5"),
        ("rewritten", "was rewritten under the same serial after"),
        ("removed", "was removed after"),
    ],
)
def test_each_kind_of_break_is_told_in_its_own_words(kind: Any, words: str) -> None:
    assert words in told(a_break(kind=kind))


def test_a_lost_run_is_named_as_what_may_have_done_it() -> None:
    lost = Run("run-7", "sha256:lost", MONDAY, MONDAY, lost=True)
    assert "a run whose end nobody saw (run-7) may have done it" in told(a_break(lost=lost))


def test_many_addresses_are_cut() -> None:
    many = tuple(f"a{number}" for number in range(MOST_NAMED + 5))
    assert "new: a0, a1, a2 and 22 more" in told(a_break(appeared=many))
    (change,) = changes_of(Chain((a_break(appeared=many, before=EMPTY),), None), "infra", [])
    assert len(change.after["resources"]) == MOST_NAMED
    assert change.before is None


def test_the_id_stays_the_same_whenever_it_is_seen_and_differs_with_what_is_seen() -> None:
    def name(one: Break) -> str:
        return changes_of(Chain((one,), None), "infra", [])[0].id

    assert name(a_break()) == name(a_break(latest=Instant(MONDAY + 9 * MINUTE), appeared=("a",)))
    assert len({name(a_break()), name(a_break(origin="sha256:other")), name(a_break(before=EMPTY))}) == 3


def test_a_root_concerns_the_deliverables_that_ask_about_it_or_whose_pipeline_applies_it() -> None:
    deliverables: dict[str, Any] = {
        "any": {"terraform.converged": ({},)},
        "this": {"terraform.applied": ({"directory": "./infra/", "workspace": "default"},)},
        "other-workspace": {"terraform.applied": ({"directory": "infra", "workspace": "prod"},)},
        "other-root": {"terraform.applied": ({"directory": "dns"},)},
        "outside": {"terraform.applied": ({"directory": "/infra"},)},
        "other-tool": {"command.succeeded": ({},)},
    }
    steps = (Step("command", {}), Step("terraform.apply", {"directory": "infra"}))
    pipelines = (Pipeline("p", steps, deliverables=("piped",)), Pipeline("q", steps[:1], deliverables=("no",)))
    assert concerned("infra", "default", deliverables, pipelines) == ["any", "piped", "this"]


def test_what_the_chain_cannot_show_is_said() -> None:
    assert "no apply of infra is recorded yet" in blind_spots(Chain((), None), "infra", "")[0]
    assert "before Monday is not known" in blind_spots(Chain((), MONDAY), "infra", "Monday")[0]
    whole = blind_spots(Chain((), MONDAY, from_nothing=True), "infra", "Monday")
    assert not any("Monday" in spot for spot in whole)
    assert blind_spots(Chain((), MONDAY, unread=1), "infra", "Monday")[-1].startswith("1 run left no word")
    assert blind_spots(Chain((), MONDAY, unread=2), "infra", "Monday")[-1].startswith("2 runs left no word")


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["result", "run", "resources", "address", "drift", "serialBefore", "stateDigest", "lineage"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["result", "run"]), _json), st.sampled_from(["succeeded", "indeterminate"]))
@settings(max_examples=150, deadline=None)
def test_nothing_in_evidence_makes_it_raise(content: dict[str, Any], outcome: str) -> None:
    result = content.get("result")
    if isinstance(result, dict):
        content["result"] = {**WHERE, **result}
    one = RecordedEvidence(DIGEST, APPLY, "run-1", MONDAY, outcome, None, content)
    recorded_runs([one], "infra")
    recorded_looks([one], "infra")
    TerraformObservation().words(content)
    TerraformObservation().summary(content)


class TestTerraformObservation(EvidenceTypeContract):
    evidence_type = TerraformObservation()
    examples: ClassVar = (
        predicate({**WHERE, "serial": 7, "resources": [{**VLAN, "presence": "present"}], "drift": [], "drifted": 0}),
        predicate({**WHERE, "resources": [{**VLAN, "presence": "present"}]}),
    )


def observed(*drift: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    resources = [{**VLAN, "presence": "present"}]
    result = {**WHERE, "resources": resources, "drift": list(drift), "drifted": len(drift), **more}
    return predicate(result, at=Instant(MONDAY + MINUTE))


APPLIED = predicate({**WHERE, "resources": [{**VLAN, "action": "create", "result": "applied", "presence": "present"}]})
WANTED = {"resources": "terraform_data.*", "directory": "infra"}


def test_an_observation_without_drift_meets_no_drift_and_says_nothing_of_what_is_planned() -> None:
    words = TerraformObservation().words(observed(checks=[{"address": "check.up", "status": "pass"}]))
    assert verdict(NoDrift(), WANTED, words).name == "SATISFIED"
    assert verdict(NoDrift(), {"directory": "infra"}, words).name == "SATISFIED"
    assert verdict(Applied(), WANTED, words).name == "SATISFIED"
    assert verdict(Converged(), WANTED, words).name == "UNKNOWN"
    earlier = ApplyEvidence().words(APPLIED)
    assert verdict(Converged(), WANTED, [*earlier, *words]).name == "SATISFIED"


def test_drift_fails_and_what_was_deleted_behind_terraforms_back_is_not_there() -> None:
    changed = TerraformObservation().words(observed({**VLAN, "actions": ["update"]}))
    assert verdict(NoDrift(), WANTED, changed).name == "UNSATISFIED"
    assert verdict(NoDrift(), {"directory": "infra"}, changed).name == "UNSATISFIED"
    assert verdict(Applied(), WANTED, changed).name == "SATISFIED"
    deleted = TerraformObservation().words(observed({**VLAN, "actions": ["delete"]}))
    assert verdict(Applied(), WANTED, deleted).name == "UNSATISFIED"
    other = TerraformObservation().words(
        observed({**VLAN, "address": "terraform_data.b", "actions": ["delete"]}, {"actions": "odd"})
    )
    assert verdict(NoDrift(), {**WANTED, "resources": "terraform_data.b"}, other).name == "UNSATISFIED"


def test_where_drift_was_not_looked_for_nothing_is_said_of_it() -> None:
    content = observed()
    del content["result"]["drift"]
    words = TerraformObservation().words(content)
    assert verdict(NoDrift(), WANTED, words).name == "UNKNOWN"
    assert verdict(Applied(), WANTED, words).name == "SATISFIED"


def test_the_summary_counts_resources_and_drift() -> None:
    assert TerraformObservation().summary(observed(serial=7)) == (
        "terraform state in infra: 1 resources, serial 7, none drifted"
    )
    assert TerraformObservation().summary(predicate(dict(WHERE))) == "terraform state in infra: 0 resources"


def test_an_observation_without_a_refresh_holds_the_state_only() -> None:
    result = observation_result("infra", "default", NO_STATE, None)
    assert "drift" not in result
    refreshed = read_plan(PLAN, "the plan", WantedValues())
    assert observation_result("infra", "default", NO_STATE, refreshed) == result | {"drift": [], "drifted": 0}
    Draft202012Validator(OBSERVATION_SCHEMA).validate(result)


def test_the_published_schemas_are_those_in_the_code() -> None:
    for name, schema in (
        ("terraform-observation", OBSERVATION_SCHEMA),
        ("terraform-changes", UnrecordedEvidence(TERRAFORM_CHANGES, "changes to Terraform states").schema),
    ):
        assert json.loads(schema_file(f"v1/evidence/{name}.schema.json")) == schema
        Draft202012Validator.check_schema(schema)
        for example in schema["examples"]:
            Draft202012Validator(schema).validate(example)
