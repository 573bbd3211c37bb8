"""Is a record sound? Pure: a leaf, the envelope beside it and the known keys decide.

A key id is the hash of its key, so a key that fits its id needs nobody to vouch for it: any envelope can be checked
for being what its signer signed. Whether that signer is trusted is another question.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from infratrack.errors import InfratrackError, InputError, IntegrityFailure
from infratrack.evidence.envelope import open_envelope, verify
from infratrack.evidence.identity.endorsement import Endorsed, endorsed_by
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.predicates import ENDORSEMENT, TOMBSTONE
from infratrack.evidence.statement import Statement, read_statement
from infratrack.evidence.trust import Trust, covering
from infratrack.ledger.entry import read_entry
from infratrack.ledger.merkle import EMPTY_ROOT, GrowingTree
from infratrack.values import Digest, Instant, format_instant

MAXIMUM_FINDINGS: Final = 100
"""After so many findings the rest is only counted."""

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")

Value = TypeVar("Value")


class LedgerDamage(IntegrityFailure):
    """Damage, each place named. `findings` are sentences; the message is the first, and how many more there are.

    `remedy` is set where nothing is damaged, but something is missing that a person can put right.
    """

    def __init__(self, findings: Sequence[str], total: int, remedy: str = "") -> None:
        more = f" (and {total - 1} more findings)" if total > 1 else ""
        hint = remedy or "restore the ledger from an export or a backup that verifies"
        super().__init__(f"{findings[0]}{more}", hint)
        self.findings = tuple(findings)
        self.total = total
        self.remedy = remedy


class Findings:
    """What was found so far."""

    def __init__(self) -> None:
        self._sentences: list[str] = []
        self._total = 0
        self._remedy = ""

    def add(self, sentence: str, remedy: str = "") -> None:
        """Note one, once; `remedy` is what to do if it stays the only one."""
        if sentence in self._sentences:
            return
        self._total += 1
        self._remedy = remedy if self._total == 1 else ""
        if len(self._sentences) < MAXIMUM_FINDINGS:
            self._sentences.append(sentence)

    def guard(self, read: Callable[[], Value], otherwise: Value) -> Value:
        """What `read` returns; `otherwise` when it raises IntegrityFailure, which is noted."""
        try:
            return read()
        except IntegrityFailure as error:
            self.add(error.message)
            return otherwise

    def __bool__(self) -> bool:
        """Whether anything was found."""
        return self._total > 0

    def raise_if_any(self) -> None:
        """LedgerDamage when anything was found."""
        if self._total:
            raise LedgerDamage(self._sentences, self._total, self._remedy)


class Record(Struct, frozen=True, gc=False):
    """A leaf and the envelope line beside it, as found."""

    index: int
    entry: bytes
    line: bytes


class SoundRecord(Struct, frozen=True, gc=False):
    """What a record that passed says."""

    digest: Digest
    keyid: str
    recorded_at: Instant
    blobs: tuple[Digest, ...]
    """Blobs that the statement names and does not declare digest-only."""
    tombstone: Digest | None
    """The blob that the statement says was removed on purpose."""
    endorsed: Endorsed | None = None
    """The key that the statement endorses, and the job that holds it."""


def check_record(record: Record, keys: Mapping[str, PublicKey]) -> SoundRecord:
    """What the record says; IntegrityFailure, without naming the entry, when anything about it is not sound."""
    if not isinstance(record.entry, bytes) or not isinstance(record.line, bytes):
        raise IntegrityFailure("it holds a value that is not bytes")
    if not record.entry and not record.line:
        raise IntegrityFailure("it is missing or cannot be read")
    leaf = read_entry(record.entry)
    if hashlib.sha256(record.line).hexdigest() != leaf.envelope.removeprefix("sha256:"):
        raise IntegrityFailure("the envelope is not the one that the leaf names: one of them was altered")
    envelope = open_envelope(record.line)
    key = keys.get(leaf.keyid)
    if key is None:
        raise IntegrityFailure(f"the key {leaf.keyid[:16]} that signed it is not known")
    verify(envelope, {leaf.keyid: key})
    try:
        statement = read_statement(envelope.payload)
    except InputError as error:
        raise IntegrityFailure(error.message) from error
    if statement.predicate_type != leaf.predicate_type:
        raise IntegrityFailure(
            f"the leaf says it is {leaf.predicate_type[:80]!a}, the envelope {statement.predicate_type[:80]!a}"
        )
    endorsed = endorsed_by(statement.predicate, leaf.keyid) if leaf.predicate_type == ENDORSEMENT else None
    return SoundRecord(leaf.envelope, leaf.keyid, leaf.recorded_at, _blobs(statement), _tombstone(statement), endorsed)


def named_blobs(line: bytes) -> tuple[Digest, ...]:
    """The blobs that an envelope's statement names; none for a statement that cannot be read."""
    try:
        return _blobs(read_statement(open_envelope(line).payload))
    except InfratrackError:
        return ()


def check_records(records: Sequence[Record], raw_keys: Mapping[str, bytes]) -> list[SoundRecord | str]:
    """Check many; in the place of one that is not sound stands the sentence that says why."""
    keys = {keyid: PublicKey.from_raw(raw) for keyid, raw in raw_keys.items()}
    results: list[SoundRecord | str] = []
    for record in records:
        try:
            results.append(check_record(record, keys))
        except IntegrityFailure as error:
            results.append(error.message)
    return results


class LogCheck:
    """Follows a log from its first entry: order, uniqueness, the tree, and what blobs it asks for."""

    def __init__(self, trust: Trust, findings: Findings, roots_wanted: frozenset[int] = frozenset()) -> None:
        """`roots_wanted` are sizes whose roots are kept in `roots`. IntegrityFailure where there is no trust root."""
        self._trust: Final = trust
        self._trusted: Final = set(trusted_keyids(trust))
        self._findings: Final = findings
        self._wanted: Final = roots_wanted
        self._tree: Final = GrowingTree()
        self._indexes: Final[dict[Digest, int]] = {}
        self._newest: tuple[Instant, int] | None = None
        self._named: Final[dict[Digest, int]] = {}
        self._removed: Final[set[Digest]] = set()
        self.roots: Final[dict[int, bytes]] = {0: EMPTY_ROOT}
        self.keyids: Final[set[str]] = set()
        self.unread_keyids: Final[set[str]] = set()
        """Keys of jobs that nothing can be said of without the package sigstore."""
        self.sound = 0
        self.trusted = 0
        self.unread = 0
        self.hashes = 0

    def take(self, record: Record, result: SoundRecord | str) -> bytes:
        """The next record and what `check_records` found; returns the subtree hashes that it completes."""
        index = self._tree.size
        entry = record.entry if isinstance(record.entry, bytes) else b""
        completed = self._tree.add(entry)
        self.hashes += len(completed) // 32
        if self._tree.size in self._wanted:
            self.roots[self._tree.size] = self._tree.root()
        if isinstance(result, str):
            self._findings.add(f"entry {index}: {result}")
            return completed
        self.sound += 1
        if result.endorsed and covering(self._trust, result.endorsed):
            self._trusted.add(result.keyid)
        elif result.endorsed and result.endorsed.unread:
            self.unread_keyids.add(result.keyid)
        self.trusted += result.keyid in self._trusted
        self.unread += result.keyid in self.unread_keyids - self._trusted
        self.keyids.add(result.keyid)
        first = self._indexes.setdefault(result.digest, index)
        if first != index:
            self._findings.add(f"entry {index}: it holds the same envelope as entry {first}")
        if self._newest and result.recorded_at < self._newest[0]:
            self._findings.add(
                f"entry {index}: it says it was recorded at {format_instant(result.recorded_at)}, "
                f"before entry {self._newest[1]}"
            )
        self._newest = (result.recorded_at, index)
        for digest in result.blobs:
            self._named.setdefault(digest, index)
        # Only a trusted key can say that content was removed on purpose.
        if result.tombstone and result.keyid in self._trusted:
            self._removed.add(result.tombstone)
        return completed

    def find(self, sentence: str) -> None:
        """Note something that the caller found."""
        self._findings.add(sentence)

    @property
    def size(self) -> int:
        """How many records were taken."""
        return self._tree.size

    def root(self) -> bytes:
        """The root over the records so far."""
        return self._tree.root()

    @property
    def named_blobs(self) -> Mapping[Digest, int]:
        """Every blob that must be there unless it was removed, and the first entry that names it."""
        return self._named

    @property
    def trusted_keyids(self) -> frozenset[str]:
        """Key ids that are trusted by now: the trust root's, and those that endorsements brought."""
        return frozenset(self._trusted)

    @property
    def removed_blobs(self) -> frozenset[Digest]:
        """Blobs that a trusted tombstone excuses."""
        return frozenset(self._removed)


def trusted_keyids(trust: Trust) -> frozenset[str]:
    """Every key id that the trust root names; IntegrityFailure when it names neither a key nor an identity."""
    found = frozenset({*trust.signers, *trust.people, *trust.public_keys})
    if not found and not trust.identities:
        raise IntegrityFailure(
            "there is no trust root, so nothing was verified",
            "name the keys that you trust: `trust.signers` in the project file, or --trust KEY.pem",
        )
    return found


def checkpoint_keys(trust: Trust, check: LogCheck, known: Mapping[str, PublicKey]) -> dict[str, PublicKey]:
    """The public keys that checkpoints may be signed with: the trusted ones; those named by id only are looked up."""
    looked_up = {keyid: known[keyid] for keyid in check.trusted_keyids if keyid in known}
    return {**looked_up, **trust.public_keys}


def _blobs(statement: Statement) -> tuple[Digest, ...]:
    """Well-formed digests of content that is to be kept."""
    return tuple(
        one.blob for one in statement.artifacts if one.blob and not one.digest_only and _DIGEST.fullmatch(one.blob)
    )


def _tombstone(statement: Statement) -> Digest | None:
    if statement.predicate_type != TOMBSTONE:
        return None
    result = statement.predicate.get("result")
    named = result.get("digest") if isinstance(result, dict) else None
    return Digest(named) if isinstance(named, str) and _DIGEST.fullmatch(named) else None
