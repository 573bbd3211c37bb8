"""Keyless runs through sigstore: the real `infratrack`, the real library, and an instance of sigstore on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infratrack.capture.sigstore_signing import in_time, present_root
from infratrack.errors import Unreachable
from infratrack.evidence.identity.sigstore_root import read_root
from infratrack.evidence.predicates import ENDORSEMENT
from infratrack.testing.builders import signing_key
from tests.capture.issuer_server import BEARER, IssuerServer
from tests.capture.workshop import PROJECT, Workshop
from tests.evidence.identity.sigstore_instance import SigstoreInstance

pytest.importorskip("sigstore", reason="an extra")
pytestmark = pytest.mark.slow

TRUST = """\
trust:
  identities:
    - name: apply on main
      issuer: ISSUER
      sigstore_root: keys/sigstore.json
      repository: acme/network
      ref: refs/heads/main
"""
WITHOUT_PACKAGE = """\
import importlib.abc, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sigstore":
            raise ModuleNotFoundError(name, name=name)
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "sigstore" else found(name, package)
sys.meta_path.insert(0, Missing())
"""


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[IssuerServer]:
    with IssuerServer(tmp_path).serving() as server:
        server.sigstore = SigstoreInstance()
        yield server


@pytest.fixture
def sigstore(issuer: IssuerServer) -> SigstoreInstance:
    assert issuer.sigstore
    return issuer.sigstore


@pytest.fixture
def shop(tmp_path: Path, issuer: IssuerServer, sigstore: SigstoreInstance) -> Workshop:
    made = Workshop(tmp_path)
    config = made.write("../instance.json", json.dumps(sigstore.client_config(issuer.url)))
    made.environment |= issuer.environment
    made.environment |= {"INFRATRACK_IDENTITY": "sigstore", "INFRATRACK_SIGSTORE_CONFIG": str(config)}
    made.write("infratrack.yaml", PROJECT + TRUST.replace("ISSUER", issuer.url))
    made.write("keys/sigstore.json", json.dumps(sigstore.trusted_root()))
    return made


@pytest.fixture
def without_package(tmp_path: Path) -> str:
    """A folder for PYTHONPATH, with which Python has no package sigstore."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT_PACKAGE)
    return str(folder)


def status(shop: Workshop, **more: Any) -> Any:
    return json.loads(shop.infratrack("status", "--format", "json", **more).stdout)


def smoke(shop: Workshop) -> str:
    (deliverable,) = status(shop)["deliverables"]
    return str(deliverable["status"])


def show(shop: Workshop) -> Any:
    return json.loads(shop.infratrack("ledger", "show", "--format", "json").stdout)["entries"]


def written(shop: Workshop) -> Iterator[bytes]:
    for folder in (shop.home, shop.folder):
        yield from (path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_run_counts_everywhere_that_pins_the_instance(
    shop: Workshop, issuer: IssuerServer, sigstore: SigstoreInstance
) -> None:
    ran = shop.run("true")
    assert (ran.returncode, ran.stderr) == (0, "")
    asked = list(sigstore.asked)
    assert asked == ["/api/v2/signingCert", "/api/v1/log/entries"]
    assert [path.partition("?")[0] for path in issuer.asked] == ["/token"]
    assert "audience=sigstore" in issuer.asked[0]
    assert smoke(shop) == "complete"
    rows = show(shop)
    assert (rows[0]["predicateType"], rows[0]["signer"], rows[0]["trusted"]) == (ENDORSEMENT, "apply on main", True)
    verified = shop.infratrack("ledger", "verify")
    assert verified.returncode == 0, verified.stderr
    assert f"{len(rows)} by keys that are trusted here" in verified.stdout
    # Reading asks nobody.
    assert (sigstore.asked, len(issuer.asked)) == (asked, 1)


def test_no_token_is_written_anywhere(shop: Workshop, issuer: IssuerServer) -> None:
    shop.run("true")
    header = issuer.token_for("sigstore").partition(".")[0].encode()
    for content in written(shop):
        assert header not in content
        assert BEARER.encode() not in content


def test_a_job_that_is_handed_a_token_needs_no_key_of_its_own(shop: Workshop, issuer: IssuerServer) -> None:
    for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        del shop.environment[name]
    shop.environment["INFRATRACK_ID_TOKEN"] = issuer.token_for("sigstore")
    ran = shop.run("sh", "-c", 'test -z "$INFRATRACK_ID_TOKEN"')
    assert (ran.returncode, ran.stderr) == (0, "")
    assert all(row["trusted"] for row in show(shop))


def test_a_key_at_hand_is_endorsed_like_any_other(shop: Workshop) -> None:
    shop.environment["INFRATRACK_SIGNING_KEY"] = signing_key("kept").private_pem().decode()
    shop.run("true")
    assert {row["keyid"] for row in show(shop)} == {signing_key("kept").keyid}
    assert smoke(shop) == "complete"


@pytest.mark.parametrize(
    "claims",
    [{"ref": "refs/pull/7/merge", "event_name": "pull_request"}, {"repository": "mallory/network"}],
)
def test_other_jobs_do_not_count(shop: Workshop, issuer: IssuerServer, claims: dict[str, str]) -> None:
    issuer.claims = claims
    assert shop.run("true").returncode == 0
    assert smoke(shop) != "complete"
    (reason,) = status(shop)["evidence"]["untrusted"]
    assert reason.startswith("job: ")
    assert shop.infratrack("ledger", "verify").returncode == 6


def test_another_instance_does_not_count_until_it_is_pinned(shop: Workshop, sigstore: SigstoreInstance) -> None:
    shop.write("keys/sigstore.json", json.dumps(SigstoreInstance().trusted_root()))
    shop.run("true")
    assert smoke(shop) != "complete"
    shop.write("keys/sigstore.json", json.dumps(sigstore.trusted_root()))
    assert smoke(shop) == "complete"


@pytest.mark.parametrize(
    ("status_codes", "told"),
    [([403], "sigstore answered 403"), ([503] * 3, "sigstore answered 503"), ([201], "")],
)
def test_an_instance_that_does_not_want_to_costs_the_identity_only(
    shop: Workshop, sigstore: SigstoreInstance, status_codes: list[int], told: str
) -> None:
    sigstore.status = status_codes
    ran = shop.run("sh", "-c", "echo out; exit 3")
    assert (ran.returncode, ran.stdout) == (3, "out\n")
    assert "this job's identity is not recorded" in ran.stderr
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(shop.ends()) == 1


def test_an_instance_that_is_busy_is_asked_again(shop: Workshop, sigstore: SigstoreInstance) -> None:
    sigstore.status = [503]
    ran = shop.run("true")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert smoke(shop) == "complete"


def test_a_certificate_that_the_instance_does_not_log_is_not_taken(shop: Workshop, sigstore: SigstoreInstance) -> None:
    sigstore.logs_certificates = False
    assert "sigstore did not endorse the key" in shop.run("true").stderr
    assert len(sigstore.asked) == 1


def test_a_token_for_somebody_else_is_shown_to_nobody(
    shop: Workshop, issuer: IssuerServer, sigstore: SigstoreInstance
) -> None:
    shop.environment["INFRATRACK_ID_TOKEN"] = token = issuer.token_for("sts.amazonaws.com")
    ran = shop.run("true")
    assert "with the audience sigstore" in ran.stderr
    assert token not in ran.stderr
    assert sigstore.asked == []


@pytest.mark.parametrize(
    ("content", "told"),
    [("", "does not describe"), ("[]", "does not describe"), (" " * 300_000, "does not describe"), (None, "cannot be")],
)
def test_a_description_of_no_instance_is_a_sentence(shop: Workshop, content: str | None, told: str) -> None:
    path = Path(shop.environment["INFRATRACK_SIGSTORE_CONFIG"])
    path.unlink()
    if content is not None:
        path.write_text(content)
    shown = shop.infratrack("identity", "show")
    assert shown.returncode == 2
    assert told in shown.stderr


def test_an_instance_is_asked_by_https_only(shop: Workshop, issuer: IssuerServer, sigstore: SigstoreInstance) -> None:
    config = sigstore.client_config(issuer.url.replace("https", "http"))
    Path(shop.environment["INFRATRACK_SIGSTORE_CONFIG"]).write_text(json.dumps(config))
    shown = shop.infratrack("identity", "show")
    assert shown.returncode == 2
    assert "not asked by https" in shown.stderr
    assert sigstore.asked == []


def test_without_a_description_it_is_the_public_instance(
    monkeypatch: pytest.MonkeyPatch, issuer: IssuerServer, sigstore: SigstoreInstance
) -> None:
    from sigstore.models import ClientTrustConfig

    public = ClientTrustConfig.from_json(json.dumps(sigstore.client_config(issuer.url)))
    monkeypatch.setattr(ClientTrustConfig, "production", lambda: public)
    assert present_root("").digests == read_root(sigstore.trusted_root()).digests

    def gone() -> None:
        raise OSError("no route to https://tuf.example?token=secret")

    monkeypatch.setattr(ClientTrustConfig, "production", gone)
    with pytest.raises(Unreachable, match="public instance could not be found: OSError") as caught:
        present_root("")
    assert "secret" not in caught.value.message + caught.value.hint


def test_an_instance_that_hangs_is_not_waited_for() -> None:
    import threading

    with pytest.raises(Unreachable, match="took longer"):
        in_time(threading.Event().wait, 0.05)


def test_without_the_package_runs_are_recorded_and_what_to_install_is_told(
    shop: Workshop, without_package: str
) -> None:
    shop.environment["PYTHONPATH"] = without_package
    ran = shop.run("true")
    assert ran.returncode == 0
    assert "pip install 'infratrack[sigstore]'" in ran.stderr


def test_without_the_package_nothing_of_it_counts_and_that_is_told(shop: Workshop, without_package: str) -> None:
    assert shop.run("true").returncode == 0
    document = status(shop, PYTHONPATH=without_package)
    assert document["deliverables"][0]["status"] != "complete"
    assert list(document["evidence"]["untrusted"]) == ["job: endorsed through sigstore, which is not installed here"]
    table = shop.infratrack("status", PYTHONPATH=without_package)
    assert "pip install 'infratrack[sigstore]'" in " ".join((table.stdout + table.stderr).split())
    verified = shop.infratrack("ledger", "verify", PYTHONPATH=without_package)
    assert verified.returncode == 6
    assert "cannot be verified here" in verified.stderr
    assert "pip install 'infratrack[sigstore]'" in verified.stderr
    assert "(untrusted)" in shop.infratrack("ledger", "show", PYTHONPATH=without_package).stdout
    # With the package the same index is read anew.
    assert smoke(shop) == "complete"


def test_a_pack_of_such_a_job_is_taken_in_where_it_can_be_verified(
    shop: Workshop, without_package: str, tmp_path: Path
) -> None:
    ledger = shop.folder / ".infratrack"
    ledger.write_text("in the way")
    assert shop.run("true").returncode == 0
    ledger.unlink()
    pack = str(tmp_path / "job.pack")
    packed = shop.infratrack("spool", "pack", pack)
    assert packed.returncode == 0, packed.stderr
    refused = shop.infratrack("spool", "unpack", pack, PYTHONPATH=without_package)
    assert refused.returncode == 2
    assert "pip install 'infratrack[sigstore]'" in refused.stderr
    taken = shop.infratrack("spool", "unpack", pack)
    assert taken.returncode == 0, taken.stderr


def test_the_trusted_root_is_printed_or_written_for_pinning(shop: Workshop, sigstore: SigstoreInstance) -> None:
    printed = shop.infratrack("identity", "sigstore")
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout)["ctlogs"][0]["publicKey"]["rawBytes"]
    path = shop.folder / "keys" / "sigstore.json"
    path.unlink()
    assert "3 parts" in shop.infratrack("identity", "sigstore", "--out", str(path)).stderr
    shop.run("true")
    assert smoke(shop) == "complete"
    assert shop.infratrack("identity", "sigstore", "--out", str(shop.folder)).returncode == 2


def test_a_job_sees_how_to_trust_it(shop: Workshop) -> None:
    shown = shop.infratrack("identity", "show")
    assert shown.returncode == 0, shown.stderr
    assert 'sigstore_root: "keys/sigstore.json"' in shown.stderr
    assert "infratrack identity sigstore --out keys/sigstore.json" in shown.stderr
