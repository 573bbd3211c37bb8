"""The six criteria and the evidence that they are judged by: the contracts, three values, and which word counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import Decision, InputError, Word
from infratrack.project.schema_files import schema_file
from infratrack.testing.builders import finding as finding_of
from infratrack.testing.builders import predicate, words_of
from infratrack.testing.criteria import CriterionContract
from infratrack.testing.evidence_types import EvidenceTypeContract
from infratrack_netbox.criteria import Cabled, ChangedByRun, Matches, PrimaryIP, Rack, Record
from infratrack_netbox.evidence import KEPT, RESULT_SCHEMA, NetBoxObservation, written
from infratrack_netbox.findings import Failing, Finding, Said, line, shown
from infratrack_netbox.questions import asked, questions_of

from .asked_of_netbox import find

LEAVES: dict[str, Any] = {"type": "dcim.device", "filter": {"site": "ams1", "role": "leaf"}, "count": 4}


def observed(
    *findings: tuple[str, Mapping[str, Any], Finding], identity: str = "netbox https://netbox.example"
) -> dict[str, Any]:
    answers = [written(asked(criterion, parameters), finding) for criterion, parameters, finding in findings]
    server = {"url": identity.removeprefix("netbox "), "version": "4.7.3"}
    queries = [{"type": "dcim.device", "filters": {"role": ["leaf"]}, "records": 4, "whole": True}]
    return predicate({"identity": identity, "server": server, "queries": queries, "requests": 4, "answers": answers})


def said(*answers: Said, **parameters: Any) -> list[Word]:
    """One observation an answer, oldest first, about the same question."""
    asked_of = ("netbox.record", LEAVES | parameters)
    return words_of(NetBoxObservation(), *(observed((*asked_of, Finding(one, f"it says {one}"))) for one in answers))


class TestRecord(CriterionContract):
    criterion = Record()


class TestCabled(CriterionContract):
    criterion = Cabled()


class TestPrimaryIP(CriterionContract):
    criterion = PrimaryIP()


class TestRack(CriterionContract):
    criterion = Rack()


class TestMatches(CriterionContract):
    criterion = Matches()


class TestChangedByRun(CriterionContract):
    criterion = ChangedByRun()


class TestObservation(EvidenceTypeContract):
    evidence_type = NetBoxObservation()
    examples = (
        observed(
            ("netbox.record", LEAVES, Finding("no", "3 found", 3, 2, (Failing("1", "a", "b"),), (("t", "1", "a"),))),
            ("netbox.changed_by_run", LEAVES, Finding("yes", "by runs", evidence=(("request", "sha256:ab"),))),
        ),
        observed(("netbox.rack", {"device": "core-1", "rack": "R1"}, Finding("unknown", "403"))),
    )

    def test_the_examples_pass_the_schema(self) -> None:
        for example in self.examples:
            Draft202012Validator(RESULT_SCHEMA).validate(example["result"])

    def test_the_schema_is_published(self) -> None:
        assert json.loads(schema_file("v1/evidence/netbox-observation.schema.json")) == RESULT_SCHEMA


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["yes"], Decision.SATISFIED),
        (["no"], Decision.UNSATISFIED),
        (["unknown"], Decision.UNKNOWN),
        ([], Decision.UNKNOWN),
        (["yes", "no"], Decision.UNSATISFIED),
        (["no", "yes"], Decision.SATISFIED),
        (["yes", "unknown"], Decision.UNKNOWN),
    ],
)
def test_the_newest_answer_to_the_question_counts(answers: Sequence[Said], expected: Decision) -> None:
    found = finding_of(Record(), LEAVES, said(*answers))
    assert found.decision is expected
    assert [one.note for one in found.judged.values()] == [f"it says {one}" for one in answers[-1:]]


def test_another_question_is_answered_by_nothing_else() -> None:
    assert finding_of(Record(), LEAVES | {"count": 5}, said("yes")).decision is Decision.UNKNOWN
    assert finding_of(Record(), LEAVES | {"within": "7d", "keep": True}, said("yes")).decision is Decision.SATISFIED


def test_a_criterion_may_insist_on_its_server() -> None:
    here = LEAVES | {"server": "https://NetBox.example/"}
    other = observed(("netbox.record", LEAVES, Finding("yes", "found")), identity="netbox https://staging.example")
    words = words_of(NetBoxObservation(), other)
    assert finding_of(Record(), LEAVES, words).decision is Decision.SATISFIED
    assert finding_of(Record(), here, words).decision is Decision.UNKNOWN
    assert finding_of(Record(), here, [*said("no"), *words]).decision is Decision.UNSATISFIED


def test_answers_from_two_servers_are_one_subject_of_which_the_newest_counts() -> None:
    words = [
        *words_of(
            NetBoxObservation(), observed(("netbox.record", LEAVES, Finding("no", "x")), identity="netbox http://a")
        ),
        *said("yes"),
    ]
    assert finding_of(Record(), LEAVES, words).decision is Decision.SATISFIED


def test_words_have_names_that_people_can_read() -> None:
    (word,) = said("no")
    assert (word.kind, word.scope) == ("netbox.record", "netbox https://netbox.example")
    assert word.name.startswith("dcim.device role=leaf site=ams1 #")
    assert word.value == {"said": "no", "note": "it says no"}


@pytest.mark.parametrize(
    ("criterion", "parameters", "label"),
    [
        ("netbox.record", {"type": "ipam.vlan", "filter": {"vid": [1, 2]}}, "ipam.vlan vid=1,2"),
        ("netbox.record", {"type": "ipam.vlan"}, "ipam.vlan"),
        ("netbox.cabled", {"device": "a", "interface": "eth0", "to": {"device": "b"}}, "a eth0 → b"),
        ("netbox.cabled", {"device": "a", "interfaces": ["eth0", "eth1"]}, "a eth0, eth1"),
        ("netbox.primary_ip", {"device": "a"}, "a"),
        ("netbox.primary_ip", {"vm": "b"}, "b"),
        ("netbox.primary_ip", {"filter": {"role": "leaf"}}, "dcim.device role=leaf"),
        ("netbox.rack", {"device": "a", "rack": "R1", "unit": 40}, "a in rack R1 unit 40"),
        ("netbox.rack", {"device": "a", "rack": "R1"}, "a in rack R1"),
        ("netbox.matches", {"type": "dcim.device", "each": "terraform.output.x"}, "dcim.device and terraform.output.x"),
        ("netbox.matches", {"type": "dcim.device", "each": {"file": "a.csv"}}, "dcim.device and a.csv"),
        ("netbox.changed_by_run", {"type": "dcim.device", "filter": {"site": "a"}}, "dcim.device site=a"),
    ],
)
def test_a_question_has_a_label_for_people(criterion: str, parameters: dict[str, Any], label: str) -> None:
    assert asked(criterion, parameters).label == label


def test_a_project_asks_each_question_once_and_only_those_of_netbox() -> None:
    wanted: dict[str, tuple[Mapping[str, Any], ...]] = {
        "netbox.record": (LEAVES, LEAVES | {"within": "1d"}),
        "git.merged": ({"path": "x"},),
    }
    assert [one.parameters for one in questions_of(wanted)] == [LEAVES]


def test_evidence_keeps_so_many_records_and_says_how_many_there_were() -> None:
    many = tuple(("dcim.device", str(number), "x") for number in range(KEPT + 5))
    answer = written(asked("netbox.record", LEAVES), Finding("yes", "many", records=many))
    assert (len(answer["records"]), answer["recordsInAll"]) == (KEPT, KEPT + 5)


def test_the_summary_counts_answers() -> None:
    evidence = observed(
        ("netbox.record", LEAVES, Finding("yes", "x")), ("netbox.record", {"type": "a.b"}, Finding("unknown", "y"))
    )
    assert NetBoxObservation().summary(evidence) == "netbox https://netbox.example: 1 of 2 criteria agree, 1 unknown"
    assert NetBoxObservation().summary({}) == "netbox: 0 of 0 criteria agree"


def test_an_answer_without_a_note_says_that_nothing_more_is_known() -> None:
    evidence = observed(("netbox.record", LEAVES, Finding("yes", " ")))
    (word,) = NetBoxObservation().words(evidence)
    assert word.value["note"] == "nothing more is known"


def test_texts_from_elsewhere_become_one_printable_short_line() -> None:
    assert line("a\n\x1b[31mb\u202e") == "a �[31mb�"
    assert line("x" * 500) == "x" * 399 + "…"
    assert shown({"a": [True, None, ""]}) == "a [true, not set, empty]"


@pytest.mark.parametrize(
    ("criterion", "wrong"),
    [
        (Record(), {"type": "dcim.device", "count": 1, "min": 1}),
        (Record(), {"type": "device"}),
        (Record(), {"type": "dcim.device", "filter": {"a": []}}),
        (Cabled(), {"device": "a", "interface": "x", "interfaces": ["y"]}),
        (Cabled(), {"device": "a"}),
        (PrimaryIP(), {"device": "a", "vm": "b"}),
        (PrimaryIP(), {"device": "a", "type": "dcim.device"}),
        (Rack(), {"device": "a"}),
        (Matches(), {"type": "a.b", "each": "x", "key": {}, "fields": {"a": "b"}}),
        (ChangedByRun(), {"type": "a.b"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(criterion: Any, wrong: dict[str, Any]) -> None:
    assert not Draft202012Validator(criterion.schema).is_valid(wrong)


def test_a_criterion_that_this_version_does_not_know_is_an_error() -> None:
    with pytest.raises(InputError) as raised:
        find("netbox.colour", {}, {})
    assert "netbox.colour" in raised.value.message
