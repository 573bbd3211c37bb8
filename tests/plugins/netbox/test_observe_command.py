"""`infratrack observe netbox` as a person runs it, against a real NetBox: evidence, status, exit codes, no token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.delivered import Delivered
from tests.netbox_server.server import NetBoxServer

from .observed_netbox import build_network, limited_token, schema_cache

pytestmark = pytest.mark.slow

PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West data centre}
trust: {signers: [{name: ci, key: keys/ci.pub}]}
cmdb: {netbox: {url: "${NETBOX_URL}"}}
tasks: [{id: net, name: Network, duration: 1d, deliverables: [core]}]
deliverables:
  - id: core
    name: Core is documented
    done_when:
      all:
        - netbox.record: {type: dcim.device, filter: {role: core}, count: 2, fields: {status: active}}
        - netbox.cabled: {device: core-1, interface: eth0, to: {device: core-2}}
"""


@pytest.fixture(scope="module")
def network(netbox: NetBoxServer) -> Iterator[dict[str, Any]]:
    netbox.reset()
    yield build_network(netbox.api)
    netbox.reset()


@pytest.fixture
def shop(tmp_path: Path, netbox: NetBoxServer, tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    shop = Delivered(tmp_path)
    shop.write("infratrack.yaml", PROJECT)
    shop.environment |= {"NETBOX_URL": netbox.url, "NETBOX_TOKEN": netbox.read_only_token}
    (shop.workspace().home / "cache").symlink_to(schema_cache(tmp_path_factory))
    return shop


def criteria(shop: Delivered) -> list[str]:
    """What each criterion of the deliverable is, by `infratrack status`."""
    (deliverable,) = json.loads(shop.infratrack("status", "--format", "json").stdout)["deliverables"]
    return [one["verdict"] for one in deliverable["criteria"]]


def test_a_look_decides_criteria_and_a_change_behind_it_is_counted(
    shop: Delivered, netbox: NetBoxServer, network: Any, tmp_path: Path
) -> None:
    assert criteria(shop) == ["unknown", "unknown"]
    seen = shop.ok("observe", "netbox", "--format", "json")
    assert f"netbox {netbox.url}: 2 of 2 criteria agree" in seen.stdout
    assert criteria(shop) == ["satisfied", "satisfied"]
    device = netbox.api.dcim.devices.get(name="core-2")
    device.update({"status": "planned"})
    changelog = shop.ok("observe", "netbox", "--changelog", "--since", "1h")
    assert "updated dcim.device core-2: status" in changelog.stdout
    assert json.loads(shop.ok("status", "--format", "json").stdout)["unrecorded"]["count"] >= 1
    shop.ok("observe", "netbox")
    assert criteria(shop) == ["unsatisfied", "satisfied"]
    device.update({"status": "active"})
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    secret = netbox.read_only_token.rpartition(".")[2].encode()
    assert files
    assert not any(secret in content for content in files)


def test_a_netbox_that_is_down_ends_with_4_and_leaves_nothing(shop: Delivered) -> None:
    down = shop.infratrack("observe", "netbox", NETBOX_URL="http://127.0.0.1:9")
    assert down.returncode == 4
    assert "Traceback" not in down.stderr
    assert criteria(shop) == ["unknown", "unknown"]


def test_a_refused_type_ends_with_4_and_what_was_seen_counts(
    shop: Delivered, netbox: NetBoxServer, network: Any
) -> None:
    token = limited_token(netbox.api, "no-interfaces", [(["dcim.device"], None)])
    seen = shop.infratrack("observe", "netbox", NETBOX_TOKEN=token)
    assert seen.returncode == 4, seen.stderr
    assert criteria(shop) == ["satisfied", "unknown"]
    assert token not in seen.stdout + seen.stderr


def test_an_unknown_filter_ends_with_2_and_names_the_nearest(shop: Delivered, network: Any) -> None:
    shop.write("infratrack.yaml", PROJECT.replace("filter: {role: core}", "filter: {roel: core}"))
    seen = shop.infratrack("observe", "netbox")
    assert seen.returncode == 2
    assert "'roel'" in seen.stderr
    assert "(asked by core)" in seen.stderr
    assert "role" in seen.stderr
    assert criteria(shop) == ["unknown", "unknown"]


def test_without_a_token_nothing_is_asked(shop: Delivered) -> None:
    seen = shop.infratrack("observe", "netbox", NETBOX_TOKEN="")
    assert seen.returncode == 2
    assert "NETBOX_TOKEN" in seen.stderr
