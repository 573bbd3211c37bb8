"""`infratrack identity` against an issuer on loopback, over TLS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infratrack.evidence.identity.issuer_keys import read_key_set
from tests.capture.issuer_server import IssuerServer
from tests.capture.workshop import Workshop
from tests.evidence.identity.issuer import key_set


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[IssuerServer]:
    with IssuerServer(tmp_path).serving() as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, issuer: IssuerServer) -> Workshop:
    made = Workshop(tmp_path)
    made.environment |= issuer.environment
    return made


def test_a_job_sees_its_identity_and_how_to_trust_it(shop: Workshop, issuer: IssuerServer) -> None:
    shown = shop.infratrack("identity", "show")
    assert shown.returncode == 0
    assert "refs/heads/main" in shown.stdout
    assert f'issuer: "{issuer.url}"' in shown.stderr
    assert 'repository: "acme/network", ref: "refs/heads/main"' in shown.stderr
    document = json.loads(shop.infratrack("identity", "show", "--format", "json").stdout)
    assert document["identity"]["repository"] == "acme/network"


def test_a_job_that_anybody_can_set_going_is_not_recommended(shop: Workshop, issuer: IssuerServer) -> None:
    issuer.claims = {"event_name": "pull_request", "ref": "refs/pull/7/merge"}
    shown = shop.infratrack("identity", "show")
    assert "do not trust them" in shown.stderr
    assert "trust: {" not in shown.stderr


def test_without_an_offer_the_command_says_how_to_get_one(shop: Workshop) -> None:
    shop.environment["INFRATRACK_IDENTITY"] = "off"
    shown = shop.infratrack("identity", "show")
    assert shown.returncode == 2
    assert "id-token: write" in shown.stderr


def test_keys_are_printed_or_added_to_a_file_and_none_is_taken_out(shop: Workshop, issuer: IssuerServer) -> None:
    printed = shop.infratrack("identity", "keys", issuer.url)
    assert [key.kid for key in read_key_set(printed.stdout)] == ["one"]
    path = shop.folder / "keys" / "issuer.json"
    for kid in ("one", "two"):
        issuer.keys = key_set(kid)
        assert shop.infratrack("identity", "keys", issuer.url, "--out", str(path)).returncode == 0
    assert [key.kid for key in read_key_set(path.read_text())] == ["one", "two"]
    again = shop.infratrack("identity", "keys", issuer.url, "--out", str(path))
    assert "holds 2 keys" in again.stderr
    assert "0 of them new" in again.stderr


@pytest.mark.parametrize("name", ["http://127.0.0.1:1", "gitlab.com", "https://a b", "--", "https://x?y"])
def test_what_is_no_issuer_is_a_sentence(shop: Workshop, name: str) -> None:
    failed = shop.infratrack("identity", "keys", "--", name)
    assert failed.returncode == 2
    assert "is not an issuer" in failed.stderr


def test_a_file_with_something_else_in_it_is_not_overwritten(shop: Workshop, issuer: IssuerServer) -> None:
    path = shop.write("notes.json", "my notes")
    failed = shop.infratrack("identity", "keys", issuer.url, "--out", str(path))
    assert failed.returncode == 2
    assert path.read_text() == "my notes"
