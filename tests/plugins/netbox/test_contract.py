"""A real NetBox keeps the contract of reconcilers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infratrack.testing.reconcilers import ReconcilerContract, Stand
from infratrack_netbox.reconciler import NetBoxReconciler
from tests.netbox_server.server import NetBoxServer


class NetBoxStand(Stand):
    """VLANs of a real NetBox, tagged."""

    reconciler = NetBoxReconciler()
    folder = Path()
    type = "ipam.vlan"
    text_field = "description"
    list_field = "tags"
    items = ("leaf", "spine", "border")

    def __init__(self, server: NetBoxServer, cache: Path) -> None:
        self.cache = cache
        self._vlans = server.api.ipam.vlans
        self.configuration: Mapping[str, Any] = {"url": "${NETBOX_URL}", "own": {"tag": "infratrack"}}
        self.environment = {"NETBOX_URL": server.url, "NETBOX_TOKEN": server.token}
        self.secrets = (server.token, server.token.rpartition(".")[2])
        server.api.extras.tags.create([{"name": name.title(), "slug": name} for name in (*self.items, "infratrack")])

    def key(self, name: str) -> dict[str, Any]:
        return {"name": name}

    def required(self, name: str) -> dict[str, Any]:
        return {"vid": 100 + sum(name.encode()) % 3_000}

    def plant(self, name: str, **fields: Any) -> str:
        return str(self._vlans.create(name=name, **self.required(name), **fields).id)

    def edit(self, record_id: str, **fields: Any) -> None:
        tags = {"tags": [{"slug": tag} for tag in fields["tags"]]} if "tags" in fields else {}
        assert self._vlans.update([{"id": int(record_id), **fields, **tags}])

    def look(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            str(vlan.id): {"description": vlan.description, "tags": sorted(tag.slug for tag in vlan.tags)}
            for vlan in self._vlans.all()
        }


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


class TestNetBox(ReconcilerContract):
    @pytest.fixture
    def stand(self, empty_netbox: NetBoxServer, cache: Path) -> Stand:
        return NetBoxStand(empty_netbox, cache)
