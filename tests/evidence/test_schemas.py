"""The JSON Schemas in `schemas/v1/evidence/` and the code say the same."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from msgspec import structs

from infratrack.evidence import predicates
from infratrack.evidence.identity.endorsement import endorsement_of
from infratrack.evidence.identity.tokens import audience_for
from infratrack.evidence.predicates import Artifact, Run, RunPredicate
from infratrack.evidence.statement import run_predicate
from infratrack.project.schema_files import schema_file
from infratrack.values import Digest
from tests.evidence.identity.issuer import github_claims, issuer_key, token

INSTANT = "2026-01-05T09:30:00.000001Z"
DIGEST = "sha256:" + "ab" * 32
WHOLE = RunPredicate(
    run=Run(
        "run-1", "make", "4.4", ("make",), 0, "succeeded", "2026-01-05T09:30:00.000000Z", "2026-01-05T09:31:00.000001Z"
    ),
    actor=predicates.Actor("person", "ana@laptop", "login"),
    ci=predicates.Ci("github-actions", "https://ci.example.org/1", "deploy", 2),
    git=predicates.GitState("01" * 20, "main", dirty=False, remote="https://example.org/x.git"),
    links=predicates.Links("dc-west", ("core-vlans",), ("core",), "CHG-1", "core-net", "production"),
    definition=predicates.DefinitionPin("01" * 20, DIGEST),
    seen=predicates.Seen("infratrack/dc-west", 7, "AAAA"),
    artifacts=(predicates.artifact("plan", Digest(DIGEST), "application/json", digest_only=True),),
    redaction=predicates.RedactionNote("1", 3, ("variables",)),
    labels={"site": "west"},
    missing={"drift": "not read"},
)

SOUND = {
    "command": {},
    "run-start": {},
    "signoff": {"deliverable": "core-vlans", "decision": "accepted", "comment": "walked through the racks"},
    "key": {"keyid": "ab" * 32, "action": "revoke", "reason": "laptop stolen"},
    "tombstone": {"digest": "sha256:" + "ab" * 32, "reason": "held a customer's name"},
    "endorsement": msgspec.to_builtins(
        endorsement_of("ab" * 32, token(github_claims(audience_for("ab" * 32))), issuer_key())
    ),
}
BROKEN: dict[str, tuple[dict[str, Any], ...]] = {
    "command": ({"x": 1},),
    "run-start": ({"x": 1},),
    "signoff": ({}, {**SOUND["signoff"], "decision": "maybe"}, {**SOUND["signoff"], "deliverable": "../x"}),
    "key": ({}, {**SOUND["key"], "keyid": "ab"}, {**SOUND["key"], "action": "add"}),
    "tombstone": ({}, {**SOUND["tombstone"], "digest": "ab" * 32}),
    "endorsement": (
        {},
        {**SOUND["endorsement"], "token": "x"},
        {**SOUND["endorsement"], "method": "word of honour"},
        {**SOUND["endorsement"], "runner": {"issuer": "https://x"}},
    ),
}


def schema(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(schema_file(f"v1/evidence/{name}.schema.json"))
    return document


def valid(name: str, document: object) -> bool:
    return jsonschema.Draft202012Validator(schema(name)).is_valid(document)


@pytest.mark.parametrize("name", ["predicate", *SOUND])
def test_every_schema_is_one_and_names_itself(name: str) -> None:
    document = schema(name)
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$id"] == f"urn:infratrack:schema:evidence:{name}:v1"
    assert document["title"]
    assert document["description"]


@pytest.mark.parametrize("name", SOUND)
def test_results_are_told_apart(name: str) -> None:
    assert valid(name, SOUND[name])
    assert not any(valid(name, broken) for broken in BROKEN[name])


def test_what_the_code_writes_is_valid() -> None:
    for common in (WHOLE, RunPredicate(run=Run("run-1"), links=WHOLE.links)):
        predicate = run_predicate(common, {"anything": 1})
        jsonschema.validate(json.loads(msgspec.json.encode(predicate)), schema("predicate"))


@pytest.mark.parametrize(
    "member", ["run", "actor", "ci", "git", "links", "definition", "seen", "redaction", "labels", "missing", "result"]
)
def test_no_member_may_be_missing(member: str) -> None:
    predicate = json.loads(msgspec.json.encode(run_predicate(WHOLE, {})))
    del predicate[member]
    assert not valid("predicate", predicate)


def test_the_members_are_those_of_the_code() -> None:
    document = schema("predicate")["properties"]

    def members(name: str) -> set[str]:
        part = document[name]
        return set(next(one for one in part.get("oneOf", [part]) if one["type"] == "object")["properties"])

    def fields(kind: type[msgspec.Struct]) -> set[str]:
        return {field.encode_name for field in structs.fields(kind)}

    assert set(document) == fields(RunPredicate) | {"result"}
    kinds: dict[str, type[msgspec.Struct]] = {
        "run": predicates.Run, "actor": predicates.Actor, "ci": predicates.Ci, "git": predicates.GitState,
        "links": predicates.Links, "definition": predicates.DefinitionPin, "seen": predicates.Seen,
        "redaction": predicates.RedactionNote,
    }  # fmt: skip
    for name, kind in kinds.items():
        assert members(name) == fields(kind)
    assert set(document["artifacts"]["items"]["properties"]) == fields(Artifact)
    assert set(predicates.COMMON_PART) == {RunPredicate, Artifact, *kinds.values()}
