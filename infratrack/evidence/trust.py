"""Whom the project trusts: whose evidence counts, and whose sign-offs. Pure.

Only the project file widens trust: by keys, and by identities, for which an issuer whose keys the file pins has to
vouch in an endorsement. Key entries in the ledger narrow it, by their position and not by any clock: from the entry's
index on, the key's evidence no longer counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, structs

from infratrack.errors import InputError
from infratrack.evidence.identity.endorsement import Endorsed
from infratrack.evidence.identity.trusted import TrustedIdentity, trusted_identities
from infratrack.evidence.keys import PublicKey
from infratrack.project.model import Project

_KEYID: Final = re.compile(r"[0-9a-f]{64}")


class TrustedSigner(Struct, frozen=True):
    """A key of `trust.signers`; `public_key` is None when only its id is written and no ledger has shown it yet."""

    name: str
    public_key: PublicKey | None


class Trust(Struct, frozen=True):
    """What the project file says about keys, by key id."""

    signers: Mapping[str, TrustedSigner] = {}
    """Keys whose evidence counts."""
    people: Mapping[str, str] = {}
    """Keys of people, with the person's id: their sign-offs count. Any other key is a machine and can never accept."""
    public_keys: Mapping[str, PublicKey] = {}
    """Every key that is known, of signers and people: checkpoints may be signed by any of them."""
    identities: tuple[TrustedIdentity, ...] = ()
    """Jobs whose keys count once an endorsement in the ledger names them."""
    since: Mapping[str, int] = {}
    """Keys that count by an endorsement only, with the index of its entry: from there on their evidence counts."""

    def name_of(self, keyid: str) -> str | None:
        """How people call the key: the signer's name, else the person's id."""
        signer = self.signers.get(keyid)
        return signer.name if signer else self.people.get(keyid)


def trust_of(project: Project, known_keys: Mapping[str, PublicKey] | None = None) -> Trust:
    """Trust as the project file has it; `known_keys` fills in public keys that are named by id only.

    Raises InputError, naming the path as written, for a key file that holds no public key, or a key of two owners.
    """
    known = known_keys or {}
    signers: dict[str, TrustedSigner] = {}
    people: dict[str, str] = {}
    public_keys: dict[str, PublicKey] = {}
    for signer in project.signers:
        keyid, key = _resolve(project, signer.key or signer.keyid or "", known, f"trust.signers {signer.name!r}")
        if keyid in signers and signers[keyid].name != signer.name:
            raise _shared(keyid, f"signers {signers[keyid].name!r} and {signer.name!r}")
        signers[keyid] = TrustedSigner(signer.name, key)
        if key is not None:
            public_keys[keyid] = key
    for person in project.people:
        for written in person.keys:
            keyid, key = _resolve(project, written, known, f"people {person.id!r}")
            if people.get(keyid, person.id) != person.id:
                raise _shared(keyid, f"people {people[keyid]!r} and {person.id!r}")
            people[keyid] = person.id
            if key is not None:
                public_keys[keyid] = key
    return Trust(signers, people, public_keys, trusted_identities(project))


def covering(trust: Trust, endorsed: Endorsed) -> TrustedIdentity | None:
    """The identity that the project trusts the endorsed key for; None when it trusts none of the kind."""
    return next((identity for identity in trust.identities if identity.covers(endorsed)), None)


def with_endorsed(trust: Trust, endorsements: Iterable[tuple[int, Endorsed]]) -> Trust:
    """Trust, widened by the keys that endorsements in the ledger bring, each with its entry's index.

    A key that the project file names itself stays what it is there.
    """
    if not trust.identities:
        return trust
    signers, since = dict(trust.signers), dict(trust.since)
    covered: dict[tuple[str, object], TrustedIdentity | None] = {}
    for index, endorsed in sorted(endorsements, key=lambda one: one[0]):
        if endorsed.keyid in signers:
            continue
        kind = (endorsed.authority, endorsed.runner)
        if kind not in covered:
            covered[kind] = covering(trust, endorsed)
        identity = covered[kind]
        if identity is not None:
            signers[endorsed.keyid] = TrustedSigner(identity.name, None)
            since[endorsed.keyid] = index
    return structs.replace(trust, signers=signers, since=since)


class KeyEntry(Struct, frozen=True):
    """A ledger entry of type `urn:infratrack:key:v1`: at `index`, `signer` takes `keyid` out of use."""

    index: int
    keyid: str
    action: str
    """`revoke` (it may be in wrong hands) or `end` (it is no longer used)."""
    signer: str
    """The id of the key that signed the entry."""


class NarrowedTrust(Struct, frozen=True):
    """Trust with an end for some keys: `ends` is the index from which on a key's evidence no longer counts."""

    trust: Trust
    ends: Mapping[str, int] = {}

    def holds(self, keyid: str, index: int) -> bool:
        """Whether the key was in use at that position: endorsed already, where it has to be, and not ended."""
        return self.trust.since.get(keyid, 0) <= index < self.ends.get(keyid, index + 1)


def narrow(trust: Trust, key_entries: Iterable[KeyEntry]) -> NarrowedTrust:
    """Apply key entries in the order of the ledger.

    An entry counts when it is signed by the key itself or by a key of a person, still in use at that position; so a
    stolen pipeline key cannot put others out of use, and a revoked key cannot speak again.
    """
    ends: dict[str, int] = {}
    for entry in sorted(key_entries, key=lambda one: one.index):
        may = entry.signer == entry.keyid or entry.signer in trust.people
        if may and entry.action in {"revoke", "end"} and entry.signer not in ends:
            ends.setdefault(entry.keyid, entry.index)
    return NarrowedTrust(trust, ends)


def _resolve(
    project: Project, written: str, known: Mapping[str, PublicKey], owner: str
) -> tuple[str, PublicKey | None]:
    """A key as written: a key file's path, or a key id."""
    text = project.key_files.get(written)
    if text is None:
        if _KEYID.fullmatch(written):
            return written, known.get(written)
        raise InputError(
            f"{owner}: the key file {written!r} was not read", "write the path of a public key, or a key id"
        )
    try:
        key = PublicKey.from_pem(text)
    except InputError as error:
        raise InputError(f"{written} ({owner}): {error.message}", error.hint) from error
    return key.keyid, key


def _shared(keyid: str, owners: str) -> InputError:
    return InputError(
        f"the key {keyid[:16]} belongs to two: {owners}", "give each a key of their own: `infratrack key new NAME`"
    )
