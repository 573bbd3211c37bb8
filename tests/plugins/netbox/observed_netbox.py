"""For tests on a real NetBox: a small network in it, tokens that see less, and looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from infratrack.api import (
    Collected,
    Decision,
    Digest,
    Instant,
    ObserveContext,
    RecordedEvidence,
    SourceContext,
    SourceReading,
    Word,
)
from infratrack.plugin_manager import load_plugins
from infratrack.testing.builders import verdict
from infratrack_netbox.evidence import NetBoxObservation
from infratrack_netbox.observer import NetBoxObserver
from tests.netbox_server.server import NetBoxServer

HOUR = 3_600_000_000
DIGEST = Digest("sha256:" + "ab" * 32)
CRITERIA = load_plugins().criteria


def schema_cache(folders: pytest.TempPathFactory) -> Path:
    """Keeps the server's schema for all tests of a worker: the server takes half a minute to make it."""
    folder = folders.getbasetemp() / "netbox-schema"
    folder.mkdir(exist_ok=True)
    return folder


def build_network(api: Any) -> dict[str, Any]:
    """Two cabled core switches in a rack, one with a primary address and a power feed."""
    site = api.dcim.sites.create(name="AMS1", slug="ams1")
    maker = api.dcim.manufacturers.create(name="Acme", slug="acme")
    kind = api.dcim.device_types.create(manufacturer=maker.id, model="SW48", slug="sw48")
    role = api.dcim.device_roles.create(name="Core", slug="core")
    tag = api.extras.tags.create(name="Prod", slug="prod")
    api.extras.custom_fields.create(name="owner_team", type="text", object_types=["dcim.device"])
    rack = api.dcim.racks.create(name="R1", site=site.id)
    common = {"site": site.id, "role": role.id, "device_type": kind.id, "rack": rack.id, "face": "front"}
    cores = [
        api.dcim.devices.create(name="core-1", position=1, serial="S1", tags=[tag.id], **common),
        api.dcim.devices.create(name="core-2", position=2, serial="S2", **common),
    ]
    ports = [api.dcim.interfaces.create(device=one.id, name="eth0", type="1000base-t") for one in cores]
    cable = api.dcim.cables.create(
        a_terminations=[{"object_type": "dcim.interface", "object_id": ports[0].id}],
        b_terminations=[{"object_type": "dcim.interface", "object_id": ports[1].id}],
    )
    address = api.ipam.ip_addresses.create(
        address="2001:DB8:0:0::1/64", assigned_object_type="dcim.interface", assigned_object_id=ports[0].id
    )
    cores[0].update({"primary_ip6": address.id})
    panel = api.dcim.power_panels.create(site=site.id, name="P1")
    feed = api.dcim.power_feeds.create(power_panel=panel.id, name="feed-a")
    plug = api.dcim.power_ports.create(device=cores[0].id, name="psu1")
    api.dcim.cables.create(
        a_terminations=[{"object_type": "dcim.powerport", "object_id": plug.id}],
        b_terminations=[{"object_type": "dcim.powerfeed", "object_id": feed.id}],
    )
    return {"cores": cores, "cable": cable, "ports": ports, "address": address}


def limited_token(api: Any, name: str, permissions: Sequence[tuple[Sequence[str], Any]]) -> str:
    """A token of a new user who may view these types, each within its constraints, and what they may view."""
    user = api.users.users.create(username=name, password="Correct-horse-7-battery")  # noqa: S106 -- of a test
    token = api.users.tokens.create(user=user.id, write_enabled=False)
    for number, (types, constraints) in enumerate([*permissions, (["users.objectpermission"], None)]):
        api.users.permissions.create(
            name=f"{name} {number}",
            object_types=list(types),
            actions=["view"],
            constraints=constraints,
            users=[user.id],
        )
    return f"nbt_{token.key}.{token.token}"


class Outputs:
    """Stands for Terraform's outputs: the plugin for them is tested by itself."""

    name = "terraform.output"
    schema: Mapping[str, Any] = {"type": "object"}

    def __init__(self, *items: Mapping[str, Any]) -> None:
        self.items = items

    def read(self, context: SourceContext) -> SourceReading:
        return SourceReading(self.items, f"terraform output {context.name} of infra")


def look(
    netbox: NetBoxServer,
    cache: Path,
    wanted: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    token: str = "",
    **context: Any,
) -> Collected:
    """What the observer sees, with the read-only token unless another is given."""
    environment = {"NETBOX_URL": netbox.url, "NETBOX_TOKEN": token or netbox.read_only_token}
    uses = {name: tuple(each) for name, each in wanted.items()}
    (seen,) = NetBoxObserver().observe(ObserveContext(Path(), environment, uses, cache=cache, **context))
    return seen


def words(collected: Collected) -> list[Word]:
    return list(NetBoxObservation().words({"result": collected.result}))


def decided(collected: Collected, criterion: str, parameters: Mapping[str, Any]) -> Decision:
    """What the criterion comes to with this evidence."""
    return verdict(CRITERIA[criterion], parameters, words(collected))


def lists(collected: Collected) -> list[str]:
    """The types that lists were asked of, in order."""
    return [query["type"] for query in collected.result["queries"]]


def evidence(predicate_type: str, result: Mapping[str, Any], **predicate: Any) -> RecordedEvidence:
    """A piece of evidence that counts."""
    content = {"result": result, **predicate}
    return RecordedEvidence(DIGEST, predicate_type, "run", Instant(0), "succeeded", None, content)
