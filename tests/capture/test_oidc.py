"""Asking for identities: over TLS, bounded, without following anybody anywhere and without telling secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infratrack.capture.endorsing import endorsement
from infratrack.capture.oidc import Asking, Offer, offered
from infratrack.errors import InfratrackError, InputError, IntegrityFailure, Unreachable
from infratrack.evidence.identity.tokens import audience_for
from infratrack.testing.builders import signing_key
from tests.capture.issuer_server import BEARER, IssuerServer
from tests.evidence.identity.issuer import key_set

KEYID = signing_key("job").keyid


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IssuerServer]:
    with IssuerServer(tmp_path).serving() as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.authority))
        yield server


def offer(issuer: IssuerServer) -> Offer:
    found = offered(issuer.environment)
    assert found is not None
    return found


def test_a_job_is_offered_an_identity_by_its_environment(issuer: IssuerServer) -> None:
    assert offer(issuer).bearer == BEARER
    assert offered({"INFRATRACK_ID_TOKEN": " a.b.c\n", **issuer.environment}) == Offer(given="a.b.c")
    assert offered({}) is None
    assert offered({"ACTIONS_ID_TOKEN_REQUEST_URL": issuer.url}) is None
    assert offered({**issuer.environment, "INFRATRACK_IDENTITY": "off"}) is None
    assert offered({**issuer.environment, "INFRATRACK_IDENTITY": "Auto"}) is not None
    assert offered({"INFRATRACK_ID_TOKEN": "a.b.c", "INFRATRACK_IDENTITY": "sigstore"}) == Offer("a.b.c", sigstore=True)
    described = {**issuer.environment, "INFRATRACK_IDENTITY": "sigstore", "INFRATRACK_SIGSTORE_CONFIG": "/etc/sigstore"}
    found = offered(described)
    assert found is not None
    assert (found.bearer, found.sigstore, found.sigstore_config) == (BEARER, True, "/etc/sigstore")
    with pytest.raises(InputError, match="none of auto, sigstore, off"):
        offered({**issuer.environment, "INFRATRACK_IDENTITY": "yes"})


def test_a_token_is_asked_for_with_the_key_as_audience_and_verified(issuer: IssuerServer) -> None:
    result = endorsement(offer(issuer), KEYID, None)
    assert result.keyid == KEYID
    assert (result.runner.repository, result.runner.ref) == ("acme/network", "refs/heads/main")
    assert issuer.asked == [
        f"/token?api-version=2.0&audience=infratrack%3A{KEYID}",
        "/.well-known/openid-configuration",
        "/jwks",
    ]


def test_a_token_that_was_given_needs_no_asking_for_one(issuer: IssuerServer) -> None:
    result = endorsement(Offer(given=issuer.token_for(audience_for(KEYID))), KEYID, None)
    assert result.runner.run == "1001"
    assert not [path for path in issuer.asked if path.startswith("/token")]


def test_a_disturbed_issuer_is_asked_again(issuer: IssuerServer) -> None:
    issuer.status = [503, 500]
    assert endorsement(offer(issuer), KEYID, None).keyid == KEYID


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": 1}, "has expired"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
    ],
)
def test_a_token_that_endorses_nothing_is_not_recorded(
    issuer: IssuerServer, claims: dict[str, object], told: str
) -> None:
    issuer.claims = claims
    with pytest.raises(IntegrityFailure, match=told):
        endorsement(offer(issuer), KEYID, None)


def test_a_token_for_another_audience_is_not_recorded(issuer: IssuerServer) -> None:
    with pytest.raises(IntegrityFailure, match="another audience"):
        endorsement(Offer(given=issuer.token_for("sts.amazonaws.com")), KEYID, None)


def test_a_token_of_a_key_that_the_issuer_does_not_publish_is_refused(issuer: IssuerServer) -> None:
    issuer.keys = key_set("two")
    with pytest.raises(InfratrackError, match="does not publish"):
        endorsement(offer(issuer), KEYID, None)


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        ("/token", b"[]", "no JSON object"),
        ("/token", b"{}", "id-token: write"),
        ("/token", b'{"value": "nonsense"}', "not an identity token"),
        ("/.well-known/openid-configuration", b'{"issuer": "https://other"}', "does not describe itself"),
        ("/jwks", b"{}", "no set of public keys"),
        ("/jwks", b" " * 300_000, "more than"),
    ],
)
def test_an_answer_that_is_of_no_use_is_a_sentence(issuer: IssuerServer, path: str, answer: bytes, told: str) -> None:
    issuer.answers[path] = answer
    with pytest.raises(InfratrackError) as caught:
        endorsement(offer(issuer), KEYID, None)
    assert told in caught.value.message + caught.value.hint
    assert BEARER not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("status", [302, 401, 404])
def test_nobody_is_followed_elsewhere_and_a_refusal_is_not_repeated(issuer: IssuerServer, status: int) -> None:
    issuer.status = [status]
    with pytest.raises(InputError, match=f"answered {status}"):
        endorsement(offer(issuer), KEYID, None)
    assert len(issuer.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/token",
        "file:///etc/passwd",
        "https://user:pass@127.0.0.1/",
        "https://127.0.0.1:x/",
        "https://",
        "https://é.example/",
        "",
    ],
)
def test_only_https_addresses_without_credentials_are_asked(url: str) -> None:
    with pytest.raises(InputError, match="no https address") as caught:
        Asking().token(Offer(url=url, bearer=BEARER), "x")
    assert "pass" not in caught.value.message


def test_who_cannot_prove_to_be_the_issuer_is_not_told_anything(
    issuer: IssuerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(Unreachable, match="SSLError") as caught:
        endorsement(offer(issuer), KEYID, None)
    assert issuer.asked == []
    assert BEARER not in str(caught.value)


def test_slow_answers_end_with_the_deadline(issuer: IssuerServer) -> None:
    moments = iter([0.0, 0.0, 100.0])
    asking = Asking(lambda: next(moments, 100.0))
    with pytest.raises(Unreachable, match="took longer"):
        asking.token(offer(issuer), "x")
    asking.close()


def test_a_netrc_of_this_machine_does_not_replace_the_bearer(
    issuer: IssuerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert endorsement(offer(issuer), KEYID, None).keyid == KEYID
