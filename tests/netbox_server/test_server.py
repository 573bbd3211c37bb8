"""The server that other tests rest on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pynetbox
import pytest

from tests.netbox_server.cache import CHECKOUT
from tests.netbox_server.server import NetBoxServer

pytestmark = pytest.mark.slow


def alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def gone_within(process_ids: list[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(alive(one) for one in process_ids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_is_the_version_that_is_pinned(netbox: NetBoxServer) -> None:
    assert netbox.api.status()["netbox-version"] == "4.7.3"


def test_the_read_only_token_sees_what_the_other_wrote_and_writes_nothing(empty_netbox: NetBoxServer) -> None:
    empty_netbox.api.dcim.sites.create(name="Amsterdam 1", slug="ams1")
    reader = pynetbox.api(empty_netbox.url, token=empty_netbox.read_only_token)
    try:
        assert [site.slug for site in reader.dcim.sites.all()] == ["ams1"]
        with pytest.raises(pynetbox.RequestError, match="403"):
            reader.dcim.sites.create(name="Berlin 1", slug="ber1")
    finally:
        reader.http_session.close()


def test_a_reset_leaves_nothing_and_the_tokens_go_on_working(netbox: NetBoxServer) -> None:
    for _ in range(3):
        netbox.api.extras.tags.create(name="one", slug="one")
        seconds = netbox.reset()
        assert netbox.api.extras.tags.count() == 0
        assert netbox.api.core.object_changes.count() == 0
        assert seconds < 5  # a third of a second on an idle machine


STARTER = """
import json, sys, time
from tests.netbox_server.server import NetBoxServer
with NetBoxServer(print) as server:
    print(json.dumps({"pids": server.process_ids, "folder": server.folder}), flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("deadly", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_remains_however_the_starter_ends(netbox: NetBoxServer, deadly: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as starter:
        assert starter.stdout is not None
        told = json.loads(starter.stdout.readline())
        assert all(alive(one) for one in told["pids"])
        starter.send_signal(deadly)
    assert gone_within(told["pids"], 30)
    assert not Path(told["folder"]).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not end children with their parent")
def test_even_a_killed_keeper_leaves_no_process(netbox: NetBoxServer) -> None:
    with NetBoxServer(print) as server:
        os.kill(server.process_ids[0], signal.SIGKILL)
        assert gone_within(server.process_ids[1:], 30)
        shutil.rmtree(server.folder)
