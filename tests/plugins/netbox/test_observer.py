"""`infratrack observe netbox` on a real NetBox: three values of each criterion, and the fewest requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import Collected, Decision, InputError, Unreachable
from infratrack_netbox.evidence import NETBOX_SYNC, RESULT_SCHEMA
from tests.netbox_server.server import NetBoxServer

from .observed_netbox import Outputs, build_network, decided, evidence, limited_token, lists, look, schema_cache

pytestmark = pytest.mark.slow

YES, NO, UNKNOWN = Decision.SATISFIED, Decision.UNSATISFIED, Decision.UNKNOWN
CORES: dict[str, Any] = {"type": "dcim.device", "filter": {"site": "ams1", "role": "core"}}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keeps the server's schema, which takes seconds to ask for."""
    return schema_cache(tmp_path_factory)


@pytest.fixture(scope="module")
def network(netbox: NetBoxServer) -> Iterator[dict[str, Any]]:
    """The network, once for all tests that only look; tests that change it put it back."""
    netbox.reset()
    yield build_network(netbox.api)
    netbox.reset()


@pytest.mark.parametrize(
    ("criterion", "parameters", "expected"),
    [
        ("record", CORES | {"count": 2, "fields": {"status": "active", "site": {"slug": "ams1"}}}, YES),
        ("record", CORES | {"min": 3}, NO),
        ("record", CORES | {"fields": {"serial": "S1"}}, NO),
        ("record", CORES | {"tags": ["prod"]}, NO),
        ("record", {"type": "dcim.device", "filter": {"tag": "prod"}, "tags": ["prod"], "count": 1}, YES),
        ("record", {"type": "dcim.device", "filter": {"cf_owner_team": "net"}, "count": 0}, YES),
        ("record", CORES | {"fields": {"custom_fields.owner_team": "net"}}, NO),
        ("record", {"type": "dcim.device", "filter": {"site": "no-such-site"}}, NO),
        ("record", {"type": "ipam.ipaddress", "fields": {"address": "2001:db8::1/64"}, "count": 1}, YES),
        ("cabled", {"device": "core-1", "interface": "eth0", "to": {"device": "core-2", "interface": "eth0"}}, YES),
        ("cabled", {"device": "core-1", "interface": "eth1"}, NO),
        ("cabled", {"device": "core-9", "interface": "eth0"}, NO),
        ("primary_ip", {"device": "core-1", "family": 6, "address": "2001:DB8::1", "prefix": "2001:db8::/32"}, YES),
        ("primary_ip", {"device": "core-2"}, NO),
        ("primary_ip", {"vm": "ns1"}, NO),
        ("rack", {"device": "core-1", "rack": "R1", "unit": 1, "face": "front", "power_feed": "feed-a"}, YES),
        ("rack", {"device": "core-2", "rack": "R1", "unit": 1}, NO),
        ("rack", {"device": "core-2", "rack": "R1", "power_feed": "feed-a"}, NO),
        ("changed_by_run", CORES, NO),
    ],
)
def test_each_criterion_says_yes_and_no(  # noqa: PLR0913, PLR0917 -- fixtures, and one parameter a column
    netbox: NetBoxServer, network: Any, cache: Path, criterion: str, parameters: dict[str, Any], expected: Decision
) -> None:
    name = f"netbox.{criterion}"
    seen = look(netbox, cache, {name: [parameters]})
    Draft202012Validator(RESULT_SCHEMA).validate(seen.result)
    assert decided(seen, name, parameters) is expected
    assert (seen.missing, seen.unreached) == ({}, "")
    assert seen.result["identity"] == f"netbox {netbox.url}"
    assert seen.result["server"]["version"].startswith("4.7")
    assert seen.tool_version == seen.result["server"]["version"]


@pytest.mark.parametrize(
    ("criterion", "parameters"),
    [
        ("record", CORES | {"count": 1}),
        ("record", {"type": "dcim.device", "filter": {"name": "core-2"}}),
        ("cabled", {"device": "core-2", "interface": "eth0"}),
        ("primary_ip", {"device": "core-2"}),
        ("primary_ip", {"filter": {"name": "core-1"}}),
        ("rack", {"device": "core-2", "rack": "R1"}),
        ("changed_by_run", CORES | {"filter": {"name": "core-2"}}),
    ],
)
def test_what_a_token_may_not_see_is_unknown_and_not_absent(
    netbox: NetBoxServer, network: Any, cache: Path, criterion: str, parameters: dict[str, Any]
) -> None:
    types = ["dcim.interface", "ipam.ipaddress", "core.objectchange", "dcim.site"]
    permissions: list[tuple[list[str], Any]] = [(["dcim.device"], {"name": "core-1"}), (types, None)]
    token = limited_token(netbox.api, f"some-{len(netbox.api.users.users.all())}", permissions)
    name = f"netbox.{criterion}"
    seen = look(netbox, cache, {name: [parameters]}, token=token)
    assert decided(seen, name, parameters) is UNKNOWN
    (reason,) = seen.missing.values()
    assert "shows this token only some dcim.device records" in reason
    assert all(token not in text for text in (json.dumps(seen.result), str(seen.missing)))


def test_a_canary_that_the_token_finds_proves_absence(netbox: NetBoxServer, network: Any, cache: Path) -> None:
    token = limited_token(netbox.api, "canary", [(["dcim.device"], {"name": "core-1"})])
    absent = {"type": "dcim.device", "filter": {"name": "core-9"}}
    found, lost = absent | {"canary": {"name": "core-1"}}, absent | {"canary": {"name": "core-2"}}
    seen = look(netbox, cache, {"netbox.record": [absent, found, lost]}, token=token)
    assert [decided(seen, "netbox.record", one) for one in (absent, found, lost)] == [UNKNOWN, NO, UNKNOWN]


def test_a_type_that_is_refused_is_unknown_beside_answers_and_ends_in_exit_4(
    netbox: NetBoxServer, network: Any, cache: Path
) -> None:
    token = limited_token(netbox.api, "devices-only", [(["dcim.device"], None)])
    prefixes = {"type": "ipam.prefix"}
    seen = look(netbox, cache, {"netbox.record": [CORES, prefixes]}, token=token)
    assert decided(seen, "netbox.record", CORES) is YES
    assert decided(seen, "netbox.record", prefixes) is UNKNOWN
    assert "403" in seen.unreached
    assert "403" in seen.missing["netbox.record ipam.prefix"]
    with pytest.raises(Unreachable):
        look(netbox, cache, {"netbox.record": [prefixes]}, token=token)


def test_what_is_down_or_refuses_the_token_leaves_nothing(netbox: NetBoxServer, cache: Path) -> None:
    with pytest.raises(Unreachable) as refused:
        look(netbox, cache, {"netbox.record": [CORES]}, token="nbt_XXXXXXXXXXXX.YYYYYYYY")  # noqa: S106 -- nobody's
    assert refused.value.exit_code == 4
    assert "YYYYYYYY" not in refused.value.message
    down = {"netbox": {"url": "http://127.0.0.1:9"}}
    with pytest.raises(Unreachable):
        look(netbox, cache, {"netbox.record": [CORES]}, cmdb=down)


@pytest.mark.parametrize(
    "wrong", [{"filter": {"sight": "ams1"}}, {"fields": {"statuz": "active"}}, {"filter": {"cf_owner_tem": "net"}}]
)
def test_a_filter_or_field_that_the_server_does_not_know_is_an_input_error(
    netbox: NetBoxServer, network: Any, cache: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InputError) as raised:
        look(netbox, cache, {"netbox.record": [CORES, {"type": "dcim.device"} | wrong]})
    assert raised.value.exit_code == 2
    assert "did you mean" in raised.value.hint


def listed(seen: Collected) -> int:
    """HTTP requests without those that every look makes: status, whose token it is, and what they may see."""
    return int(seen.result["requests"]) - 4


def test_the_fewest_requests_are_made(netbox: NetBoxServer, network: Any, cache: Path) -> None:
    three: list[dict[str, Any]] = [
        CORES | {"min": 1},
        CORES | {"fields": {"status": "active"}},
        CORES | {"tags": ["prod"]},
    ]
    look(netbox, cache, {"netbox.record": three[:1]})  # fills the cache with the server's schema
    seen = look(netbox, cache, {"netbox.record": three})
    assert lists(seen) == ["dcim.device"]
    cables: list[dict[str, Any]] = [{"device": name, "interface": "eth0"} for name in ("core-1", "core-2")]
    racks: list[dict[str, Any]] = [{"device": name, "rack": "R1"} for name in ("core-1", "core-2")]
    addresses: list[dict[str, Any]] = [{"device": name} for name in ("core-1", "core-2")]
    every = look(netbox, cache, {"netbox.cabled": cables, "netbox.rack": racks, "netbox.primary_ip": addresses})
    assert sorted(lists(every)) == ["dcim.device", "dcim.interface", "ipam.ipaddress"]
    assert listed(every) - listed(seen) == 2
    assert [query["records"] for query in every.result["queries"] if query["type"] == "dcim.device"] == [2]


def test_without_a_criterion_on_netbox_only_the_server_is_named(netbox: NetBoxServer, cache: Path) -> None:
    seen = look(netbox, cache, {"git.merged": [{"path": "x"}]})
    assert (seen.result["queries"], seen.result["answers"], seen.result["requests"]) == ([], [], 1)


def test_a_renamed_and_a_deleted_record_show_in_the_next_look(
    netbox: NetBoxServer, network: dict[str, Any], cache: Path
) -> None:
    rack, api = {"device": "core-2", "rack": "R1"}, netbox.api
    both = CORES | {"count": 2}
    assert decided(look(netbox, cache, {"netbox.rack": [rack]}), "netbox.rack", rack) is YES
    device = api.dcim.devices.get(name="core-2")
    device.update({"name": "core-two"})
    seen = look(netbox, cache, {"netbox.rack": [rack], "netbox.record": [both]})
    assert decided(seen, "netbox.rack", rack) is NO
    assert decided(seen, "netbox.record", both) is YES
    extra = api.dcim.devices.create(
        name="core-3", site=device.site.id, role=device.role.id, device_type=device.device_type.id
    )
    assert decided(look(netbox, cache, {"netbox.record": [both]}), "netbox.record", both) is NO
    extra.delete()
    assert decided(look(netbox, cache, {"netbox.record": [both]}), "netbox.record", both) is YES
    device.update({"name": "core-2"})


def test_a_cable_that_is_only_planned_connects_nothing(
    netbox: NetBoxServer, network: dict[str, Any], cache: Path
) -> None:
    asked = {"device": "core-1", "interface": "eth0"}
    network["cable"].update({"status": "planned"})
    seen = look(netbox, cache, {"netbox.cabled": [asked]})
    network["cable"].update({"status": "connected"})
    assert decided(seen, "netbox.cabled", asked) is NO
    assert "does not have the status connected" in seen.result["answers"][0]["note"]


def test_records_agree_with_a_source_field_by_field(netbox: NetBoxServer, network: Any, cache: Path) -> None:
    asked = {
        "type": "dcim.device",
        "each": "terraform.output.devices",
        "key": {"name": "{name}"},
        "fields": {"serial": "{serial}", "site": {"slug": "{site}"}, "position": "{unit}"},
    }
    same = [{"name": f"core-{n}", "serial": f"S{n}", "site": "ams1", "unit": f"{n}.0"} for n in (1, 2)]
    other = [same[0], same[1] | {"serial": "X"}]
    more = [*same, same[0] | {"name": "core-3"}]
    for items, expected in ((same, YES), (other, NO), (more, NO), ([], UNKNOWN)):
        seen = look(netbox, cache, {"netbox.matches": [asked]}, sources={"terraform.output": Outputs(*items)})
        assert decided(seen, "netbox.matches", asked) is expected
    assert lists(seen) == []
    seen = look(netbox, cache, {"netbox.matches": [asked]}, sources={"terraform.output": Outputs(*other)})
    assert seen.result["answers"][0]["failing"][0]["why"] == "serial is S2, not X"
    assert [query["filters"] for query in seen.result["queries"]] == [{"name": ["core-1", "core-2"]}]


def test_only_the_request_joins_a_change_with_a_run(netbox: NetBoxServer, network: Any, cache: Path) -> None:
    api = netbox.api
    api.dcim.devices.get(name="core-1").update({"comments": "a", "changelog_message": "infratrack run 42"})
    changes = list(api.core.object_changes.filter(changed_object_type="dcim.device"))
    cores = {one.id for one in api.dcim.devices.filter(role="core")}
    ordered = sorted((one for one in changes if one.changed_object_id in cores), key=lambda one: int(one.id))
    newest = {one.changed_object_id: one.request_id for one in ordered}

    def recorded(requests: list[str]) -> Any:
        return lambda predicate_type: [evidence(NETBOX_SYNC, {"requests": requests})] * (predicate_type == NETBOX_SYNC)

    for requests, expected in (
        (list(newest.values()), YES),
        (list(newest.values())[:1], NO),
        (["infratrack run 42"], NO),
    ):
        seen = look(netbox, cache, {"netbox.changed_by_run": [CORES]}, recorded=recorded(requests))
        assert decided(seen, "netbox.changed_by_run", CORES) is expected
    joined = look(netbox, cache, {"netbox.changed_by_run": [CORES]}, recorded=recorded(list(newest.values())))
    assert {one["request"] for one in joined.result["answers"][0]["evidence"]} == set(newest.values())
