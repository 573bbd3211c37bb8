"""From facts to the bytes that are signed: context and what a collector found → scrubbed → statement. Pure.

Everything that came from outside passes the scrubber: command line, labels, links, addresses of pipelines and remotes,
names and facts. Identifiers that we made ourselves, digests and instants do not need to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct, structs

from infratrack.errors import InputError
from infratrack.evidence.predicates import (
    COMMAND,
    ENDORSEMENT,
    KEY,
    RUN_START,
    SIGNOFF,
    TOMBSTONE,
    Actor,
    Artifact,
    Ci,
    DefinitionPin,
    GitState,
    Links,
    Outcome,
    RedactionNote,
    Run,
    RunPredicate,
    Seen,
    artifact,
)
from infratrack.evidence.statement import Statement, bare_subject, build_statement, run_predicate
from infratrack.hookspecs import Collected
from infratrack.values import Digest, Instant, format_instant, sha256_digest

UNSEEN: Final = "unseen"
NO_RUNS: Final = frozenset({"", RUN_START, SIGNOFF, KEY, TOMBSTONE, ENDORSEMENT})
"""What the end of a run can never be."""
DEFINITION_NAME: Final = "definition"
DEFINITION_MEDIA_TYPE: Final = "application/vnd.infratrack.definition+json"


class Scrubbing(Protocol):
    """What is needed of a scrubber (`infratrack.evidence.redaction.Scrubber`)."""

    @property
    def masked(self) -> int:
        """How many places were masked so far."""

    def text(self, text: str) -> str:
        """The text without secrets."""

    def argv(self, argv: Sequence[str]) -> tuple[str, ...]:
        """The command line without secrets."""

    def json(self, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
        """The value without secrets."""


class RunContext(Struct, frozen=True):
    """What is the same for a run's start and its end. Free text in it is scrubbed when the statement is made."""

    run_id: str
    links: Links
    actor: Actor
    ci: Ci | None = None
    git: GitState | None = None
    definition: DefinitionPin = DefinitionPin()
    seen: Seen | None = None
    labels: Mapping[str, str] = {}
    missing: Mapping[str, str] = {}
    """What is not known of the surroundings (fact → reason)."""


class Execution(Struct, frozen=True):
    """What was executed, and how it ended. `finished_at` None: nobody saw the end."""

    argv: tuple[str, ...] = ()
    tool: str | None = None
    exit_code: int | None = None
    outcome: Outcome | None = None
    started_at: Instant | None = None
    finished_at: Instant | None = None


class Made(Struct, frozen=True):
    """A statement ready to be signed, and the blobs that belong to it."""

    payload: bytes
    blobs: Mapping[Digest, bytes] = {}


def start_statement(
    context: RunContext, execution: Execution, scrubber: Scrubbing, rules: str, unseen: Collected | None = None
) -> Made:
    """The run's start: who, what, for which deliverables, and the newest checkpoint known at this moment.

    `unseen` is what to record should nobody see the run's end; what is too large for a statement is left out.
    """
    start = Collected(RUN_START, {})
    if unseen is not None:
        start = structs.replace(
            unseen,
            predicate_type=RUN_START,
            result={UNSEEN: {"predicateType": unseen.predicate_type, "result": dict(unseen.result)}},
            artifacts=(),
            missing={},
            extra={},
        )
    try:
        return _made(context, execution, start, scrubber, rules, definition=None)
    except InputError as error:
        bare = Collected(RUN_START, {}, missing={UNSEEN: error.message})
        return _made(context, execution, bare, scrubber, rules, definition=None)


def end_statement(  # noqa: PLR0913 -- a statement is made of this much
    context: RunContext,
    execution: Execution,
    collected: Collected,
    scrubber: Scrubbing,
    rules: str,
    *,
    definition: bytes | None,
    largest: int | None = None,
) -> Made:
    """The run's end with its facts. Facts that are too large are left out, with the reason, rather than lost whole.

    `definition` is the definition document; it becomes a blob that the statement names. Of artifacts with more than
    `largest` bytes only the digest is kept, and the statement says so.
    """
    try:
        return _made(context, execution, collected, scrubber, rules, definition=definition, largest=largest)
    except InputError as error:
        bare = structs.replace(collected, result={}, extra={}, missing={**collected.missing, "facts": error.message})
        return _made(context, execution, bare, scrubber, rules, definition=definition, largest=largest)


def lost_end_statement(start: Statement, reason: str, found: Instant) -> Made:
    """The end of a run that nobody saw: its start's own words, outcome `indeterminate`, no `finishedAt`.

    `found` is when the run was found to be over: whatever begins later comes after it.
    """
    predicate_type, result = _foretold(start)
    common = start.common
    run = common.run or Run(id=start.payload_digest.removeprefix("sha256:"))
    lost = structs.replace(
        common,
        run=structs.replace(
            run, exit_code=None, outcome="indeterminate", finished_at=None, lost_at=format_instant(found)
        ),
        missing={**common.missing, "end": reason},
    )
    payload = build_statement(
        subjects=start.subject, predicate_type=predicate_type, predicate=run_predicate(lost, result)
    )
    return Made(payload)


def _foretold(start: Statement) -> tuple[str, Mapping[str, Any]]:
    """The predicate type and result that the start gives for this case; a plain command's where it gives none."""
    result = start.predicate.get("result")
    unseen = result.get(UNSEEN) if isinstance(result, Mapping) else None
    if isinstance(unseen, Mapping):
        predicate_type, facts = unseen.get("predicateType"), unseen.get("result")
        if isinstance(predicate_type, str) and predicate_type not in NO_RUNS and isinstance(facts, Mapping):
            return predicate_type, facts
    return COMMAND, {}


def _made(  # noqa: PLR0913 -- see end_statement
    context: RunContext,
    execution: Execution,
    collected: Collected,
    scrubber: Scrubbing,
    rules: str,
    *,
    definition: bytes | None,
    largest: int | None = None,
) -> Made:
    before = scrubber.masked
    clean = _Clean(scrubber)
    run = Run(
        id=context.run_id,
        tool=clean.maybe(collected.tool or execution.tool),
        tool_version=clean.maybe(collected.tool_version),
        argv=tuple(scrubber.argv([printable(word) for word in execution.argv])),
        exit_code=execution.exit_code,
        outcome=execution.outcome,
        started_at=_written(execution.started_at),
        finished_at=_written(execution.finished_at),
    )
    git = clean.json(context.git, GitState)
    result, extra = (
        clean.json(dict(collected.result), dict[str, Any]),
        clean.json(dict(collected.extra), dict[str, Any]),
    )
    artifacts, blobs = _artifacts(collected, clean, definition, largest)
    common = RunPredicate(
        run=run,
        actor=clean.json(context.actor, Actor),
        ci=clean.json(context.ci, Ci),
        git=git,
        links=structs.replace(
            clean.json(context.links, Links), project=context.links.project, environment=context.links.environment
        ),
        definition=context.definition,
        seen=context.seen,
        artifacts=artifacts,
        labels=clean.json(context.labels, dict[str, str]),  # by name too: `token=…` is no label to keep
        missing={name: clean.text(reason) for name, reason in {**context.missing, **collected.missing}.items()},
    )
    note = RedactionNote(rules, collected.masked + scrubber.masked - before, tuple(sorted(collected.dropped)))
    commit = context.git.commit if context.git else None
    payload = build_statement(
        subjects=[clean.json(one, type(one)) for one in collected.subjects] or [bare_subject(commit, context.run_id)],
        predicate_type=collected.predicate_type,
        predicate=run_predicate(structs.replace(common, redaction=note), result, extra),
    )
    return Made(payload, blobs)


class _Clean:
    """The scrubber, over text that may hold bytes of no encoding, and over typed values."""

    def __init__(self, scrubber: Scrubbing) -> None:
        self._scrubber = scrubber

    def text(self, text: str) -> str:
        return self._scrubber.text(printable(text))

    def maybe(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)

    def json(self, value: Any, kind: Any) -> Any:  # noqa: ANN401 -- a typed value in, the same type out
        """Scrub a value through its JSON form, and give it back as what it was."""
        plain = _printable_json(msgspec.to_builtins(value, str_keys=True))
        return None if plain is None else msgspec.convert(self._scrubber.json(plain), kind)


def _artifacts(
    collected: Collected, clean: _Clean, definition: bytes | None, largest: int | None
) -> tuple[tuple[Artifact, ...], dict[Digest, bytes]]:
    named, blobs = [], {}
    for content in collected.artifacts:
        digest = sha256_digest(content.content)
        kept = largest is None or len(content.content) <= largest
        if kept:
            blobs[digest] = content.content
        named.append(artifact(clean.text(content.name), digest, content.media_type, digest_only=not kept))
    if definition is not None:
        digest = sha256_digest(definition)
        blobs[digest] = definition
        named.append(artifact(DEFINITION_NAME, digest, DEFINITION_MEDIA_TYPE))
    return tuple(named), blobs


def printable(text: str) -> str:
    """Text without bytes of no encoding (which Python carries as lone surrogates and JSON cannot)."""
    if not _has_surrogates(text):
        return text
    try:
        return text.encode(errors="surrogateescape").decode(errors="replace")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return text.encode(errors="surrogatepass").decode(errors="replace")


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _printable_json(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(name): _printable_json(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable_json(member) for member in value]
    return value


def _written(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
