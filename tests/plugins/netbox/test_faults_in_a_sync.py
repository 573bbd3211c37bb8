"""`infratrack sync netbox` over a network that spoils answers: evidence says what is so, and a second run finishes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infratrack.api import ReconcileContext
from infratrack.evidence.statement import Statement
from infratrack_netbox.reconciler import NetBoxReconciler
from tests.capture.workshop import INFRATRACK, Workshop
from tests.netbox_server.faults import Fault, FaultProxy, Rule, answers, half_json, hang, html, reset
from tests.netbox_server.server import NetBoxServer

pytestmark = pytest.mark.slow

KIND = "urn:infratrack:evidence:netbox-sync:v1"
SITES = "/api/dcim/sites/"
COUNT = 12
EVER = 10_000
PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West}
trust: {signers: [{name: ci, key: ci.pub}]}
cmdb:
  netbox:
    url: ${NETBOX_URL}
    timeout: 4
    records:
      - {type: dcim.site, each: {file: sites.yaml}, key: {slug: "{slug}"}, fields: {name: "{name}", status: active}}
"""


class NetBoxShop(Workshop):
    """One project on one machine whose CMDB is a NetBox behind a proxy."""

    def __init__(self, root: Path, server: NetBoxServer, proxy: FaultProxy, cache: Path) -> None:
        super().__init__(root)
        self.server = server
        self.with_environment({"NETBOX_URL": proxy.url, "NETBOX_TOKEN": server.token})
        self.infratrack("key", "new", "ci")
        self.write("ci.pub", self.infratrack("key", "export", "ci").stdout)
        self.write("infratrack.yaml", PROJECT)
        self.write("sites.yaml", json.dumps([{"slug": f"s{n}", "name": f"Site {n}"} for n in range(COUNT)]))
        shutil.copytree(cache, self.home / "infratrack" / "cache")

    def sync(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`infratrack sync netbox …`, which never shows a traceback or a token."""
        ended = self.infratrack("sync", "netbox", *arguments)
        said = ended.stdout + ended.stderr
        assert "Traceback" not in said
        assert self.server.token not in said
        return ended

    def syncs(self) -> list[Statement]:
        """The evidence of syncs in the ledger."""
        return [one for one in self.ledger() if one.predicate_type == KIND]

    def slugs(self) -> set[str]:
        """The sites that are there."""
        return {site.slug for site in self.server.api.dcim.sites.all()}

    def check_evidence(self) -> None:
        """The newest evidence claims nothing that is not so, and names the requests that the server knows."""
        logged = {one.request_id for one in self.server.api.core.object_changes.all()}
        for record in sites_of(self.syncs()[-1]):
            slug, outcome = record["key"]["slug"], record["outcome"]
            if outcome == "written":
                assert slug in self.slugs()
                assert record["action"] == "bind" or record["requests"]
                assert set(record.get("requests", ())) <= logged
            else:
                assert outcome in {"intended", "not_reached"} or len(record["reason"].split()) >= 3, record
            if outcome in {"failed", "not_reached"}:
                assert slug not in self.slugs()

    def check_finished(self) -> None:
        """A run on a sound network finishes; afterwards all agrees, and every site was created once."""
        ended = self.sync("--apply")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        self.check_evidence()
        assert self.slugs() == {f"s{number}" for number in range(COUNT)}
        checked = self.sync("--check")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        changes = self.server.api.core.object_changes
        assert changes.count(action="create", changed_object_type="dcim.site") == COUNT
        assert changes.count(action="delete") == 0


def sites_of(statement: Statement) -> list[dict[str, Any]]:
    return [one for one in statement.predicate["result"]["records"] if one["type"] == "dcim.site"]


@pytest.fixture(scope="module")
def proxy(netbox: NetBoxServer) -> Iterator[FaultProxy]:
    with FaultProxy(netbox.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def cache(netbox: NetBoxServer, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's schema, which takes seconds to read: once for all tests."""
    folder = tmp_path_factory.mktemp("cache")
    environment = {"NETBOX_TOKEN": netbox.token}
    inventory = NetBoxReconciler().open(
        ReconcileContext({"url": proxy.url}, folder, environment, lambda *_: None, folder)
    )
    inventory.prepare([])
    inventory.close()
    return folder


@pytest.fixture
def shop(tmp_path: Path, empty_netbox: NetBoxServer, proxy: FaultProxy, cache: Path) -> NetBoxShop:
    proxy.spoil()
    return NetBoxShop(tmp_path, empty_netbox, proxy, cache)


@pytest.mark.parametrize("fault", [reset(reached=True), hang(reached=True), half_json(), html(502)], ids=str)
def test_what_passes_is_overcome_and_recorded_as_it_was(shop: NetBoxShop, proxy: FaultProxy, fault: Fault) -> None:
    proxy.spoil(Rule(fault, "POST", SITES))
    ended = shop.sync("--apply")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {record["outcome"] for record in sites_of(shop.syncs()[-1])} == {"written"}
    shop.check_evidence()
    shop.check_finished()


@pytest.mark.parametrize("fault", [answers(500), html(404), html(200), reset(reached=False)], ids=str)
def test_what_does_not_pass_ends_in_a_sentence_and_a_later_run_finishes(
    shop: NetBoxShop, proxy: FaultProxy, fault: Fault
) -> None:
    proxy.spoil(Rule(fault, "POST", SITES, skip=1, times=EVER))
    ended = shop.sync("--apply")
    assert ended.returncode in {1, 4}, ended.stdout + ended.stderr
    shop.check_evidence()
    assert shop.slugs()
    proxy.spoil()
    shop.check_finished()


def test_a_server_that_goes_away_in_the_midst_leaves_evidence_of_what_may_have_been_written(
    shop: NetBoxShop, proxy: FaultProxy
) -> None:
    gone = Rule(reset(reached=False), times=EVER)

    def spoil(exchange: Any, reply: Any) -> None:
        proxy.spoil(gone)
        exchange.reset()

    proxy.spoil(Rule(Fault("gone", reached=True, spoil=spoil), "POST", SITES))
    ended = shop.sync("--apply")
    assert ended.returncode == 4, ended.stdout + ended.stderr
    outcomes = {record["outcome"] for record in sites_of(shop.syncs()[-1])}
    assert outcomes <= {"unknown", "not_reached"}
    assert "unknown" in outcomes
    assert shop.slugs()
    proxy.spoil()
    shop.check_finished()


def test_killed_while_the_answer_is_awaited_the_next_run_takes_up_what_was_written(
    shop: NetBoxShop, proxy: FaultProxy
) -> None:
    proxy.spoil(Rule(hang(reached=True), "POST", SITES))
    with subprocess.Popen(
        [INFRATRACK, "sync", "netbox", "--apply"],
        cwd=shop.folder,
        env=shop.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        deadline = time.monotonic() + 60
        while not shop.slugs() and time.monotonic() < deadline:
            time.sleep(0.1)
        running.send_signal(signal.SIGKILL)
    assert shop.slugs()
    proxy.spoil()
    shop.check_finished()
    outcomes = [{record["outcome"] for record in sites_of(one)} for one in shop.syncs()]
    assert outcomes[0] == {"intended"}


@pytest.mark.parametrize("fault", [html(200), answers(503), reset(reached=False)], ids=str)
def test_a_list_that_cannot_be_read_is_never_taken_for_an_empty_one(
    shop: NetBoxShop, proxy: FaultProxy, fault: Fault
) -> None:
    shop.sync("--apply")
    proxy.spoil(Rule(fault, "GET", SITES, times=EVER))
    ended = shop.sync("--apply", "--prune")
    assert ended.returncode == 4, ended.stdout + ended.stderr
    assert proxy.url in ended.stderr
    assert len(shop.slugs()) == COUNT
    assert {one.method for one in proxy.seen} == {"GET"}
