"""Keyless runs: a key in memory, endorsed by the CI system, and trusted by everybody who pins the issuer's keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infratrack.evidence.identity.tokens import audience_for
from infratrack.evidence.predicates import ENDORSEMENT
from infratrack.testing.builders import signing_key
from tests.capture.issuer_server import BEARER, IssuerServer
from tests.capture.workshop import PROJECT, Workshop
from tests.evidence.identity.issuer import key_set

TRUST = """\
trust:
  identities:
    - name: apply on main
      issuer: ISSUER
      issuer_keys: keys/issuer.json
      repository: acme/network
      ref: refs/heads/main
"""


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[IssuerServer]:
    with IssuerServer(tmp_path).serving() as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, issuer: IssuerServer) -> Workshop:
    made = Workshop(tmp_path)
    made.environment |= issuer.environment
    made.write("infratrack.yaml", PROJECT + TRUST.replace("ISSUER", issuer.url))
    made.write("keys/issuer.json", key_set())
    return made


def status(shop: Workshop) -> Any:
    return json.loads(shop.infratrack("status", "--format", "json").stdout)


def show(shop: Workshop) -> Any:
    return json.loads(shop.infratrack("ledger", "show", "--format", "json").stdout)["entries"]


def smoke(shop: Workshop) -> str:
    (deliverable,) = status(shop)["deliverables"]
    return str(deliverable["status"])


def test_a_keyless_run_counts_everywhere_without_any_key_on_a_disk(shop: Workshop, issuer: IssuerServer) -> None:
    ran = shop.run("true")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (shop.home / "infratrack" / "keys").exists()
    assert smoke(shop) == "complete"
    rows = show(shop)
    assert (rows[0]["predicateType"], rows[0]["signer"], rows[0]["trusted"]) == (ENDORSEMENT, "apply on main", True)
    assert len({row["keyid"] for row in rows}) == 1
    verified = shop.infratrack("ledger", "verify")
    assert verified.returncode == 0, verified.stderr
    assert f"{len(rows)} by keys that are trusted here" in verified.stdout
    # The issuer's keys are pinned: it was asked for the token, and for nothing else.
    assert [path.partition("?")[0] for path in issuer.asked] == ["/token"]


def test_every_run_has_a_key_of_its_own(shop: Workshop) -> None:
    shop.run("true")
    shop.run("true")
    assert len({row["keyid"] for row in show(shop)}) == 2
    assert smoke(shop) == "complete"
    assert shop.infratrack("ledger", "verify").returncode == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"ref": "refs/pull/7/merge", "event_name": "pull_request"},
        {"repository": "mallory/network"},
        {"event_name": "pull_request_target"},
    ],
)
def test_the_evidence_of_other_jobs_is_kept_and_does_not_count(
    shop: Workshop, issuer: IssuerServer, claims: Mapping[str, str]
) -> None:
    issuer.claims = dict(claims)
    assert shop.run("true").returncode == 0
    document = status(shop)
    assert document["deliverables"][0]["status"] != "complete"
    (reason,) = document["evidence"]["untrusted"]
    assert reason.startswith("job: ")
    assert not any(row["trusted"] for row in show(shop))
    verified = shop.infratrack("ledger", "verify")
    assert verified.returncode == 6
    assert "signed by nobody who is trusted here" in verified.stderr


def test_an_endorsement_by_an_issuer_of_ones_own_making_is_worth_nothing(shop: Workshop, issuer: IssuerServer) -> None:
    shop.write("keys/issuer.json", key_set("two"))  # what the project pins; the server signs with another key
    assert shop.run("true").returncode == 0
    assert smoke(shop) != "complete"
    # Once the project pins the key, for example since the issuer took a new one, the same evidence counts.
    shop.write("keys/issuer.json", key_set("one", "two"))
    assert smoke(shop) == "complete"


def test_a_key_at_hand_is_endorsed_like_any_other(shop: Workshop) -> None:
    shop.environment["INFRATRACK_SIGNING_KEY"] = signing_key("kept").private_pem().decode()
    shop.run("true")
    assert {row["keyid"] for row in show(shop)} == {signing_key("kept").keyid}
    assert smoke(shop) == "complete"


def test_a_given_token_endorses_the_key_that_it_names(shop: Workshop, issuer: IssuerServer) -> None:
    key = signing_key("kept")
    for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        del shop.environment[name]
    shop.environment["INFRATRACK_SIGNING_KEY"] = key.private_pem().decode()
    shop.environment["INFRATRACK_ID_TOKEN"] = issuer.token_for(audience_for(key.keyid))
    ran = shop.run("sh", "-c", 'test -z "$INFRATRACK_ID_TOKEN$INFRATRACK_SIGNING_KEY"')
    assert ran.returncode == 0
    assert [row["predicateType"] for row in show(shop)].count(ENDORSEMENT) == 1
    assert all(row["trusted"] for row in show(shop))


def test_an_issuer_that_is_gone_costs_the_identity_and_nothing_else(shop: Workshop, issuer: IssuerServer) -> None:
    issuer.status = [403]
    ran = shop.run("sh", "-c", "echo out; exit 3")
    assert (ran.returncode, ran.stdout) == (3, "out\n")
    assert "this job's identity is not recorded" in ran.stderr
    assert BEARER not in ran.stderr
    assert len(shop.ends()) == 1


def test_identities_can_be_switched_off(shop: Workshop, issuer: IssuerServer) -> None:
    shop.environment["INFRATRACK_IDENTITY"] = "off"
    shop.run("true")
    assert issuer.asked == []
    assert smoke(shop) != "complete"


def test_no_token_but_the_one_for_the_key_is_written_anywhere(shop: Workshop, issuer: IssuerServer) -> None:
    secret = issuer.token_for("sts.amazonaws.com")
    shop.run("sh", "-c", "true", "sh", secret)
    for folder in (shop.home, shop.folder):
        for path in folder.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert BEARER.encode() not in content, path
                assert secret.encode() not in content, path


def test_evidence_that_could_not_be_sent_is_sent_by_another_process(shop: Workshop) -> None:
    ledger = shop.folder / ".infratrack"
    ledger.write_text("in the way")
    assert shop.run("true").returncode == 0
    ledger.unlink()
    # A machine without a key and without a job: nobody can sign the checkpoint, and that is said.
    idle = {name: value for name, value in shop.environment.items() if not name.startswith("ACTIONS_")}
    job, shop.environment = shop.environment, idle
    assert shop.infratrack("spool", "send").returncode == 2
    shop.environment = job
    sent = shop.infratrack("spool", "send")
    assert sent.returncode == 0, sent.stderr
    assert smoke(shop) == "complete"
    assert shop.infratrack("ledger", "verify").returncode == 0
