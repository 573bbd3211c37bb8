"""`git.merged` and `git.tagged`: the contracts, three values, and words from hostile evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import BindContext, Decision, InputError, Word, parse_duration
from infratrack.project.schema_files import schema_file
from infratrack.testing.builders import finding, predicate, verdict, words_of
from infratrack.testing.criteria import CriterionContract
from infratrack.testing.evidence_types import EvidenceTypeContract
from infratrack_git.criteria import Merged, Tagged
from infratrack_git.evidence import RESULT_SCHEMA, GitObservation

SCHEMA_FILE = schema_file("v1/evidence/git-observation.schema.json")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
AT = "2026-01-05T09:00:00.000000Z"
VLANS = {"trailer": "Deliverable: core-vlans"}
FOUND = {"found": True, "complete": True, "commit": COMMIT, "at": AT}
ABSENT = {"found": False, "complete": True}
SHALLOW = {"found": False, "complete": False}
LOST = {"found": None, "reason": "origin/main is not in this clone"}


def observed(*merged: Mapping[str, Any], tagged: tuple[Mapping[str, Any], ...] = ()) -> dict[str, Any]:
    answers = {"branch": None, "ref": "refs/heads/main"}
    return predicate(
        {
            "head": COMMIT,
            "currentBranch": "main",
            "shallow": False,
            "protectedBranch": None,
            "merged": [answers | dict(one) for one in merged],
            "tagged": [answers | dict(one) for one in tagged],
        }
    )


def seen(*values: Mapping[str, Any], branch: str | None = None) -> list[Word]:
    """One observation a value, oldest first, all about the same trailer."""
    return words_of(GitObservation(), *(observed({**VLANS, **value, "branch": branch}) for value in values))


class TestMerged(CriterionContract):
    criterion = Merged()


class TestTagged(CriterionContract):
    criterion = Tagged()


class TestObservation(EvidenceTypeContract):
    evidence_type = GitObservation()
    examples = (
        observed(
            {**VLANS, **FOUND}, {"path": "network/**", **SHALLOW}, tagged=({"tag": "v1.*", "name": "v1.0", **FOUND},)
        ),
        observed({"path": "network/**", **LOST}),
    )

    def test_the_examples_pass_the_schema(self) -> None:
        for example in self.examples:
            Draft202012Validator(RESULT_SCHEMA).validate(example["result"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([FOUND], Decision.SATISFIED),
        ([ABSENT], Decision.UNSATISFIED),
        ([SHALLOW], Decision.UNKNOWN),
        ([LOST], Decision.UNKNOWN),
        ([], Decision.UNKNOWN),
        ([FOUND, ABSENT], Decision.UNSATISFIED),
        ([ABSENT, FOUND], Decision.SATISFIED),
        ([FOUND, SHALLOW], Decision.UNKNOWN),
        ([FOUND | {"commit": "not a commit"}], Decision.UNKNOWN),
    ],
)
def test_the_newest_look_decides(values: list[Mapping[str, Any]], expected: Decision) -> None:
    assert verdict(Merged(), VLANS, seen(*values)) is expected


def test_a_look_at_another_branch_says_nothing() -> None:
    assert verdict(Merged(), VLANS, seen(FOUND, branch="feature")) is Decision.UNKNOWN
    assert verdict(Merged(), VLANS | {"branch": "feature"}, seen(FOUND, branch="feature")) is Decision.SATISFIED


def test_a_path_is_a_name_not_a_pattern_over_other_paths() -> None:
    words = words_of(GitObservation(), observed({"path": "network/core", **FOUND}))
    assert verdict(Merged(), {"path": "network/*"}, words) is Decision.UNKNOWN


@pytest.mark.parametrize(
    ("value", "since", "expected"),
    [
        (FOUND, "2026-01-05", Decision.SATISFIED),
        (FOUND, "2026-01-06", Decision.UNSATISFIED),
        (FOUND | {"complete": False}, "2026-01-06", Decision.UNKNOWN),
        (FOUND | {"at": "yesterday"}, "2026-01-01", Decision.UNKNOWN),
        (ABSENT, "2026-01-01", Decision.UNSATISFIED),
    ],
)
def test_since(value: Mapping[str, Any], since: str, expected: Decision) -> None:
    assert verdict(Merged(), VLANS | {"since": since}, seen(value)) is expected


def test_tags() -> None:
    words = words_of(GitObservation(), observed(tagged=({"tag": "v1.*", "name": "v1.0", **FOUND},)))
    assert verdict(Tagged(), {"tag": "v1.*"}, words) is Decision.SATISFIED
    assert verdict(Tagged(), {"tag": "v1.*", "branch": "main"}, words) is Decision.UNKNOWN
    assert verdict(Tagged(), {"tag": "v2.*"}, words) is Decision.UNKNOWN


@pytest.mark.parametrize(
    ("value", "note"),
    [
        (FOUND, "merged as 0123456789ab"),
        (ABSENT, "no such commit is on the branch"),
        (SHALLOW, "this clone is shallow or without tags: fetch-depth 0 is needed"),
        (LOST, "origin/main is not in this clone"),
        ({"found": None}, "git did not say"),
    ],
)
def test_the_reason_is_in_plain_words(value: Mapping[str, Any], note: str) -> None:
    assert [judged.note for judged in finding(Merged(), VLANS, seen(value)).judged.values()] == [note]


def test_what_it_wants_and_freshness() -> None:
    bound = Merged().bind(VLANS | {"within": "7d", "since": "2026-01-05"}, BindContext("d"))
    assert bound.within == parse_duration("7d")
    assert bound.wants.startswith("a commit with `Deliverable: core-vlans` on the protected branch since 2026-01-05")
    assert (
        "touches network/** on main" in Merged().bind({"path": "network/**", "branch": "main"}, BindContext("d")).wants
    )
    assert Tagged().bind({"tag": "v1", "branch": "main"}, BindContext("d")).wants.startswith("a tag v1 on main")
    assert Tagged().bind({"tag": "v1", "within": "1h"}, BindContext("d")).within == parse_duration("1h")


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError, match="'nonsense' is no trailer"):
        Merged().bind({"trailer": "nonsense"}, BindContext("d"))
    with pytest.raises(InputError, match="is not a date"):
        Merged().bind(VLANS | {"since": "soon"}, BindContext("d"))


@pytest.mark.parametrize(
    "parameters",
    [{}, {"trailer": "nonsense"}, {"trailer": ": x"}, {"trailer": "K: v", "path": "x"}, {"path": "a\nb"}]
    + [{"path": "x", "branch": branch} for branch in ("", "a b", "a*", "a^{tree}", "a~1", "a:b")],
)
def test_the_schema_refuses_it_where_it_is_written(parameters: dict[str, Any]) -> None:
    assert not Draft202012Validator(Merged().schema).is_valid(parameters)


def test_odd_answers_give_no_words() -> None:
    odd: list[Any] = [7, {"trailer": "nonsense"}, {"path": None}, {}]
    content = predicate({"merged": odd, "tagged": [{"tag": 7}, None]})
    assert GitObservation().words(content) == []
    assert GitObservation().summary(content) == "git: 0 of 0 questions found"
    assert GitObservation().summary(observed({**VLANS, **FOUND})) == "git at 0123456789ab: 1 of 1 questions found"


def test_the_schema_file_is_the_plugins_schema() -> None:
    assert json.loads(SCHEMA_FILE) == RESULT_SCHEMA
