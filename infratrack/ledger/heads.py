"""Is a checkpoint the head of this very log, signed by a trusted key? Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from infratrack.errors import IntegrityFailure
from infratrack.evidence.identity.sigstore_library import INSTALL
from infratrack.evidence.keys import PublicKey
from infratrack.ledger.check import Findings, LogCheck
from infratrack.ledger.checkpoint import Checkpoint, SignedNote, read_note, verify_note


class SignedHead(Struct, frozen=True):
    """A checkpoint that holds, and the trusted key that signed it."""

    checkpoint: Checkpoint
    keyid: str
    name: str


def check_head(
    note: SignedNote | None,
    check: LogCheck,
    keys: Mapping[str, PublicKey],
    findings: Findings,
    *,
    known: Mapping[str, PublicKey],
) -> SignedHead | None:
    """Compare the checkpoint with the log that was followed, and find the trusted key that signed it.

    `keys` are the trusted ones, `known` those that the log brings along: they only tell who signed instead.
    """
    if note is None:
        return None
    head = note.checkpoint
    if note.body != head.body:
        findings.add("checkpoint: it holds lines besides origin, size and root")
    if head.size != check.size:
        findings.add(f"checkpoint: it covers {head.size} entries, there are {check.size}")
    elif head.root != check.root():
        findings.add("checkpoint: its root is not the root over the entries: entries or checkpoint were altered")
    try:
        verification = verify_note(note, keys.values())
    except IntegrityFailure as error:
        findings.add(f"checkpoint: {error.message}")
        return None
    for name in verification.unknown if verification.signers else ():
        findings.add(f"checkpoint: it carries a signature of an unknown key named {name!a}")
    if len({line.signature for line in note.signatures}) != len(note.signatures):
        findings.add("checkpoint: it carries the same signature twice")
    if not verification.signers:
        _tell_stranger(_stranger(note, known), verification.unknown, check, findings)
        return None
    signer = verification.signers[0].keyid
    name = next(line.name for line in note.signatures if line.name not in verification.unknown)
    return SignedHead(head, signer, name)


def _tell_stranger(stranger: _Stranger | None, names: Sequence[str], check: LogCheck, findings: Findings) -> None:
    """Note that nobody who is trusted signed the checkpoint, and what can be done about it."""
    if stranger and stranger.keyid in check.unread_keyids:
        findings.add(
            f"checkpoint: it is whole, but signed in a job with the key {stranger.keyid}, which sigstore vouches for: "
            "that cannot be verified here",
            INSTALL,
        )
    elif stranger:
        findings.add(
            f"checkpoint: it is whole, but signed by {stranger.name!a} with the key {stranger.keyid}, which is no key "
            "that the trust root names: nobody who is trusted vouches that no entry was left out or put in",
            "if you trust that key, add it to `trust.signers` in the project file "
            f"(`keyid: {stranger.keyid}`) or name its file with --trust; if not, append something with a trusted key "
            "(`infratrack run -- true`): that signs a new checkpoint",
        )
    else:
        told = ", ".join(ascii(name) for name in names)
        findings.add(f"checkpoint: it is signed by {told}, which is no key that the trust root names")


class _Stranger(Struct, frozen=True):
    name: str
    keyid: str


def _stranger(note: SignedNote, known: Mapping[str, PublicKey]) -> _Stranger | None:
    """Who signed, if that is a key that the log brings along, its signature fits, and there is no other."""
    try:
        found = verify_note(note, known.values())
    except IntegrityFailure:
        return None
    return None if found.unknown else _Stranger(note.signatures[0].name, found.signers[0].keyid)


def read_seen(notes: Sequence[str], findings: Findings) -> list[Checkpoint]:
    """The checkpoints that were seen before."""
    heads = []
    for text in notes:
        try:
            heads.append(read_note(text).checkpoint)
        except IntegrityFailure as error:
            findings.add(f"the checkpoint seen before: {error.message}")
    return heads


def check_seen(seen: Sequence[Checkpoint], origin: str, check: LogCheck, findings: Findings) -> None:
    """The log must still begin with each checkpoint that was seen before: else it was forked or rolled back."""
    for one in seen:
        # Another origin is another log: a second checkout of the project on this machine keeps one of its own.
        if one.origin != origin:
            continue
        if one.size > check.size:
            findings.add(
                f"checkpoint: this machine has seen {one.size} entries before, there are {check.size}: "
                "the ledger was rolled back"
            )
        elif check.roots.get(one.size) != one.root:
            findings.add(f"checkpoint: the first {one.size} entries are not those that this machine has seen before")
