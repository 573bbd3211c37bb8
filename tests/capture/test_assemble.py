from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from infratrack.capture.assemble import (
    Execution,
    RunContext,
    end_statement,
    lost_end_statement,
    printable,
    start_statement,
)
from infratrack.errors import InputError
from infratrack.evidence.predicates import (
    COMMAND,
    KEY,
    RUN_START,
    SIGNOFF,
    TOMBSTONE,
    Actor,
    Ci,
    DefinitionPin,
    GitState,
    Links,
    Seen,
)
from infratrack.evidence.redaction import Scrubber
from infratrack.evidence.statement import Statement, read_statement
from infratrack.hookspecs import ArtifactContent, Collected, Subject
from infratrack.values import Instant, sha256_digest

MONDAY = Instant(1_767_603_600_000_000)
TUESDAY = Instant(MONDAY + 86_400_000_000)
SECRET = "planted-secret-70231"  # noqa: S105 -- planted
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTEXT = RunContext(
    run_id="run-1",
    links=Links("dc-west", deliverables=("smoke",), system="core", environment="production"),
    actor=Actor("person", "anna@bench", "login"),
    ci=Ci("github", "https://example.org/run/1", "apply", 1),
    git=GitState(COMMIT, "main", dirty=False, remote="https://example.org/west.git"),
    definition=DefinitionPin(COMMIT, sha256_digest(b"{}")),
    seen=Seen("infratrack/dc-west", 3, "AAAA"),
    labels={"site": "west"},
)
RAN = Execution(("make", "smoke"), "make", 0, "succeeded", MONDAY, Instant(MONDAY + 5))


def end(context: RunContext = CONTEXT, collected: Collected | None = None, secrets: Sequence[str] = ()) -> Statement:
    collected = collected or Collected(COMMAND, {})
    made = end_statement(context, RAN, collected, Scrubber(secrets), "1", definition=b"{}")
    return read_statement(made.payload)


def test_a_start_says_who_and_what_and_no_outcome() -> None:
    made = start_statement(CONTEXT, Execution(("make", "smoke"), "make", started_at=MONDAY), Scrubber(), "1")
    statement = read_statement(made.payload)
    assert statement.predicate_type == RUN_START
    assert (statement.outcome, statement.finished_at, statement.started_at) == (None, None, MONDAY)
    assert statement.seen == CONTEXT.seen
    assert made.blobs == {}


def test_an_end_carries_everything_that_the_start_does_and_its_facts() -> None:
    statement = end(collected=Collected("urn:x:v1", {"n": 1}, tool="gmake", tool_version="4", extra={"more": [1]}))
    assert statement.run_id == "run-1"
    assert (statement.tool, statement.outcome, statement.exit_code) == ("gmake", "succeeded", 0)
    assert statement.predicate["result"] == {"n": 1}
    assert statement.predicate["more"] == [1]
    assert statement.common.git == CONTEXT.git
    assert statement.common.links == CONTEXT.links
    assert statement.finished_at == MONDAY + 5


def test_the_subject_is_the_commit_else_the_run_else_what_the_plugin_says() -> None:
    assert end().subject[0].digest == {"gitCommit": COMMIT}
    bare = RunContext("run-1", CONTEXT.links, CONTEXT.actor)
    assert set(end(bare).subject[0].digest) == {"sha256"}
    told = Collected(COMMAND, {}, subjects=(Subject("plan", {"sha256": "00" * 32}),))
    assert end(collected=told).subject[0].name == "plan"


def test_artifacts_and_the_definition_become_blobs() -> None:
    collected = Collected(COMMAND, {}, artifacts=(ArtifactContent("plan", "application/json", b"[]"),))
    made = end_statement(CONTEXT, RAN, collected, Scrubber(), "1", definition=b"{}")
    assert dict(made.blobs) == {sha256_digest(b"[]"): b"[]", sha256_digest(b"{}"): b"{}"}
    assert [one.name for one in read_statement(made.payload).artifacts] == ["plan", "definition"]
    without = end_statement(CONTEXT, RAN, Collected(COMMAND, {}), Scrubber(), "1", definition=None)
    assert without.blobs == {}


def test_an_artifact_that_the_ledger_will_not_keep_is_named_by_its_digest_only() -> None:
    kept, large = (ArtifactContent("plan", "application/json", content) for content in (b"[]", b"[1]"))
    collected = Collected(COMMAND, {}, artifacts=(kept, large))
    made = end_statement(CONTEXT, RAN, collected, Scrubber(), "1", definition=b"{0}", largest=2)
    assert [one.digest_only for one in read_statement(made.payload).artifacts] == [False, True, False]
    # The definition is never left out: what a sign-off means depends on it.
    assert dict(made.blobs) == {sha256_digest(b"[]"): b"[]", sha256_digest(b"{0}"): b"{0}"}


def test_a_secret_is_masked_wherever_it_stands() -> None:
    context = RunContext(
        run_id="run-1",
        links=Links("dc-west", (SECRET,), (SECRET,), SECRET, SECRET),
        actor=Actor("person", SECRET, SECRET),
        ci=Ci("github", f"https://example.org/{SECRET}", SECRET),
        git=GitState(COMMIT, SECRET, dirty=False, remote=f"https://example.org/{SECRET}"),
        labels={SECRET: SECRET},
        missing={"git": f"because of {SECRET}"},
    )
    collected = Collected(
        COMMAND,
        {"a": [SECRET, {SECRET: SECRET}]},
        tool=SECRET,
        tool_version=SECRET,
        subjects=(Subject(SECRET, {"sha256": "00" * 32}),),
        artifacts=(ArtifactContent(SECRET, "text/plain", b""),),
        extra={"b": SECRET},
        missing={"facts": SECRET},
        masked=2,
        dropped=("res",),
    )
    execution = Execution(("login", SECRET, f"--x={SECRET}"), SECRET, 0, "succeeded", MONDAY, MONDAY)
    made = end_statement(context, execution, collected, Scrubber([SECRET]), "1", definition=None)
    assert SECRET.encode() not in made.payload
    note = read_statement(made.payload).common.redaction
    assert note is not None
    assert note.masked > 10
    assert note.dropped == ("res",)


def test_facts_that_are_too_large_are_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack.evidence.statement.MAXIMUM_STATEMENT_BYTES", 3_000)
    statement = end(collected=Collected(COMMAND, {"much": ["x y z"] * 1_000}))
    assert statement.predicate["result"] == {}
    assert "too large" in statement.common.missing["facts"]
    monkeypatch.setattr("infratrack.evidence.statement.MAXIMUM_STATEMENT_BYTES", 10)
    with pytest.raises(InputError):
        end()


def test_an_end_that_nobody_saw_is_indeterminate_and_keeps_the_starts_words() -> None:
    start = read_statement(
        start_statement(CONTEXT, Execution(("make",), "make", started_at=MONDAY), Scrubber(), "1").payload
    )
    lost = read_statement(lost_end_statement(start, "killed", TUESDAY).payload)
    assert (lost.outcome, lost.finished_at, lost.run_id) == ("indeterminate", None, "run-1")
    assert (lost.predicate_type, lost.predicate["result"], lost.lost_at) == (COMMAND, {}, TUESDAY)
    assert lost.common.links == CONTEXT.links
    assert lost.common.missing == {"end": "killed"}
    assert lost.subject == start.subject


UNSEEN = Collected(
    "urn:infratrack:evidence:terraform-apply:v1",
    {"root": "infra", "note": SECRET},
    tool="tofu",
    subjects=(Subject("terraform-plan", {"sha256": "00" * 32}),),
    secrets=frozenset({SECRET}),
)


def lost_end(unseen: Collected | None) -> Statement:
    """The end of a run whose start foretold this."""
    made = start_statement(CONTEXT, Execution(), Scrubber([SECRET]), "1", unseen)
    return read_statement(lost_end_statement(read_statement(made.payload), "killed", TUESDAY).payload)


def test_a_lost_end_is_what_the_start_foretold_without_its_secrets() -> None:
    lost = lost_end(UNSEEN)
    assert lost.predicate_type == UNSEEN.predicate_type
    assert lost.predicate["result"] == {"root": "infra", "note": "‹masked›"}
    assert (lost.tool, lost.outcome, lost.subject[0].name) == ("tofu", "indeterminate", "terraform-plan")


@pytest.mark.parametrize("kind", ["", RUN_START, SIGNOFF, KEY, TOMBSTONE])
def test_a_lost_end_is_never_anything_but_the_evidence_of_a_run(kind: str) -> None:
    assert lost_end(Collected(kind, {"deliverable": "smoke"})).predicate_type == COMMAND


@pytest.mark.parametrize(
    "result", [None, 1, {"unseen": 1}, {"unseen": {}}, {"unseen": {"predicateType": 1, "result": {}}},
               {"unseen": {"predicateType": "urn:x", "result": []}}],
)  # fmt: skip
def test_a_start_that_foretells_nonsense_has_a_commands_end(result: Any) -> None:
    start = read_statement(start_statement(CONTEXT, Execution(), Scrubber(), "1").payload)
    odd = structs.replace(start, predicate={**start.predicate, "result": result})
    assert read_statement(lost_end_statement(odd, "killed", TUESDAY).payload).predicate_type == COMMAND


def test_what_is_foretold_never_costs_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack.evidence.statement.MAXIMUM_STATEMENT_BYTES", 3_000)
    much = Collected("urn:x", {"much": ["x y z"] * 1_000})
    start = read_statement(start_statement(CONTEXT, Execution(), Scrubber(), "1", much).payload)
    assert start.predicate["result"] == {}
    assert "too large" in start.common.missing["unseen"]


def test_a_start_without_a_run_is_given_one() -> None:
    start = read_statement(start_statement(CONTEXT, Execution(), Scrubber(), "1").payload)
    bare = Statement(start.subject, RUN_START, {}, type(start.common)(), start.payload_digest, None, None)
    lost = read_statement(lost_end_statement(bare, "killed", TUESDAY).payload)
    assert lost.run_id == start.payload_digest.removeprefix("sha256:")


@example("\ud800")
@example("\udcff")
@given(st.text(alphabet=st.characters(codec=None), max_size=20))
def test_any_text_becomes_printable_json(text: str) -> None:
    printable(text).encode()


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=3))
def test_any_facts_make_a_statement_that_can_be_read(result: dict[str, Any]) -> None:
    assert isinstance(end(collected=Collected(COMMAND, result)).predicate["result"], dict)


def test_the_same_values_give_the_same_bytes() -> None:
    made = [end_statement(CONTEXT, RAN, Collected(COMMAND, {}), Scrubber(), "1", definition=None) for _ in range(2)]
    assert made[0].payload == made[1].payload
