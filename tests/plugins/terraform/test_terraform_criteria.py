"""Three-valued criteria on resources and roots: the newest word counts, and absence of evidence is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from infratrack.api import Decision, InputError, Judgement, Word
from infratrack.testing.builders import finding, verdict
from infratrack.testing.criteria import CriterionContract
from infratrack_terraform.criteria import Applied, Converged, NoDeletes, NoDrift

SATISFIED, UNSATISFIED, UNKNOWN = Decision.SATISFIED, Decision.UNSATISFIED, Decision.UNKNOWN
PRESENT = {"presence": "present", "pending": "none", "drift": "none", "deleted": False}
DESTROYED = {"presence": "absent", "pending": "none", "drift": "none", "deleted": True}
TAINTED = {"presence": "tainted", "pending": "replace", "failed": True}
PLANNED = {"presence": "absent", "pending": "create", "drift": "none"}
LOST = {"presence": "unknown", "pending": "unknown", "drift": "unknown"}
SEEN = {"presence": "present"}


class TestApplied(CriterionContract):
    criterion = Applied()


class TestConverged(CriterionContract):
    criterion = Converged()


class TestNoDrift(CriterionContract):
    criterion = NoDrift()


class TestNoDeletes(CriterionContract):
    criterion = NoDeletes()


def vlan(number: int, value: dict[str, Any], scope: str = "infra") -> Word:
    return Word("terraform.resource", scope, f"terraform_data.vlan[{number}]", value)


def root(scope: str = "infra", **value: Any) -> Word:
    given = {"of": "plan", "outcome": "succeeded", "complete": True, "converged": None, "changes": None}
    return Word("terraform.root", scope, "root", {**given, **value})


VLANS = {"resources": "terraform_data.vlan[*]"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], UNKNOWN),
        ([PRESENT], SATISFIED),
        ([SEEN], SATISFIED),
        ([PRESENT, TAINTED], UNSATISFIED),
        ([TAINTED, PRESENT], SATISFIED),
        ([PRESENT, DESTROYED], UNSATISFIED),
        ([DESTROYED, PRESENT], SATISFIED),
        ([PRESENT, PLANNED], UNSATISFIED),
        ([PRESENT, LOST], UNKNOWN),
        ([PRESENT, {"presence": "present", "pending": "unknown"}], UNKNOWN),
        ([PRESENT, {"presence": "present", "pending": "update", "failed": True}], UNSATISFIED),
        ([PRESENT, {"presence": "absent"}], UNSATISFIED),
        ([PRESENT, {}], SATISFIED),
        ([PRESENT, {"presence": "present", "pending": "update"}], SATISFIED),
    ],
)
def test_applied(values: list[dict[str, Any]], expected: Decision) -> None:
    assert verdict(Applied(), VLANS, [vlan(0, value) for value in values]) is expected


def test_applied_without_a_minimum_wants_every_resource_ever_seen() -> None:
    words = [vlan(0, PRESENT), vlan(1, PRESENT), vlan(1, DESTROYED)]
    assert verdict(Applied(), VLANS, words) is UNSATISFIED
    assert verdict(Applied(), {**VLANS, "min": 1}, words) is SATISFIED
    assert verdict(Applied(), {**VLANS, "min": 2}, words) is UNSATISFIED
    damaged = [vlan(0, PRESENT), vlan(1, TAINTED), vlan(2, PRESENT)]
    assert verdict(Applied(), {**VLANS, "min": 2}, damaged) is UNSATISFIED
    assert verdict(Applied(), {**VLANS, "min": 2}, [vlan(0, PRESENT), vlan(1, LOST)]) is UNKNOWN


def test_a_run_speaks_for_its_own_folder_and_workspace() -> None:
    words = [vlan(0, PRESENT), vlan(0, DESTROYED, "infra#prod"), vlan(0, DESTROYED, "infra2")]
    assert verdict(Applied(), {**VLANS, "directory": "./infra/", "workspace": "default"}, words) is SATISFIED
    assert verdict(Applied(), {**VLANS, "directory": "infra", "workspace": "prod"}, words) is UNSATISFIED
    assert verdict(Applied(), {**VLANS, "directory": "infra"}, words) is UNSATISFIED
    assert verdict(Applied(), {**VLANS, "directory": "infra"}, words[::2]) is SATISFIED
    assert verdict(Applied(), {**VLANS, "directory": "other"}, words) is UNKNOWN
    assert verdict(Applied(), {**VLANS, "directory": "."}, [vlan(0, PRESENT, ".")]) is SATISFIED
    assert verdict(Applied(), VLANS, words) is UNSATISFIED
    with pytest.raises(InputError, match="absolute"):
        verdict(Applied(), {**VLANS, "directory": "/infra"}, words)


@pytest.mark.parametrize(
    ("value", "note"),
    [
        (PLANNED, "planned for creation: it is not there"),
        (TAINTED, "tainted by a failed apply"),
        ({"presence": "present", "failed": True}, "its newest apply failed"),
        (DESTROYED, "destroyed"),
        ({"presence": "absent"}, "it is not there"),
        (PRESENT, "it is there"),
        (LOST, "what the newest run did to it is unknown"),
    ],
)
def test_notes_are_plain_words(value: dict[str, Any], note: str) -> None:
    (judged,) = finding(Applied(), VLANS, [vlan(0, value)]).judged.values()
    assert judged.note == note


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], UNKNOWN),
        ([PRESENT], SATISFIED),
        ([PRESENT, {"presence": "present", "pending": "update"}], UNSATISFIED),
        ([{"presence": "present", "pending": "update"}, PRESENT], SATISFIED),
        ([PRESENT, PLANNED], UNSATISFIED),
        ([PRESENT, DESTROYED], UNSATISFIED),
        ([PRESENT, {"presence": "absent", "pending": "none"}], UNSATISFIED),
        ([PRESENT, LOST], UNKNOWN),
        ([PRESENT, SEEN], SATISFIED),
        ([PRESENT, {"presence": "present", "pending": "odd"}], SATISFIED),
        ([SEEN], UNKNOWN),
    ],
)
def test_converged_by_resource(values: list[dict[str, Any]], expected: Decision) -> None:
    assert verdict(Converged(), VLANS, [vlan(0, value) for value in values]) is expected


CLEAN: dict[str, Any] = {"converged": True, "changes": 0}


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        ([], UNKNOWN, None),
        ([CLEAN], SATISFIED, "the plan has no changes"),
        ([{**CLEAN, "of": "apply"}], SATISFIED, "the apply succeeded"),
        ([CLEAN, {"converged": False, "changes": 1}], UNSATISFIED, "the plan has 1 change to make"),
        ([CLEAN, {"converged": False}], UNSATISFIED, "the plan has changes"),
        ([{"converged": False, "changes": 2}, CLEAN], SATISFIED, "the plan has no changes"),
        ([CLEAN, {"converged": False, "of": "apply", "outcome": "failed", "changes": 2}], UNSATISFIED,
         "the apply ended early, 2 changes left to do"),
        ([CLEAN, {"converged": False, "of": "apply", "outcome": "failed"}], UNSATISFIED, "the apply ended early"),
        ([CLEAN, {"converged": False, "of": "apply", "mode": "destroy"}], UNSATISFIED, "everything was destroyed"),
        ([CLEAN, {"outcome": "failed"}], UNKNOWN, "the newest plan failed"),
        ([CLEAN, {"of": "apply", "outcome": "indeterminate"}], UNKNOWN, "the newest apply was killed or lost"),
        ([CLEAN, {"of": "apply", "outcome": "canceled"}], UNKNOWN, "the newest apply was canceled"),
        ([CLEAN, {"complete": False}], SATISFIED, "the plan has no changes"),
    ],
)  # fmt: skip
def test_converged_by_root(values: list[dict[str, Any]], expected: Decision, note: str | None) -> None:
    found = finding(Converged(), {}, [root(**value) for value in values])
    assert found.decision is expected
    assert note is None or [judged.note for judged in found.judged.values()] == [note]


def test_every_root_must_converge_unless_one_is_named() -> None:
    words = [root(**CLEAN), root("network", converged=False, changes=1)]
    assert verdict(Converged(), {}, words) is UNSATISFIED
    assert verdict(Converged(), {"directory": "infra"}, words) is SATISFIED


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], UNKNOWN),
        ([PRESENT], SATISFIED),
        ([PRESENT, {**PRESENT, "drift": "drifted"}], UNSATISFIED),
        ([{**PRESENT, "drift": "drifted"}, PRESENT], SATISFIED),
        ([PRESENT, {**PRESENT, "drift": "unknown"}], UNKNOWN),
        ([PRESENT, DESTROYED], UNSATISFIED),
        ([PRESENT, PLANNED], UNSATISFIED),
        ([PRESENT, SEEN], SATISFIED),
    ],
)
def test_no_drift_by_resource(values: list[dict[str, Any]], expected: Decision) -> None:
    assert verdict(NoDrift(), VLANS, [vlan(0, value) for value in values]) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], UNKNOWN),
        ([{"drifted": 0}], SATISFIED),
        ([{"drifted": 0}, {"drifted": 2}], UNSATISFIED),
        ([{"drifted": 2}, {"drifted": 0}], SATISFIED),
        ([{"drifted": 2}, {"drifted": 0, "complete": False}], UNSATISFIED),
        ([{"drifted": 0}, {"drifted": None}], SATISFIED),
        ([{"drifted": 0}, {"drifted": None, "outcome": "indeterminate"}], SATISFIED),
        ([{"drifted": 0}, {"drifted": None, "outcome": "indeterminate", "of": "apply"}], UNKNOWN),
    ],
)
def test_no_drift_by_root(values: list[dict[str, Any]], expected: Decision) -> None:
    assert verdict(NoDrift(), {}, [root(**value) for value in values]) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], UNKNOWN),
        ([PRESENT], SATISFIED),
        ([PLANNED], SATISFIED),
        ([PRESENT, {"presence": "present", "pending": "delete"}], UNSATISFIED),
        ([PRESENT, {"presence": "present", "pending": "replace"}], UNSATISFIED),
        ([PRESENT, DESTROYED], UNSATISFIED),
        ([PRESENT, {**PRESENT, "deleted": True}], UNSATISFIED),
        ([DESTROYED, PRESENT], SATISFIED),
        ([PRESENT, LOST], UNKNOWN),
        ([SEEN], UNKNOWN),
    ],
)
def test_no_deletes_by_resource(values: list[dict[str, Any]], expected: Decision) -> None:
    assert verdict(NoDeletes(), VLANS, [vlan(0, value) for value in values]) is expected


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        ([], UNKNOWN, None),
        ([{"deletes": 0}], SATISFIED, "nothing to destroy"),
        ([{"deletes": 0}, {"deletes": 1}], UNSATISFIED, "1 planned for destruction or replacement"),
        ([{"deletes": 0}, {"deletes": 3, "of": "apply"}], UNSATISFIED, "3 destroyed"),
        ([{"deletes": 1}, {"deletes": 0}], SATISFIED, "nothing to destroy"),
        ([{"deletes": 1}, {"deletes": 0, "complete": False}], UNSATISFIED, None),
        ([{"deletes": 1}, {"deletes": 0, "outcome": "failed"}], UNSATISFIED, None),
        ([{"deletes": 0}, {"outcome": "indeterminate", "of": "apply"}], UNKNOWN, "the newest apply was killed or lost"),
    ],
)
def test_no_deletes_by_root(values: list[dict[str, Any]], expected: Decision, note: str | None) -> None:
    found = finding(NoDeletes(), {}, [root(**value) for value in values])
    assert found.decision is expected
    assert note is None or [judged.note for judged in found.judged.values()] == [note]


def test_brackets_are_literal_and_a_star_is_one_index() -> None:
    words = [vlan(0, PRESENT), Word("terraform.resource", "infra", 'terraform_data.vlan["a.b"]', PRESENT)]
    found = finding(Applied(), VLANS, [*words, Word("terraform.resource", "infra", "terraform_data.vlans", TAINTED)])
    assert len(found.judged) == 2
    assert {judged.judgement for judged in found.judged.values()} == {Judgement.MEETS}
    assert len(finding(Applied(), {"resources": "terraform_data.vlan[0]"}, words).judged) == 1
