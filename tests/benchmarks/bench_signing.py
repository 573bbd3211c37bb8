"""Sealing and verifying DSSE envelopes of 2 KB, against bare Ed25519 signatures of the same library."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infratrack.evidence.envelope import open_envelope, seal, verify
from infratrack.evidence.keys import SigningKey
from tests.benchmarks.measure import Measure, interleaved

TIMES = 200
ROUNDS = 40  # short and many: the minima hold on a busy machine too
PAYLOAD = b'{"statement":"' + b"x" * 2_032 + b'"}'


def measure() -> Iterable[Measure]:
    """Seconds for 200 envelopes."""
    bare = Ed25519PrivateKey.from_private_bytes(bytes(32))
    bare_public = bare.public_key()
    key = SigningKey.from_seed(bytes(32))
    known = {key.keyid: key.public_key}
    line, signature = seal(PAYLOAD, key), bare.sign(PAYLOAD)

    def seal_many() -> None:
        for _ in range(TIMES):
            seal(PAYLOAD, key)

    def sign_many() -> None:
        for _ in range(TIMES):
            bare.sign(PAYLOAD)

    def open_many() -> None:
        for _ in range(TIMES):
            verify(open_envelope(line), known)

    def verify_many() -> None:
        for _ in range(TIMES):
            bare_public.verify(signature, PAYLOAD)

    note = f"{TIMES} envelopes of {len(PAYLOAD)} bytes"
    for name, ours, peers in (
        ("seal an envelope", seal_many, sign_many),
        ("open and verify an envelope", open_many, verify_many),
    ):
        our_time, peer_time = interleaved(ours, peers, ROUNDS)
        yield Measure(name, our_time, "bare Ed25519", peer_time, bar=1.25, note=note)
