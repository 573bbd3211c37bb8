"""Brings evidence from the spool to the ledger, and gives runs that nobody saw ending an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from infratrack.capture.assemble import lost_end_statement
from infratrack.errors import InfratrackError, IntegrityFailure, Unreachable
from infratrack.evidence.envelope import open_envelope, seal
from infratrack.evidence.key_store import NamedKey
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.spool import Spool, SpooledEvidence
from infratrack.evidence.statement import read_statement
from infratrack.values import Digest, Instant

if TYPE_CHECKING:
    from infratrack.ledger.log import Ledger

BATCH: Final = 100
"""Evidence is appended in batches of this many, so that a large spool neither fills memory nor is lost half-way."""
DELIVERY_VARIABLE: Final = "INFRATRACK_DELIVERY"
HELD: Final = f"{DELIVERY_VARIABLE} holds it on this machine"
SEND: Final = "send it with `infratrack spool send`"
LOST: Final = "the run was killed or its machine was lost; nobody saw how it ended"
UNKNOWN_KEY: Final = "its signing key is not known on this machine"


class Sent(Struct, frozen=True):
    """What became of the spool: entries that are new, and what stays behind with the reason for each."""

    new: int = 0
    kept: Mapping[Digest, str] = {}


def is_held(environ: Mapping[str, str]) -> bool:
    """Whether commands leave evidence in the spool: INFRATRACK_DELIVERY is `hold` (or nothing known, to be safe).

    For jobs that may not write the ledger, such as those of pull requests: a trusted job decides about what they pack.
    """
    return environ.get(DELIVERY_VARIABLE, "").strip() not in {"", "send"}


def what_next(error: InfratrackError) -> str:
    """What to do about evidence that could not be sent."""
    return "see `infratrack ledger verify`" if isinstance(error, IntegrityFailure) else SEND


def recover_abandoned(spool: Spool, signer: NamedKey, clock: Callable[[], Instant]) -> int:
    """Give every abandoned start an `indeterminate` end, signed by this machine's key; returns how many there were.

    The holder of an abandoned start holds its lock, so two processes cannot recover the same run.
    """
    recovered = 0
    for abandoned in spool.abandoned():
        try:
            made = lost_end_statement(read_statement(open_envelope(abandoned.line).payload), LOST, clock())
            abandoned.finish(seal(made.payload, signer.key), made.blobs)
            recovered += 1
        except InfratrackError:
            abandoned.let_go()
    return recovered


def send(
    spool: Spool,
    open_ledger: Callable[[], Ledger],
    keys: Mapping[str, PublicKey],
    signer: NamedKey,
    clock: Callable[[], Instant],
) -> Sent:
    """Append what waits, a start before its end, and forget what was appended.

    The ledger is opened only when there is something to send. One piece that the ledger refuses does not hold up the
    others: it stays, with the ledger's reason. Raises Unreachable when the ledger cannot be reached, IntegrityFailure
    when it is not in a state to take anything in.
    """
    waiting = [(evidence, _signer_of(evidence, keys)) for evidence in spool.pending()]
    kept = {evidence.digest: UNKNOWN_KEY for evidence, key in waiting if key is None}
    known = [(evidence, key) for evidence, key in waiting if key is not None]
    if not known:
        return Sent(kept=kept)
    new = 0
    ledger = open_ledger()
    try:
        for first in range(0, len(known), BATCH):
            new += _append(ledger, known[first : first + BATCH], spool, signer, clock, kept)
        note = ledger.checkpoint()
        if note is not None:
            spool.write_seen(note)
    finally:
        ledger.close()
    return Sent(new, kept)


def _append(  # noqa: PLR0913, PLR0917 -- one loop's body, split off for its two ways
    ledger: Ledger,
    batch: Sequence[tuple[SpooledEvidence, PublicKey]],
    spool: Spool,
    signer: NamedKey,
    clock: Callable[[], Instant],
    kept: dict[Digest, str],
) -> int:
    """Append a batch as a whole; where the ledger refuses it, piece by piece."""
    from infratrack.ledger.log import Closed, Incoming  # noqa: PLC0415 -- the ledger is loaded only to send

    items = [Incoming(one.line, key.keyid, key, one.read_blobs()) for one, key in batch]
    try:
        appended = ledger.append(items, signer=signer.key, signer_name=signer.name, clock=clock)
    except (Unreachable, Closed):
        raise
    except InfratrackError as error:
        if len(batch) == 1:
            kept[batch[0][0].digest] = error.message
            return 0
        return sum(_append(ledger, [one], spool, signer, clock, kept) for one in batch)
    for one, _ in batch:
        spool.remove(one.digest)
    return sum(1 for one in appended if one.new)


def _signer_of(evidence: SpooledEvidence, keys: Mapping[str, PublicKey]) -> PublicKey | None:
    """The public key that the evidence names and that this machine knows."""
    try:
        signatures = open_envelope(evidence.line).signatures
    except InfratrackError:
        return None
    return next((keys[one.keyid] for one in signatures if one.keyid in keys), None)
