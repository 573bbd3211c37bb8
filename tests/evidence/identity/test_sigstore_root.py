"""Trusted roots of sigstore: read as hostile input, each part known by its keys."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from infratrack.errors import InputError
from infratrack.evidence.identity.sigstore_root import KINDS, ROOT_AT_MOST, read_root
from tests.evidence.identity.sigstore_instance import SigstoreInstance

ROOT = SigstoreInstance().trusted_root()
OTHER = SigstoreInstance().trusted_root()


def changed(**members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ROOT), **members}


def test_a_root_is_read_part_by_part_and_written_as_it_was() -> None:
    root = read_root(json.dumps(ROOT))
    assert [part.kind for part in root.parts] == ["certificateAuthorities", "ctlogs", "tlogs"]
    assert root.document == ROOT
    assert read_root(root.document) == read_root(json.dumps(ROOT).encode()) == root
    assert len(set(root.digests)) == 3


def test_a_part_is_known_by_its_keys_and_not_by_its_period_or_address() -> None:
    later = copy.deepcopy(ROOT)
    later["ctlogs"][0]["publicKey"]["validFor"]["end"] = "2030-01-01T00:00:00Z"
    later["tlogs"][0]["baseUrl"] = "https://elsewhere.example"
    later["certificateAuthorities"][0]["validFor"]["end"] = "2030-01-01T00:00:00Z"
    assert read_root(later).digests == read_root(ROOT).digests
    assert not set(read_root(OTHER).digests) & set(read_root(ROOT).digests)


def test_the_same_key_in_another_place_is_another_part() -> None:
    both = changed(ctlogs=ROOT["tlogs"], timestampAuthorities=ROOT["certificateAuthorities"])
    assert len(read_root(both).digests) == 4
    stronger = copy.deepcopy(ROOT)
    stronger["tlogs"][0]["publicKey"]["keyDetails"] = "PKIX_ECDSA_P384_SHA_384"
    assert read_root(stronger).digests != read_root(ROOT).digests


@pytest.mark.parametrize(
    ("hostile", "told"),
    [
        ("", "not JSON"),
        (b"\xff", "not JSON"),
        ("[" * 60_000, "not JSON"),
        (" " * (ROOT_AT_MOST + 1), "larger than"),
        ("[]", "not a sigstore trusted root"),
        ({}, "not a sigstore trusted root"),
        ({"keys": []}, "not a sigstore trusted root"),
        *((changed(**{kind: []}), f"has no {kind}") for kind in KINDS[:-1]),
        (changed(tlogs={}), "has no tlogs"),
        (changed(tlogs={"0": 1}), "no list"),
        (changed(tlogs=ROOT["tlogs"] * 51), "no list"),
        (changed(tlogs=["x"]), "has no publicKey"),
        (changed(tlogs=[{"publicKey": "x"}]), "has no publicKey"),
        (changed(tlogs=[{"publicKey": {}}]), "cannot be read"),
        (changed(tlogs=[{"publicKey": {"rawBytes": "*"}}]), "cannot be read"),
        (changed(tlogs=[{"publicKey": {"rawBytes": ""}}]), "cannot be read"),
        (changed(certificateAuthorities=[{"certChain": {"certificates": []}}]), "no certificates"),
        (changed(certificateAuthorities=[{"certChain": {"certificates": "x"}}]), "no certificates"),
        (changed(certificateAuthorities=[{"certChain": {"certificates": ["x"]}}]), "cannot be read"),
    ],
)
def test_what_is_no_root_is_a_sentence(hostile: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_root(hostile)
