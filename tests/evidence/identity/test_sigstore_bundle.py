"""Endorsements through sigstore: verified by the real library against an instance on loopback, and nothing believed."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infratrack.errors import InfratrackError, InputError, IntegrityFailure
from infratrack.evidence.identity import endorsement
from infratrack.evidence.identity.endorsement import Endorsed, endorsed_by
from infratrack.evidence.identity.runner import Runner
from infratrack.evidence.identity.sigstore_bundle import (
    BUNDLE_AT_MOST,
    key_statement,
    sigstore_endorsement,
    verified_runner,
)
from infratrack.evidence.identity.sigstore_library import need_library
from infratrack.evidence.identity.sigstore_root import read_root
from infratrack.evidence.identity.trusted import TrustedIdentity
from infratrack.testing.builders import signing_key
from tests.capture.issuer_server import IssuerServer
from tests.evidence.identity.sigstore_instance import MINUTE, SigstoreInstance
from tests.evidence.identity.timestamps import TimestampAuthority

pytest.importorskip("sigstore", reason="an extra")

KEY, OTHER = signing_key("job"), signing_key("other")
ENTRY = "bundle.verificationMaterial.tlogEntries.0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuerServer]:
    with IssuerServer(tmp_path_factory.mktemp("tls")).serving() as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(made.authority))
        made.sigstore = SigstoreInstance()
        yield made


@pytest.fixture
def sigstore(server: IssuerServer) -> Iterator[SigstoreInstance]:
    """The instance, after which all that a test changed is as before."""
    assert server.sigstore
    kept = dict(vars(server.sigstore))
    yield server.sigstore
    vars(server.sigstore).update(kept)
    server.claims = {}


def signed(server: IssuerServer, statement: bytes | None = None) -> dict[str, Any]:
    """A bundle as the real library makes it, over the statement about KEY or another one."""
    from sigstore.dsse import Statement
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken
    from sigstore.sign import SigningContext

    assert server.sigstore
    config = ClientTrustConfig.from_json(json.dumps(server.sigstore.client_config(server.url)))
    token = IdentityToken(server.token_for("sigstore"))
    with SigningContext.from_trust_config(config).signer(token) as signer:
        bundle = signer.sign_dsse(Statement(statement or key_statement(KEY.keyid)))
    found: dict[str, Any] = json.loads(bundle.to_json())
    return found


@pytest.fixture(scope="module")
def sound(server: IssuerServer) -> dict[str, Any]:
    """A predicate that holds."""
    assert server.sigstore
    made = sigstore_endorsement(KEY.keyid, signed(server), read_root(server.sigstore.trusted_root()))
    return {"result": msgspec.to_builtins(made)}


def pinning(server: IssuerServer, root: dict[str, Any], **words: str) -> TrustedIdentity:
    exact = {"repository": "acme/network", **words}
    return TrustedIdentity("main", server.url, read_root(root).digests, tuple(exact.items()), "refs/heads/main")


def altered(predicate: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The predicate with something else at a path such as `bundle.dsseEnvelope.payload`."""
    found = copy.deepcopy(predicate)
    *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    inner: Any = found["result"]
    for step in way:
        inner = inner[step]
    inner[last] = value
    return found


def test_an_endorsement_says_which_job_holds_the_key(server: IssuerServer, sound: dict[str, Any]) -> None:
    assert server.sigstore
    root = server.sigstore.trusted_root()
    endorsed = endorsed_by(sound, KEY.keyid)
    assert endorsed is not None
    assert endorsed.runner == Runner(
        issuer=server.url,
        subject="https://github.com/acme/network/.github/workflows/apply.yml@refs/heads/main",
        repository="acme/network",
        repository_id="74",
        ref="refs/heads/main",
        workflow="acme/network/.github/workflows/apply.yml@refs/heads/main",
        event="push",
        commit="ab" * 20,
        run="1001",
        attempt="2",
    )
    assert endorsed.authority.split() == list(read_root(root).digests)
    assert pinning(server, root).covers(endorsed)
    assert not pinning(server, root, repository="acme/other").covers(endorsed)
    assert not pinning(server, SigstoreInstance().trusted_root()).covers(endorsed)
    lacking = {**root, "ctlogs": SigstoreInstance().trusted_root()["ctlogs"]}
    assert not pinning(server, lacking).covers(endorsed)


def test_what_is_recorded_holds_no_token(server: IssuerServer, sound: dict[str, Any]) -> None:
    header = server.token_for("sigstore").partition(".")[0]
    assert header not in json.dumps(sound)
    assert len(json.dumps(sound)) < 16_000


def test_of_a_larger_root_only_what_is_needed_is_recorded(server: IssuerServer, sound: dict[str, Any]) -> None:
    assert server.sigstore
    root, strange = server.sigstore.trusted_root(), SigstoreInstance().trusted_root()
    names = ("certificateAuthorities", "ctlogs", "tlogs")
    larger = {**root, **{name: [*strange[name], *root[name]] for name in names}}
    larger["timestampAuthorities"] = strange["certificateAuthorities"]
    made = sigstore_endorsement(KEY.keyid, sound["result"]["bundle"], read_root(larger))
    assert made.trusted_root == root
    # A project that pins the larger one trusts the same keys, and some more.
    endorsed = endorsed_by({"result": msgspec.to_builtins(made)}, KEY.keyid)
    assert endorsed is not None
    assert pinning(server, larger).covers(endorsed)


def test_a_root_with_more_than_one_of_a_kind_proves_nothing(sound: dict[str, Any]) -> None:
    strange = SigstoreInstance().trusted_root()["ctlogs"]
    logs = [*sound["result"]["trustedRoot"]["ctlogs"], *strange]
    assert endorsed_by(altered(sound, "trustedRoot.ctlogs", logs), KEY.keyid) is None


def test_a_bundle_endorses_no_other_key(sound: dict[str, Any]) -> None:
    assert endorsed_by(sound, OTHER.keyid) is None
    assert endorsed_by(altered(sound, "keyid", OTHER.keyid), OTHER.keyid) is None
    assert endorsed_by(altered(sound, "keyid", OTHER.keyid), KEY.keyid) is None


def test_an_instance_of_ones_own_is_not_the_pinned_one(server: IssuerServer, sound: dict[str, Any]) -> None:
    assert server.sigstore
    pinned, server.sigstore = server.sigstore, SigstoreInstance()
    try:
        bundle, own = signed(server), server.sigstore.trusted_root()
    finally:
        server.sigstore = pinned
    made = sigstore_endorsement(KEY.keyid, bundle, read_root(own))
    endorsed = endorsed_by({"result": msgspec.to_builtins(made)}, KEY.keyid)
    assert endorsed is not None
    assert not pinning(server, pinned.trusted_root()).covers(endorsed)
    assert endorsed_by(altered(sound, "bundle", bundle), KEY.keyid) is None
    assert endorsed_by(altered(sound, "trustedRoot", own), KEY.keyid) is None
    # One part of one's own among pinned ones is not enough either.
    for kind in ("certificateAuthorities", "ctlogs", "tlogs"):
        assert endorsed_by(altered(sound, f"trustedRoot.{kind}", own[kind]), KEY.keyid) is None


@pytest.mark.parametrize("late", [dt.timedelta(minutes=11), -2 * MINUTE])
def test_a_signature_outside_of_its_certificates_time_is_refused(
    server: IssuerServer, sigstore: SigstoreInstance, late: dt.timedelta
) -> None:
    sigstore.late = late
    with pytest.raises(IntegrityFailure, match="does not hold"):
        verified_runner(KEY.keyid, signed(server), read_root(sigstore.trusted_root()))
    sigstore.late = 9 * MINUTE
    assert verified_runner(KEY.keyid, signed(server), read_root(sigstore.trusted_root())).run == "1001"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the timestamp authority is OpenSSL's")
def test_a_timestamp_authority_can_say_when_it_was_signed(
    server: IssuerServer, sigstore: SigstoreInstance, tmp_path: Path
) -> None:
    sigstore.timestamps = TimestampAuthority(tmp_path / "one", sigstore.moment)
    root, bundle = sigstore.trusted_root(), signed(server)
    assert sigstore.asked[-2:] == ["/timestamp", "/api/v1/log/entries"]
    made = sigstore_endorsement(KEY.keyid, bundle, read_root(root))
    assert made.trusted_root == root
    predicate = {"result": msgspec.to_builtins(made)}
    endorsed = endorsed_by(predicate, KEY.keyid)
    assert endorsed is not None
    assert pinning(server, root).covers(endorsed)
    assert not pinning(server, {**root, "timestampAuthorities": []}).covers(endorsed)
    # As in newer logs, which promise nothing: the timestamp alone is enough, if it is of whom it should be.
    silent = altered(altered(predicate, f"{ENTRY}.integratedTime", "0"), f"{ENTRY}.inclusionPromise", None)
    assert endorsed_by(silent, KEY.keyid) == endorsed
    sigstore.timestamps = TimestampAuthority(tmp_path / "two", sigstore.moment)
    for path, value in (
        ("trustedRoot.timestampAuthorities", sigstore.trusted_root()["timestampAuthorities"]),
        ("trustedRoot.timestampAuthorities", []),
        ("bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps", []),
        ("bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps.0.signedTimestamp", "AAAA"),
    ):
        assert endorsed_by(altered(silent, path, value), KEY.keyid) is None, path


def test_a_certificate_that_the_pinned_log_has_not_seen_is_refused(
    server: IssuerServer, sigstore: SigstoreInstance
) -> None:
    root = read_root(sigstore.trusted_root())
    sigstore.certificate_log = sigstore.log_of_strangers
    unseen = signed(server)
    with pytest.raises(IntegrityFailure, match="SCT"):
        verified_runner(KEY.keyid, unseen, root)
    assert verified_runner(KEY.keyid, unseen, read_root(sigstore.trusted_root())).run == "1001"


def test_another_statement_about_the_key_endorses_nothing(server: IssuerServer) -> None:
    assert server.sigstore
    root = read_root(server.sigstore.trusted_root())
    said = json.loads(key_statement(KEY.keyid))
    for content in ({**said, "predicateType": "https://slsa.dev/provenance/v1"}, {**said, "predicate": {"a": 1}}):
        with pytest.raises(IntegrityFailure, match="something else"):
            verified_runner(KEY.keyid, signed(server, json.dumps(content).encode()), root)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{ENTRY}.integratedTime", "1"),
        (f"{ENTRY}.integratedTime", str(2**62)),
        (f"{ENTRY}.logIndex", "1"),
        (f"{ENTRY}.inclusionPromise", None),
        (f"{ENTRY}.inclusionPromise.signedEntryTimestamp", "AAAA"),
        (f"{ENTRY}.inclusionProof", None),
        (f"{ENTRY}.inclusionProof.hashes", []),
        (f"{ENTRY}.inclusionProof.hashes.0", base64.b64encode(b"x" * 32).decode()),
        (f"{ENTRY}.inclusionProof.logIndex", "0"),
        (f"{ENTRY}.inclusionProof.treeSize", "1"),
        (f"{ENTRY}.inclusionProof.rootHash", base64.b64encode(b"x" * 32).decode()),
        (
            f"{ENTRY}.inclusionProof.checkpoint.envelope",
            "rekor.example - 1\n4\nAAAA\n\n\u2014 rekor.example AAAAAAAA\n",
        ),
        (f"{ENTRY}.canonicalizedBody", base64.b64encode(b"{}").decode()),
        (f"{ENTRY}.kindVersion.kind", "hashedrekord"),
        ("bundle.verificationMaterial.tlogEntries", []),
        ("bundle.verificationMaterial.certificate.rawBytes", "AAAA"),
        ("bundle.dsseEnvelope.payload", base64.b64encode(key_statement(OTHER.keyid)).decode()),
        ("bundle.dsseEnvelope.payloadType", "text/plain"),
        ("bundle.dsseEnvelope.signatures", []),
        ("bundle.dsseEnvelope.signatures.0.sig", "AAAA"),
        ("bundle.dsseEnvelope", None),
        ("bundle.mediaType", "application/json"),
        ("bundle", {}),
        ("bundle", {"more": "x" * BUNDLE_AT_MOST}),
        ("bundle", "x"),
        ("trustedRoot", {}),
        ("trustedRoot.tlogs.0.publicKey.keyDetails", "PKCS1_RSA_PSS"),
        ("trustedRoot.tlogs.0.publicKey.rawBytes", "AAAA"),
        ("trustedRoot.tlogs.0.hashAlgorithm", 7),
        ("trustedRoot.certificateAuthorities.0.certChain.certificates.0.rawBytes", "AAAA"),
        ("runner.ref", "refs/heads/release"),
        ("runner", {"issuer": "https://token.actions.githubusercontent.com", "subject": "x"}),
        ("method", "sigstore2"),
        ("more", 1),
    ],
)
def test_a_proof_that_was_tampered_with_proves_nothing(
    sound: dict[str, Any], path: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert endorsed_by(sound, KEY.keyid) is not None
    assert endorsed_by(altered(sound, path, value), KEY.keyid) is None
    assert not caplog.records


def test_a_nested_monster_is_a_sentence(server: IssuerServer) -> None:
    assert server.sigstore
    nested: dict[str, Any] = {}
    for _ in range(100_000):
        nested = {"a": nested}
    with pytest.raises(InfratrackError, match="does not hold"):
        verified_runner(KEY.keyid, nested, read_root(server.sigstore.trusted_root()))


def test_reasons_can_be_shown(server: IssuerServer) -> None:
    assert server.sigstore
    with pytest.raises(IntegrityFailure) as caught:
        verified_runner(KEY.keyid, {"mediaType": "\x1b[31m" * 1_000}, read_root(server.sigstore.trusted_root()))
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


def test_without_the_package_it_is_known_that_nothing_is_known(
    sound: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endorsement, "installed", lambda: False)
    unread = endorsed_by(sound, KEY.keyid)
    assert unread == Endorsed(KEY.keyid, "", Runner("", ""))
    assert unread.unread
    assert not TrustedIdentity("any", "", (), ()).covers(unread)
    assert endorsed_by(sound, OTHER.keyid) is None


def test_a_missing_package_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sigstore.models", None)
    with pytest.raises(InputError, match="sigstore is missing") as caught:
        need_library()
    assert caught.value.hint == "pip install 'infratrack[sigstore]'"
