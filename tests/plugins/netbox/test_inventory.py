"""Reading a real NetBox for reconciliation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from infratrack.api import DesiredRecord, InputError, LiveRecord, Reading, ReconcileContext, RecordSet, Unreachable
from infratrack_netbox.inventory import NetBoxInventory
from infratrack_netbox.reading import project_rows
from infratrack_netbox.reconciler import NetBoxReconciler
from tests.netbox_server.server import NetBoxServer

pytestmark = pytest.mark.slow
Open = Callable[..., NetBoxInventory]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def opened(empty_netbox: NetBoxServer, cache: Path) -> Open:
    """Opens the server, by default with the read-only token: looking needs no more."""

    def open_it(token: str | None = None, **configuration: Any) -> NetBoxInventory:
        environment = {"NETBOX_URL": empty_netbox.url, "NETBOX_TOKEN": token or empty_netbox.read_only_token}
        settings = {"url": "${NETBOX_URL}", **configuration}
        context = ReconcileContext(settings, cache, environment, lambda *_: None, cache)
        inventory = NetBoxReconciler().open(context)
        assert isinstance(inventory, NetBoxInventory)
        return inventory

    return open_it


def _set(type_name: str, *records: tuple[dict[str, Any], dict[str, Any]], **more: Any) -> RecordSet:
    desired = tuple(
        DesiredRecord(type_name, key, fields, f"{type_name}[{n}]") for n, (key, fields) in enumerate(records)
    )
    return RecordSet(type_name, desired, **more)


def _devices(number: int, **more: Any) -> RecordSet:
    records = (
        ({"name": f"sw{n}"}, {"site": {"slug": "ams1"}, "role": {"slug": "leaf"}, "status": "Active"})
        for n in range(number)
    )
    return _set("dcim.device", *records, **more)


def _arrange(api: Any, number: int) -> list[Any]:
    """A site with devices that carry the own tag."""
    tag = api.extras.tags.create(name="infratrack", slug="infratrack")
    site = api.dcim.sites.create(name="Amsterdam", slug="ams1")
    maker = api.dcim.manufacturers.create(name="Maker", slug="maker")
    kind = api.dcim.device_types.create(manufacturer=maker.id, model="SW48", slug="sw48")
    role = api.dcim.device_roles.create(name="Leaf", slug="leaf")
    fields = {"site": site.id, "device_type": kind.id, "role": role.id, "tags": [tag.id]}
    return list(api.dcim.devices.create([{**fields, "name": f"sw{n}"} for n in range(number)]))


def _differences(prepared: Sequence[RecordSet], readings: Sequence[Reading]) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Type and key → field → live and desired, for all that differ or are not there."""
    found: dict[str, dict[str, tuple[Any, Any]]] = {}
    for one, reading in zip(prepared, readings, strict=True):
        live = {repr(record.key): record for record in reading.live}
        for desired in one.desired:
            record = live.get(repr(desired.key))
            fields = record.fields if record else {}
            differs = {
                name: (fields.get(name), value) for name, value in desired.fields.items() if fields.get(name) != value
            }
            if differs or record is None:
                found[f"{one.type} {dict(desired.key)}"] = differs
    return found


def test_records_that_agree_are_read_equal_with_a_read_only_token_in_three_requests(
    netbox: NetBoxServer, opened: Open
) -> None:
    made = _arrange(netbox.api, 3)
    inventory = opened()
    inventory.prepare([_devices(1)])  # the schema and who the token belongs to are asked once
    inventory.read([], {})
    sets = inventory.prepare([_devices(3)])
    inventory.read(sets, {})
    before = inventory._client.requests_made
    sets = inventory.prepare([_devices(3)])
    _, reading = inventory.read(sets, {})
    assert inventory._client.requests_made - before == 3  # the own tag twice, and one list
    assert _differences(sets[1:], [reading]) == {}
    assert reading.complete
    record = reading.live[0]
    assert isinstance(record, LiveRecord)
    assert (record.id, record.display, record.owned) == (str(made[0].id), "sw0", True)
    answer = inventory._client.get("/api/dcim/devices/", record.id)
    assert record.version == answer.etag != ""


def test_many_records_are_read_in_few_pages_and_sets_with_the_same_bounds_in_one_list(
    netbox: NetBoxServer, opened: Open
) -> None:
    netbox.api.extras.tags.create([{"name": f"t{n}", "slug": f"t{n}"} for n in range(300)])
    inventory = opened()
    tags = [_set("extras.tag", ({"slug": f"t{n}"}, {"name": f"t{n}"})) for n in range(3)]
    sets = inventory.prepare(tags)
    inventory.read(sets[:1], {})
    before = inventory._client.requests_made
    readings = inventory.read(sets, {})
    assert inventory._client.requests_made - before == 1
    assert [len(reading.live) for reading in readings] == [300, 300, 300]


def test_bounds_limit_what_is_read_and_bound_records_are_read_wherever_they_are(
    netbox: NetBoxServer, opened: Open
) -> None:
    made = _arrange(netbox.api, 4)
    inventory = opened()
    sets = inventory.prepare([_devices(2, within={"name": ["sw0", "sw1"]})])
    before = inventory._client.requests_made
    _, reading = inventory.read(sets, {"dcim.device": [str(made[3].id), str(made[0].id), "999999", "x"]})
    assert {record.display for record in reading.live} == {"sw0", "sw1", "sw3"}
    assert inventory._client.requests_made - before <= 3 + 3  # three lists; once, what the token may see


def test_every_kind_of_reference_agrees_with_what_is_desired_of_it(netbox: NetBoxServer, opened: Open) -> None:
    api = netbox.api
    one, other = _arrange(api, 2)
    ports = [api.dcim.interfaces.create(device=device.id, name="eth0", type="1000base-t") for device in (one, other)]
    site = api.dcim.sites.get(slug="ams1")
    vlan = api.ipam.vlans.create(vid=10, name="users", site=site.id)
    ports[0].update({"mode": "tagged", "tagged_vlans": [vlan.id]})
    address = api.ipam.ip_addresses.create(
        address="2001:db8::1/64",
        assigned_object_type="dcim.interface",
        assigned_object_id=ports[0].id,
        dns_name="a.example",
    )
    one.update({"primary_ip6": address.id, "latitude": 52.5})
    api.ipam.prefixes.create(prefix="10.0.0.0/24", scope_type="dcim.site", scope_id=site.id)
    ends = [[{"object_type": "dcim.interface", "object_id": port.id}] for port in ports]
    api.dcim.cables.create(a_terminations=ends[0], b_terminations=ends[1])
    port = {"type": "dcim.interface", "device": {"name": "sw0", "site": {"slug": "ams1"}}, "name": "eth0"}
    far = {"type": "dcim.interface", "device": {"name": "sw1"}, "name": "eth0"}
    wanted = [
        _set("dcim.cable", ({"a_terminations": [port], "b_terminations": [far]}, {"status": "Connected"})),
        _set(
            "ipam.ipaddress",
            ({"address": "2001:DB8:0::1/64"}, {"assigned_object": port, "dns_name": "A.example ", "vrf": None}),
        ),
        _set(
            "dcim.interface",
            (
                {"device": port["device"], "name": "eth0"},
                {
                    "type": "1000BASE-T (1GE)",
                    "tagged_vlans": [{"vid": "10", "site": {"slug": "ams1"}}],
                    "enabled": "yes",
                    "mtu": "",
                },
            ),
        ),
        _set(
            "dcim.device",
            (
                {"name": "sw0"},
                {
                    "primary_ip6": {"address": "2001:db8::0001/64"},
                    "device_type": {"manufacturer": {"slug": "maker"}, "model": "SW48"},
                    "asset_tag": "",
                    "comments": None,
                    "latitude": "52.50",
                    "tenant": None,
                },
            ),
        ),
        _set("ipam.prefix", ({"prefix": "10.0.0.9/24"}, {"scope": {"type": "dcim.site", "slug": "ams1"}})),
    ]
    inventory = opened()
    sets = inventory.prepare(wanted)
    assert [s.type for s in sets].index("dcim.device") < [s.type for s in sets].index("dcim.interface")
    assert [s.type for s in sets].index("dcim.interface") < [s.type for s in sets].index("dcim.cable")
    differences = _differences(sets, inventory.read(sets, {}))
    assert {name for fields in differences.values() for name in fields} <= {"tags"}, differences


def test_custom_fields_of_every_kind_agree(netbox: NetBoxServer, opened: Open) -> None:
    api = netbox.api
    site = api.dcim.sites.create(name="A", slug="a")
    choices = api.extras.custom_field_choice_sets.create(
        name="levels", extra_choices=[["high", "High"], ["low", "Low"]]
    )
    kinds: dict[str, dict[str, Any]] = {
        "text": {}, "integer": {}, "decimal": {}, "boolean": {}, "date": {}, "datetime": {}, "json": {},
        "select": {"choice_set": choices.id}, "multiselect": {"choice_set": choices.id},
        "object": {"related_object_type": "dcim.site"}, "multiobject": {"related_object_type": "dcim.site"},
    }  # fmt: skip
    for kind, more in kinds.items():
        api.extras.custom_fields.create(name=f"a_{kind}", type=kind, object_types=["dcim.site"], **more)
    site.update(
        {
            "custom_fields": {
                "a_text": "x", "a_integer": 3, "a_decimal": 10.5, "a_boolean": True, "a_date": "2026-01-05",
                "a_datetime": "2026-01-05T00:00:00Z", "a_json": {"a": [1]}, "a_select": "high",
                "a_multiselect": ["low", "high"], "a_object": site.id, "a_multiobject": [site.id],
            }
        }
    )  # fmt: skip
    values = {
        "a_text": " x ", "a_integer": "3", "a_decimal": "10.50", "a_boolean": "yes", "a_date": "2026-01-05",
        "a_datetime": "2026-01-05", "a_json": {"a": [1.0]}, "a_select": "high", "a_multiselect": ["high", "low"],
        "a_object": {"slug": "a"}, "a_multiobject": [{"slug": "a"}],
    }  # fmt: skip
    inventory = opened(own={"custom_field": {"a_text": "x"}})
    sets = inventory.prepare(
        [_set("dcim.site", ({"slug": "a"}, {"custom_fields": values}), within={"cf_a_integer": 3})]
    )
    readings = inventory.read(sets, {})
    assert _differences(sets, readings) == {}
    assert readings[0].live[0].owned
    assert sets[0].mark == "custom_fields.a_text"
    raw = netbox.api.dcim.sites.get(slug="a")
    projected = project_rows(inventory._client, "dcim.site", [dict(raw)], sets[0].desired[0].fields)
    assert projected[0]["custom_fields.a_datetime"] == "2026-01-05T00:00:00.000000Z"


def test_a_constrained_token_sees_nothing_and_proves_nothing(netbox: NetBoxServer, opened: Open) -> None:
    _arrange(netbox.api, 2)
    api = netbox.api
    user = api.users.users.create(username="bounded", password="Long-enough-1-password")  # noqa: S106 -- for a test
    types = ["extras.tag", "dcim.device", "users.objectpermission"]
    api.users.permissions.create(
        name="no devices", object_types=["dcim.device"], actions=["view"], users=[user.id], constraints={"name": "none"}
    )
    api.users.permissions.create(name="tags", object_types=["extras.tag"], actions=["view"], users=[user.id])
    token = api.users.tokens.create(user=user.id, write_enabled=False)
    inventory = opened(f"nbt_{token.key}.{token.token}")
    sets = inventory.prepare([_devices(2)])
    _, reading = inventory.read(sets, {})
    assert list(reading.live) == []
    assert not reading.complete
    assert "may not read its own permissions" in reading.reason
    api.users.permissions.create(name="own", object_types=types[2:], actions=["view"], users=[user.id])
    _, told = opened(f"nbt_{token.key}.{token.token}").read(sets, {})
    assert not told.complete
    assert "'no devices' shows this token only some dcim.device records" in told.reason


def test_a_type_that_the_token_may_not_view_is_unreachable_and_not_empty(netbox: NetBoxServer, opened: Open) -> None:
    user = netbox.api.users.users.create(username="nobody", password="Long-enough-1-password")  # noqa: S106 -- for a test
    token = netbox.api.users.tokens.create(user=user.id, write_enabled=False)
    inventory = opened(f"nbt_{token.key}.{token.token}")
    with pytest.raises(Unreachable, match="refuses the token") as error:
        inventory.prepare([_devices(1)])
    assert token.token not in str(error.value)


def test_the_own_tag_is_desired_first_and_agrees_once_it_is_there(netbox: NetBoxServer, opened: Open) -> None:
    inventory = opened()
    made = inventory.prepare([_devices(1)])
    assert [one.type for one in made] == ["extras.tag", "dcim.device"]
    assert list(inventory.read(made, {})[0].live) == []
    netbox.api.extras.tags.create(name="Ours", slug="infratrack")
    made = inventory.prepare([_devices(1)])
    assert _differences(made[:1], inventory.read(made[:1], {})) == {}


def test_a_filter_that_netbox_would_ignore_is_refused(opened: Open) -> None:
    with pytest.raises(InputError, match="no filter 'sight'") as error:
        opened().prepare([_devices(1, within={"sight": "ams1"})])
    assert "site" in error.value.hint


def test_a_filter_with_a_value_that_netbox_does_not_know_is_told_in_its_words(opened: Open) -> None:
    inventory = opened()
    sets = inventory.prepare([_devices(1, within={"site": "nowhere"})])
    with pytest.raises(InputError, match="Select a valid choice"):
        inventory.read(sets, {})


def test_it_says_which_server_it_is(netbox: NetBoxServer, opened: Open) -> None:
    inventory = opened()
    assert inventory.identity == f"netbox {netbox.url}"
    assert inventory.description["version"].startswith("4.7")
    inventory.close()


def test_every_type_of_the_server_can_be_listed_by_what_its_schema_says(netbox: NetBoxServer, opened: Open) -> None:
    _arrange(netbox.api, 1)
    client = opened(netbox.token)._client
    schema = client.schema()
    assert len(schema.endpoints) > 100
    for name in ("dcim.device", "dcim.site", "extras.tag", "users.user", "core.objectchange"):
        endpoint = schema.endpoint(name)
        rows = list(client.list(endpoint.path, fields=("id", "display")))
        assert len(rows) == client.count(endpoint.path) > 0
