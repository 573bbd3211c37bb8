"""in-toto Statement v1: written deterministically, read as hostile input.

Source: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta, Struct, UnsetType

from infratrack.errors import InputError
from infratrack.evidence.predicates import Actor, Artifact, Outcome, RunPredicate, Seen
from infratrack.values import Digest, Instant, parse_instant, sha256_digest

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
MAXIMUM_STATEMENT_BYTES: Final = 32 * 1024 * 1024
MAXIMUM_NESTING: Final = 64

_ShortText = Annotated[str, Meta(min_length=1, max_length=1024)]


class SubjectLike(Protocol):
    """Anything with a name and digests."""

    @property
    def name(self) -> str:
        """The subject's name."""

    @property
    def digest(self) -> Mapping[str, str]:
        """Digests by algorithm (`{"sha256": hex}`, `{"gitCommit": hex}`)."""


class StatementSubject(Struct, frozen=True):
    """What a statement is about."""

    digest: Annotated[dict[str, str], Meta(min_length=1)]
    name: str = ""


class _Wire(Struct, frozen=True):
    type_: str = msgspec.field(name="_type")
    subject: Annotated[tuple[StatementSubject, ...], Meta(min_length=1)]
    predicate_type: _ShortText = msgspec.field(name="predicateType")
    predicate: dict[str, Any]


class Statement(Struct, frozen=True):
    """A statement that was read: typed where infratrack looks, plain data in `predicate` for plugins."""

    subject: tuple[StatementSubject, ...]
    predicate_type: str
    predicate: dict[str, Any]
    common: RunPredicate
    payload_digest: Digest
    started_at: Instant | None
    finished_at: Instant | None
    lost_at: Instant | None = None
    """When a run whose end nobody saw was found to be over."""

    @property
    def run_id(self) -> str | None:
        """The run's id; None for a foreign statement without a run."""
        return self.common.run.id if self.common.run else None

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended; None for a run's start and for foreign statements."""
        return self.common.run.outcome if self.common.run else None

    @property
    def exit_code(self) -> int | None:
        """The command's exit code."""
        return self.common.run.exit_code if self.common.run else None

    @property
    def argv(self) -> tuple[str, ...]:
        """The redacted command line."""
        return self.common.run.argv if self.common.run else ()

    @property
    def tool(self) -> str | None:
        """The tool that ran."""
        return self.common.run.tool if self.common.run else None

    @property
    def project_id(self) -> str | None:
        """The project that the evidence was made for."""
        return self.common.links.project if self.common.links else None

    @property
    def deliverables(self) -> tuple[str, ...]:
        """Linked deliverable ids."""
        return self.common.links.deliverables if self.common.links else ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Linked task ids."""
        return self.common.links.tasks if self.common.links else ()

    @property
    def system(self) -> str | None:
        """The system that was touched (`unclassified` when the run named none)."""
        return self.common.links.system if self.common.links else None

    @property
    def definition_digest(self) -> Digest | None:
        """The digest of the definition document that held."""
        pin = self.common.definition
        return Digest(pin.digest) if pin and pin.digest else None

    @property
    def commit(self) -> str | None:
        """The commit of the checkout that the run happened in."""
        return self.common.git.commit if self.common.git else None

    @property
    def actor(self) -> Actor | None:
        """Who is said to have done it (a claim)."""
        return self.common.actor

    @property
    def run_url(self) -> str | None:
        """Where the pipeline run can be looked at."""
        return self.common.ci.run_url if self.common.ci else None

    @property
    def seen(self) -> Seen | None:
        """The checkpoint known when the run started."""
        return self.common.seen

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The artifacts that belong to the evidence."""
        return self.common.artifacts


def build_statement(
    *, subjects: Sequence[SubjectLike], predicate_type: str, predicate: Mapping[str, Any] | Struct
) -> bytes:
    """The statement as compact JSON with sorted members: the same values always give the same bytes.

    Raises InputError when it is larger than what `read_statement` accepts.
    """
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": one.name, "digest": one.digest} for one in subjects],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    payload = msgspec.json.encode(document, order="sorted")
    if len(payload) > MAXIMUM_STATEMENT_BYTES:
        raise _too_large(len(payload))
    return payload


def run_predicate(
    common: RunPredicate, result: Mapping[str, Any], extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A whole predicate: the common part, `result`, and members that a type of the field's own needs (`extra`)."""
    members: dict[str, Any] = msgspec.to_builtins(common)
    return {**(extra or {}), **members, "result": (extra or {}).get("result", dict(result))}


def bare_subject(commit: str | None, run_id: str) -> StatementSubject:
    """What a command without a subject of its own is about: the git commit, else the SHA-256 of the run id."""
    if commit:
        return StatementSubject({"gitCommit": commit}, "commit")
    return StatementSubject({"sha256": hashlib.sha256(run_id.encode()).hexdigest()}, "run")


def read_statement(payload: bytes) -> Statement:
    """Read a statement. Whatever is wrong with the bytes ends in an InputError of one sentence."""
    if len(payload) > MAXIMUM_STATEMENT_BYTES:
        raise _too_large(len(payload))
    try:
        wire = msgspec.json.decode(payload, type=_Wire)
        if wire.type_ != STATEMENT_TYPE:
            raise _unreadable(f"its _type is {wire.type_[:80]!r}, expected {STATEMENT_TYPE!r}")
        _check_nesting(wire.predicate)
        _check_duplicates(wire, payload)
        common = msgspec.convert(wire.predicate, RunPredicate)
    except RecursionError as error:
        raise _unreadable("it is nested too deeply") from error
    except (msgspec.MsgspecError, UnicodeError, ValueError) as error:
        raise _unreadable(_sentence(error)) from error
    run = common.run
    return Statement(
        subject=wire.subject,
        predicate_type=wire.predicate_type,
        predicate=wire.predicate,
        common=common,
        payload_digest=sha256_digest(payload),
        started_at=_instant(run.started_at if run else None),
        finished_at=_instant(run.finished_at if run else None),
        lost_at=_instant(run.lost_at if run else None),
    )


def _check_nesting(predicate: dict[str, Any]) -> None:
    """Refuse what would overflow a reader that recurses; walks level by level, so that it cannot overflow itself."""
    level: list[dict[str, Any] | list[Any]] = [predicate]
    for _ in range(MAXIMUM_NESTING):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise _unreadable(f"it is nested more than {MAXIMUM_NESTING} levels deep")


def _check_duplicates(wire: _Wire, payload: bytes) -> None:
    """Refuse a member that stands twice: two readers would see two different statements."""
    # Bytes that encode back to themselves hold no duplicate: this is the fast way, and the usual one.
    document = {
        "_type": wire.type_,
        "predicate": wire.predicate,
        "predicateType": wire.predicate_type,
        "subject": [{"digest": one.digest, "name": one.name} for one in wire.subject],
    }
    if msgspec.json.encode(document) != payload:
        json.loads(payload, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value] # add() returns None
        raise _unreadable(f"the member {twice[:80]!r} stands twice in one object")
    return members


def _instant(text: str | UnsetType | None) -> Instant | None:
    return parse_instant(text) if isinstance(text, str) else None


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _too_large(size: int) -> InputError:
    return InputError(
        f"a statement of {size} bytes is too large, at most {MAXIMUM_STATEMENT_BYTES} bytes are read",
        "leave out facts (`--facts none`) or split the run",
    )


def _unreadable(reason: str) -> InputError:
    return InputError(f"this is not a readable in-toto statement: {reason}")
