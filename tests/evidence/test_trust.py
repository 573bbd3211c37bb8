"""Trust: the project file widens it, key entries narrow it by position, and nothing else changes it."""

from __future__ import annotations

import pytest

from infratrack.errors import InputError
from infratrack.evidence.keys import SigningKey
from infratrack.evidence.trust import KeyEntry, Trust, TrustedSigner, narrow, trust_of
from infratrack.project.model import Definition, Person, Project, Signer
from infratrack.values import sha256_digest

CI, ANA, BEN = (SigningKey.from_seed(bytes([number]) * 32) for number in range(3))
FILES = {"keys/ci.pub": CI.public_pem, "keys/ana.pub": ANA.public_pem}


def project(
    signers: tuple[Signer, ...] = (), people: tuple[Person, ...] = (), files: dict[str, str] = FILES
) -> Project:
    definition = Definition(sha256_digest(b"{}"), b"{}")
    return Project("dc-west", "West", definition, signers=signers, people=people, key_files=files)


def test_signers_and_people_are_known_by_their_keys() -> None:
    trust = trust_of(project((Signer("ci", key="keys/ci.pub"),), (Person("ana", keys=("keys/ana.pub",)),)))
    assert trust.signers == {CI.keyid: TrustedSigner("ci", CI.public_key)}
    assert trust.people == {ANA.keyid: "ana"}
    assert trust.public_keys == {CI.keyid: CI.public_key, ANA.keyid: ANA.public_key}
    assert [trust.name_of(one.keyid) for one in (CI, ANA, BEN)] == ["ci", "ana", None]


def test_a_key_that_is_named_by_its_id_is_filled_in_from_the_keys_that_are_known() -> None:
    named = project((Signer("ci", keyid=CI.keyid),), (Person("ben", keys=(BEN.keyid,)),))
    unknown = trust_of(named)
    assert unknown.signers == {CI.keyid: TrustedSigner("ci", None)}
    assert unknown.people == {BEN.keyid: "ben"}
    assert unknown.public_keys == {}
    known = trust_of(named, {CI.keyid: CI.public_key, BEN.keyid: BEN.public_key, ANA.keyid: ANA.public_key})
    assert known.public_keys == {CI.keyid: CI.public_key, BEN.keyid: BEN.public_key}


def test_a_person_s_key_may_sign_evidence_too_and_be_named_twice() -> None:
    signers = (Signer("ana", key="keys/ana.pub"), Signer("ana", keyid=ANA.keyid))
    trust = trust_of(project(signers, (Person("ana", keys=("keys/ana.pub", ANA.keyid)),)), {ANA.keyid: ANA.public_key})
    assert (set(trust.signers), trust.people) == ({ANA.keyid}, {ANA.keyid: "ana"})


@pytest.mark.parametrize(
    ("signers", "people", "files", "told"),
    [
        ((Signer("ci", key="keys/no.pub"),), (), FILES, "'ci': the key file 'keys/no.pub' was not read"),
        ((Signer("ci"),), (), FILES, "the key file '' was not read"),
        ((Signer("ci", key="a"),), (), {"a": "nonsense"}, "a (trust.signers 'ci'): this is not a public key"),
        ((), (Person("ana", keys=("a",)),), {"a": "nonsense"}, "a (people 'ana'): this is not a public key"),
        ((Signer("a", keyid=CI.keyid), Signer("b", keyid=CI.keyid)), (), FILES, "signers 'a' and 'b'"),
        ((), (Person("a", keys=(CI.keyid,)), Person("b", keys=(CI.keyid,))), FILES, "people 'a' and 'b'"),
    ],
)
def test_a_key_that_cannot_be_told_is_a_sentence(
    signers: tuple[Signer, ...], people: tuple[Person, ...], files: dict[str, str], told: str
) -> None:
    with pytest.raises(InputError) as caught:
        trust_of(project(signers, people, files))
    assert told in caught.value.message


TRUST = Trust({CI.keyid: TrustedSigner("ci", CI.public_key)}, {ANA.keyid: "ana", BEN.keyid: "ben"}, {})


def test_without_key_entries_every_key_holds() -> None:
    assert narrow(TRUST, []).holds(CI.keyid, 10**9)


def test_a_key_holds_up_to_the_entry_that_ends_it() -> None:
    narrowed = narrow(TRUST, [KeyEntry(7, CI.keyid, "end", ANA.keyid), KeyEntry(5, CI.keyid, "revoke", CI.keyid)])
    assert [narrowed.holds(CI.keyid, index) for index in (4, 5, 6, 8)] == [True, False, False, False]
    assert narrowed.holds(ANA.keyid, 8)


def test_only_the_key_itself_or_a_person_can_end_a_key() -> None:
    assert narrow(TRUST, [KeyEntry(1, ANA.keyid, "revoke", CI.keyid)]).ends == {}
    assert narrow(TRUST, [KeyEntry(1, ANA.keyid, "revoke", "00" * 32)]).ends == {}
    assert narrow(TRUST, [KeyEntry(1, ANA.keyid, "widen", ANA.keyid)]).ends == {}


def test_a_key_that_was_ended_cannot_end_others() -> None:
    entries = [KeyEntry(3, BEN.keyid, "revoke", ANA.keyid), KeyEntry(2, ANA.keyid, "revoke", BEN.keyid)]
    assert narrow(TRUST, entries).ends == {ANA.keyid: 2}
