"""Small ledgers, made the same way every time, for tests of stores, reports and commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from infratrack.evidence.keys import SigningKey
from infratrack.evidence.predicates import artifact
from infratrack.evidence.trust import Trust, TrustedSigner
from infratrack.ledger.log import Appended, Incoming, Ledger
from infratrack.ledger.open import open_ledger
from infratrack.testing.builders import signed, signing_key
from infratrack.values import Digest, Instant, sha256_digest

SAMPLE_TYPE: Final = "urn:infratrack:evidence:command:v1"
SAMPLE_ADDRESS: Final = "sqlite:///.infratrack/ledger.db"
SAMPLE_START: Final = Instant(1_767_603_600_000_000)
"""2026-01-05T09:00:00Z."""


def ticking(start: int = SAMPLE_START, step: int = 1_000_000) -> Callable[[], Instant]:
    """A clock that goes on by a step (a second) whenever it is asked."""
    ticks = count(start, step)
    return lambda: Instant(next(ticks))


def trust_in(*keys: SigningKey) -> Trust:
    """A trust root of signers named `signer-0` and so on."""
    signers = {key.keyid: TrustedSigner(f"signer-{number}", key.public_key) for number, key in enumerate(keys)}
    return Trust(signers, {}, {key.keyid: key.public_key for key in keys})


def incoming(number: int, key: SigningKey | None = None, *, blob: bytes | None = None) -> Incoming:
    """An envelope that says its number, with a blob that it names."""
    signer = key or signing_key()
    blobs: dict[Digest, bytes] = {}
    artifacts = []
    if blob is not None:
        digest = sha256_digest(blob)
        blobs[digest] = blob
        named = artifact("report", digest, "text/plain")
        artifacts.append({"name": named.name, "digest": dict(named.digest)})
    line = signed(SAMPLE_TYPE, {"artifacts": artifacts, "result": {"number": number}}, signer)
    return Incoming(line, signer.keyid, signer.public_key, blobs)


def append(ledger: Ledger, items: Sequence[Incoming], key: SigningKey | None = None) -> list[Appended]:
    """Append as `ci`, at the sample's time."""
    return ledger.append(items, signer=key or signing_key(), signer_name="ci", clock=lambda: SAMPLE_START)


def sample_ledger(folder: Path, entries: int = 5, *, blobs: int = 2) -> Ledger:
    """A ledger under `folder` with this many entries, the first of them naming a blob each."""
    ledger = open_ledger(SAMPLE_ADDRESS, folder, project_id="sample", create=True)
    for number in range(entries):
        append(ledger, [incoming(number, blob=b"blob %d\n" % number if number < blobs else None)])
    return ledger


def append_and_tell(folder: Path, name: str, number_of: int, telling: Connection) -> None:
    """For another process: append envelopes one by one, signed by the key `name`; then send their digests."""
    ledger = open_ledger(SAMPLE_ADDRESS, folder, project_id="sample", create=True)
    key = signing_key(name)
    telling.send([one.digest for number in range(number_of) for one in append(ledger, [incoming(number, key)], key)])


def append_until_killed(folder: Path, first: int, telling: Connection) -> None:
    """For another process: append batches without end, each with a blob, sending every digest once acknowledged."""
    ledger = open_ledger(SAMPLE_ADDRESS, folder, project_id="sample", create=True)
    for number in count(first, 3):
        items = [incoming(number + more, blob=b"%d" % number if more == 0 else None) for more in range(number % 3 + 1)]
        for one in append(ledger, items):
            telling.send_bytes(one.digest.encode())
