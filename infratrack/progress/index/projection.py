"""One ledger entry read as facts: who signed, what it says, what it belongs to. Never raises for what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from infratrack.errors import InfratrackError, IntegrityFailure
from infratrack.evidence.envelope import open_envelope, verify
from infratrack.evidence.identity.endorsement import Endorsed, endorsed_by
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.predicates import ENDORSEMENT, KEY, SIGNOFF
from infratrack.evidence.statement import Statement, read_statement
from infratrack.progress.criterion import Word
from infratrack.progress.index.store import DAMAGED, KNOWN, UNKNOWN_KEY
from infratrack.progress.signoff_words import SignedDecision, key_entry, signed_decision, signoff_words
from infratrack.values import Digest, Instant, sha256_digest


class WordsOf(Protocol):
    """A kind of evidence that is read as words (an `EvidenceType` of the plugins)."""

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """What the evidence says."""


class Entry(Protocol):
    """A ledger entry, as the ledger hands it over."""

    @property
    def index(self) -> int:
        """The entry's number."""

    @property
    def line(self) -> bytes:
        """The envelope."""

    @property
    def recorded_at(self) -> Instant:
        """When it was appended."""

    @property
    def keyid(self) -> str:
        """The key that is said to have signed."""

    @property
    def predicate_type(self) -> str:
        """The kind of evidence, as the leaf says."""

    @property
    def digest(self) -> Digest:
        """The SHA-256 of the line, as the leaf says."""


class EvidenceFacts(Struct, frozen=True):
    """What the index keeps of a piece of evidence."""

    entry: int
    digest: str
    payload: str
    predicate_type: str
    keyid: str
    project: str
    definition: str
    state: int
    instant: int
    recorded: int
    run: str
    outcome: str | None
    commit: str | None
    actor: str | None
    run_url: str | None
    problem: str
    deliverables: tuple[str, ...] = ()
    signed: SignedDecision | None = None
    key_entry: tuple[str, str] | None = None
    words: tuple[tuple[str, str, str, bytes], ...] = ()
    """(kind, scope, name, value as JSON) in the order in which they are said."""
    checked: bool = False
    """Whether the signature was verified just now."""
    endorsed: Endorsed | None = None
    """The key that the evidence endorses, and whose it is."""

    @property
    def order(self) -> tuple[int, str, str]:
        """How evidence is ordered: by instant, run and payload, so that the order of delivery cannot matter."""
        return self.instant, self.run, self.payload


def read_entry(
    entry: Entry,
    public_keys: Mapping[str, PublicKey],
    types: Mapping[str, WordsOf],
    verified: Mapping[str, str],
) -> EvidenceFacts:
    """The facts of one entry; `verified` names the key that is known to have signed, by envelope digest."""
    state, problem, checked = KNOWN, "", False
    keyid = entry.keyid
    try:
        if sha256_digest(entry.line) != entry.digest:
            raise IntegrityFailure("the envelope is not the one that was recorded")
        envelope = open_envelope(entry.line)
        statement = read_statement(envelope.payload)
        if entry.digest in verified:
            keyid = verified[entry.digest]
        elif keyid in public_keys:
            keyid = verify(envelope, {keyid: public_keys[keyid]})
            checked = True
        else:
            state = UNKNOWN_KEY
    except InfratrackError as error:
        return _damaged(entry, error.message)
    signed = signed_decision(statement.predicate) if statement.predicate_type == SIGNOFF else None
    words: tuple[tuple[str, str, str, bytes], ...] = ()
    try:
        words = encoded_words(_words(statement, types, signed, keyid))
    except Exception as error:  # noqa: BLE001 -- a plugin may raise anything: the evidence is kept, and says so
        problem = f"it could not be read as words: {type(error).__name__}: {str(error)[:200]}"
    actor = statement.actor
    return EvidenceFacts(
        entry=entry.index,
        digest=entry.digest,
        payload=statement.payload_digest,
        predicate_type=statement.predicate_type,
        keyid=keyid,
        project=statement.project_id or "",
        definition=statement.definition_digest or "",
        state=state,
        instant=_instant(entry, statement),
        recorded=entry.recorded_at,
        run=statement.run_id or "",
        outcome=statement.outcome,
        commit=statement.commit,
        actor=actor.id if actor else None,
        run_url=statement.run_url,
        problem=problem,
        deliverables=tuple(dict.fromkeys(statement.deliverables)),
        signed=signed,
        key_entry=key_entry(statement.predicate) if statement.predicate_type == KEY else None,
        endorsed=endorsed_by(statement.predicate, keyid) if statement.predicate_type == ENDORSEMENT else None,
        words=words,
        checked=checked,
    )


def _words(
    statement: Statement, types: Mapping[str, WordsOf], signed: SignedDecision | None, keyid: str
) -> Sequence[Word]:
    if statement.predicate_type == SIGNOFF:
        return signoff_words(signed, keyid) if signed else ()
    kind = types.get(statement.predicate_type)
    return kind.words(statement.predicate) if kind is not None else ()


def encoded_words(words: Sequence[Word]) -> tuple[tuple[str, str, str, bytes], ...]:
    """Words as rows; raises TypeError when they are not words."""
    rows = []
    for word in words:
        if not isinstance(word, Word) or not all(isinstance(text, str) for text in (word.kind, word.scope, word.name)):
            raise TypeError(f"{type(word).__name__} is not a word")
        for text in (word.kind, word.scope, word.name):
            text.encode()  # a lone surrogate cannot be kept
        rows.append((word.kind, word.scope, word.name, msgspec.json.encode(word.value, order="sorted")))
    return tuple(rows)


def _damaged(entry: Entry, problem: str) -> EvidenceFacts:
    return EvidenceFacts(
        entry=entry.index,
        digest=entry.digest,
        payload=entry.digest,
        predicate_type=entry.predicate_type,
        keyid=entry.keyid,
        project="",
        definition="",
        state=DAMAGED,
        instant=entry.recorded_at,
        recorded=entry.recorded_at,
        run="",
        outcome=None,
        commit=None,
        actor=None,
        run_url=None,
        problem=problem,
    )


def _instant(entry: Entry, statement: Statement) -> int:
    """The earlier of capture and recording; a run whose end was not seen is placed where it was found to be over."""
    ended = statement.lost_at if statement.finished_at is None else statement.finished_at
    return entry.recorded_at if ended is None else min(entry.recorded_at, ended)
