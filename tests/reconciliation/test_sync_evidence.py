from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.project.schema_files import schema_file
from infratrack.reconciliation.evidence import REQUEST_KIND, SYNC_KIND, SyncEvidence
from infratrack.reconciliation.evidence_schema import EXAMPLE
from infratrack.testing.builders import predicate
from infratrack.testing.evidence_types import EvidenceTypeContract

NETBOX_SYNC = "urn:infratrack:evidence:netbox-sync:v1"
KIND = SyncEvidence(NETBOX_SYNC)


class TestSyncEvidence(EvidenceTypeContract):
    evidence_type = KIND
    examples = (predicate(EXAMPLE, tool="infratrack"),)


def told(*records: tuple[str, str], conflict: int = 0, outcome: Any = "succeeded", **members: Any) -> str:
    result: dict[str, Any] = copy.deepcopy(dict(EXAMPLE)) | members
    result["records"] = [
        {"type": "dcim.device", "id": str(number), "key": {}, "action": action, "outcome": end, "fields": []}
        for number, (action, end) in enumerate(records)
    ]
    result["summary"]["conflict"] = conflict
    return KIND.summary(predicate(result, outcome=outcome))


def test_the_example_fits_the_schema() -> None:
    Draft202012Validator(KIND.schema).validate(EXAMPLE)


def test_the_schema_is_named_for_the_kind_of_evidence() -> None:
    assert KIND.schema["$id"] == "urn:infratrack:schema:evidence:netbox-sync:v1"


def test_a_summary_counts_what_was_done_and_what_was_left_alone() -> None:
    records = [("create", "written")] * 3 + [("change", "written")]
    assert told(*records, conflict=1) == "netbox sync: 3 created, 1 changed, 1 conflict left alone"


def test_a_summary_says_when_there_was_nothing_to_do() -> None:
    assert told() == "netbox sync: nothing to write"


def test_a_summary_does_not_hide_what_went_wrong() -> None:
    records = [("create", "written"), ("create", "failed"), ("change", "moved"), ("delete", "not_reached")]
    assert told(*records, outcome="failed") == "netbox sync: 1 created, 1 failed, 1 moved meanwhile, 1 not reached"


def test_a_killed_sync_says_that_nobody_saw_its_end() -> None:
    ended = told(("create", "intended"), ("change", "unknown"), outcome="indeterminate")
    assert ended == "netbox sync (nobody saw its end): 2 not known"


def test_an_undo_is_called_one() -> None:
    assert told(("delete", "written"), mode="undo", conflict=2) == "netbox undo: 1 deleted, 2 conflicts left alone"


@pytest.mark.parametrize("conflicts", [0, 2])
def test_words_tell_how_it_ended_and_every_request_once(conflicts: int) -> None:
    result: dict[str, Any] = copy.deepcopy(dict(EXAMPLE)) | {"requests": ["a", "b", "a", 7]}
    result["summary"]["conflict"] = conflicts
    sync, *requests = KIND.words(predicate(result))
    assert (sync.kind, sync.scope, sync.name) == (SYNC_KIND, "netbox", "netbox http://netbox.example")
    assert sync.value == {"outcome": "succeeded", "conflicts": conflicts}
    assert [(one.kind, one.scope, one.name) for one in requests] == [
        (REQUEST_KIND, "netbox http://netbox.example", "a"),
        (REQUEST_KIND, "netbox http://netbox.example", "b"),
    ]


@pytest.mark.parametrize("result", [{}, {"identity": 7}])
def test_evidence_that_names_no_cmdb_says_nothing(result: dict[str, Any]) -> None:
    assert KIND.words(predicate(result)) == []
    assert KIND.summary(predicate(result)) == "netbox sync: nothing to write"


@pytest.mark.parametrize("cmdb", ["csv", "netbox"])
def test_the_published_schema_is_that_of_the_code(cmdb: str) -> None:
    published = json.loads(schema_file(f"v1/evidence/{cmdb}-sync.schema.json"))
    assert published == json.loads(json.dumps(SyncEvidence(f"urn:infratrack:evidence:{cmdb}-sync:v1").schema))
