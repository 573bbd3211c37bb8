"""Statements: the same values give the same bytes, and whatever comes in ends in a value or in a sentence."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.evidence import statement as statements
from infratrack.evidence.predicates import (
    COMMAND,
    RUN_START,
    Actor,
    Artifact,
    Ci,
    DefinitionPin,
    GitState,
    Links,
    RedactionNote,
    Run,
    RunPredicate,
    Seen,
    artifact,
)
from infratrack.evidence.statement import (
    STATEMENT_TYPE,
    StatementSubject,
    bare_subject,
    build_statement,
    read_statement,
    run_predicate,
)
from infratrack.values import Digest, parse_instant, sha256_digest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "ab" * 32
STARTED = "2026-01-05T09:30:00.000000Z"
FINISHED = "2026-01-05T09:31:00.000001Z"
WHOLE = RunPredicate(
    run=Run("run-1", "terraform", "1.11.4", ("terraform", "apply"), 0, "succeeded", STARTED, FINISHED),
    actor=Actor("person", "ana@laptop", "login"),
    ci=Ci("github-actions", "https://ci.example.org/1", "deploy", 2),
    git=GitState(COMMIT, "main", dirty=False, remote="https://example.org/x.git"),
    links=Links("dc-west", ("core-vlans",), ("core",), "CHG-1", "core-net", "production"),
    definition=DefinitionPin(COMMIT, DIGEST),
    seen=Seen("infratrack/dc-west", 7, "AAAA"),
    artifacts=(artifact("plan", Digest(DIGEST), "application/json"),),
    redaction=RedactionNote("1", 3, ("variables",)),
    labels={"site": "west"},
    missing={"drift": "not read"},
)
SUBJECT = StatementSubject({"gitCommit": COMMIT}, "commit")


def built(predicate: RunPredicate | dict[str, Any] = WHOLE, predicate_type: str = COMMAND) -> bytes:
    return build_statement(subjects=[SUBJECT], predicate_type=predicate_type, predicate=predicate)


def test_everything_that_was_written_is_read() -> None:
    payload = built(run_predicate(WHOLE, {"changes": 3}))
    read = read_statement(payload)
    assert read.common == WHOLE
    assert read.predicate["result"] == {"changes": 3}
    assert read.predicate_type == COMMAND
    assert read.subject == (SUBJECT,)
    assert read.payload_digest == sha256_digest(payload)
    assert (read.run_id, read.outcome, read.exit_code) == ("run-1", "succeeded", 0)
    assert (read.argv, read.tool) == (("terraform", "apply"), "terraform")
    assert (read.started_at, read.finished_at) == (parse_instant(STARTED), parse_instant(FINISHED))
    assert (read.project_id, read.deliverables, read.tasks, read.system) == (
        "dc-west", ("core-vlans",), ("core",), "core-net",
    )  # fmt: skip
    assert (read.definition_digest, read.commit, read.run_url) == (DIGEST, COMMIT, "https://ci.example.org/1")
    assert (read.actor, read.seen, read.artifacts) == (WHOLE.actor, WHOLE.seen, WHOLE.artifacts)


def test_a_statement_without_any_common_member_is_read_with_nothing_known() -> None:
    read = read_statement(built({"anything": 1}, "https://example.org/other/v1"))
    nothing = (
        read.run_id, read.outcome, read.exit_code, read.tool, read.project_id, read.system, read.definition_digest,
        read.commit, read.actor, read.run_url, read.seen, read.started_at, read.finished_at,
    )  # fmt: skip
    assert set(nothing) == {None}
    assert (read.argv, read.deliverables, read.tasks, read.artifacts) == ((), (), (), ())


def test_a_definition_without_a_digest_pins_nothing() -> None:
    assert read_statement(built({"definition": {"commit": COMMIT, "digest": None}})).definition_digest is None


def test_the_bytes_are_compact_sorted_and_always_the_same() -> None:
    payload = built(RunPredicate(run=Run("run-1"), links=Links("x")), RUN_START)
    assert payload == built(RunPredicate(links=Links("x"), run=Run("run-1")), RUN_START)
    document = json.loads(payload)
    assert payload == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    assert document["_type"] == STATEMENT_TYPE
    assert document["predicate"]["run"] == {
        "argv": [], "exitCode": None, "finishedAt": None, "id": "run-1", "outcome": None, "startedAt": None,
        "tool": None, "toolVersion": None,
    }  # fmt: skip
    assert document["predicate"]["links"]["system"] == "unclassified"


def test_members_of_the_field_s_own_types_stand_beside_the_common_part() -> None:
    predicate = run_predicate(WHOLE, {}, {"result": "PASSED", "passedTests": ["a"], "run": "not ours to replace"})
    assert (predicate["result"], predicate["passedTests"], predicate["run"]["id"]) == ("PASSED", ["a"], "run-1")


def test_a_bare_command_is_about_the_commit_else_about_the_run() -> None:
    assert bare_subject(COMMIT, "run-1") == SUBJECT
    assert bare_subject(None, "run-1").digest == {"sha256": hashlib.sha256(b"run-1").hexdigest()}


def test_an_artifact_names_its_blob_and_whether_its_content_is_kept() -> None:
    kept, told = (
        artifact("a", Digest(DIGEST), "text/plain"),
        artifact("a", Digest(DIGEST), "text/plain", digest_only=True),
    )
    assert (kept.blob, kept.digest_only) == (DIGEST, False)
    assert (told.blob, told.digest_only) == (DIGEST, True)
    assert Artifact("a", {"sha512": "00"}).blob is None
    assert b"annotations" not in built(RunPredicate(artifacts=(kept,)))
    assert read_statement(built(RunPredicate(artifacts=(told,)))).artifacts == (told,)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
)


@given(st.dictionaries(st.text().filter(lambda name: name not in RunPredicate.__struct_encode_fields__), json_values))
def test_any_result_comes_back_as_it_was(result: dict[str, Any]) -> None:
    assert read_statement(built(run_predicate(WHOLE, result))).predicate["result"] == result


@given(st.binary(max_size=300))
def test_no_bytes_end_in_anything_but_a_value_or_a_sentence(payload: bytes) -> None:
    with pytest.raises(InputError):
        read_statement(payload)


@given(st.data())
def test_no_altered_statement_ends_in_a_traceback(data: st.DataObject) -> None:
    payload = bytearray(built())
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_statement(bytes(payload))
    except InputError as error:
        assert "\n" not in error.message  # noqa: PT017 -- either ending is fine


def nested(levels: int) -> bytes:
    inside = b"[" * levels + b"]" * levels
    return built({}).replace(b'"predicate":{}', b'"predicate":{"a":' + inside + b"}")


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"", "not a readable in-toto statement"),
        (b"[]", "Expected `object`"),
        (b"\xff\xfe", "not a readable"),
        (built().replace(b"Statement/v1", b"Statement/v0.1"), "expected 'https://in-toto.io/Statement/v1'"),
        (build_statement(subjects=[], predicate_type=COMMAND, predicate={}), "length >= 1"),
        (build_statement(subjects=[StatementSubject({})], predicate_type=COMMAND, predicate={}), "length >= 1"),
        (built({"run": {"id": "../x"}}), "Expected `str` matching regex"),
        (built({"run": {"id": "r", "outcome": "great"}}), "Invalid enum value 'great'"),
        (built({"run": {"id": "r", "exitCode": "0"}}), "Expected `int | null`"),
        (built({"run": {"id": "r", "finishedAt": "yesterday"}}), "'yesterday' is not a date"),
        (built({"links": ["x"]}), "Expected `object | null`"),
        (built({"seen": {"origin": "o", "size": -1, "root": ""}}), "Expected `int` >= 0"),
        (built({"definition": {"digest": "md5:1"}}), "matching regex"),
        (built().replace(b'"id":"run-1"', b'"id":"run-1","id":"run-2"'), "member 'id' stands twice"),
        (built({"a": 1}).replace(b'"a":1', b'"a":1,"a":1'), "member 'a' stands twice"),
        (built().replace(b'"_type"', b'"_type":"x","_type"'), "member '_type' stands twice"),
        (nested(65), "nested more than 64 levels"),
        (nested(100_000), "nested too deeply"),
        (built({"a": 1}).replace(b":1}", b":" + b"9" * 5000 + b"}"), "not a readable"),
    ],
)
def test_hostile_statements_end_in_a_sentence(payload: bytes, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read_statement(payload)
    assert told in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 500


def test_nesting_up_to_the_limit_is_fine() -> None:
    assert read_statement(nested(60)).run_id is None


def test_other_layouts_of_the_same_json_are_read_too() -> None:
    spread = json.dumps(json.loads(built()), indent=1).encode()
    assert read_statement(spread).common == WHOLE


def test_what_is_too_large_is_neither_built_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = built()
    monkeypatch.setattr(statements, "MAXIMUM_STATEMENT_BYTES", len(payload) - 1)
    for attempt in (lambda: read_statement(payload), built):
        with pytest.raises(InputError, match="too large") as caught:
            attempt()
        assert caught.value.hint


def test_plain_structs_and_mappings_give_the_same_predicate() -> None:
    assert built(WHOLE) == built(msgspec.to_builtins(WHOLE))
