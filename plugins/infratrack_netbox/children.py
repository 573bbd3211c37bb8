"""What NetBox makes by itself along with a record: a new device gets the components of its type's templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infratrack.api import Dependent
from infratrack_netbox.comparing import Lists
from infratrack_netbox.exchange import plain
from infratrack_netbox.server_schema import Endpoint, ServerSchema

_COUNTS: Final[Mapping[str, str]] = {
    "console_port_count": "dcim.consoleport",
    "console_server_port_count": "dcim.consoleserverport",
    "cooling_intake_count": "dcim.coolingintake",
    "cooling_outflow_count": "dcim.coolingoutflow",
    "device_bay_count": "dcim.devicebay",
    "front_port_count": "dcim.frontport",
    "interface_count": "dcim.interface",
    "inventory_item_count": "dcim.inventoryitem",
    "module_bay_count": "dcim.modulebay",
    "power_outlet_count": "dcim.poweroutlet",
    "power_port_count": "dcim.powerport",
    "rear_port_count": "dcim.rearport",
}
"""What a device says about how many components it has."""
_IN_A_MODULE: Final = frozenset(_COUNTS.values()) - {"dcim.devicebay", "dcim.inventoryitem"}
_IDS_A_REQUEST: Final = 200


def counts_of(endpoint: Endpoint) -> list[str]:
    """Fields to show of a new record, so that only what there is gets asked for."""
    return [name for name in _COUNTS if name in endpoint.fields] if endpoint.type == "dcim.device" else []


def children_of(
    client: Lists, schema: ServerSchema, type_name: str, rows: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[Dependent]]:
    """Id → what the server made by itself along with these new records. Unreachable."""
    found: dict[str, list[Dependent]] = {}
    if type_name not in {"dcim.device", "dcim.module"}:
        return found
    parent = type_name.partition(".")[2]
    for child_type in _types(type_name, schema, rows):
        endpoint = schema.endpoint(child_type)
        ids = [*rows]
        for start in range(0, len(ids), _IDS_A_REQUEST):
            filters = [(f"{parent}_id", one) for one in ids[start : start + _IDS_A_REQUEST]]
            for row in client.list(endpoint.path, filters, fields=("id", "display", parent)):
                owner = row.get(parent)
                if isinstance(owner, Mapping):
                    child = Dependent(child_type, str(row.get("id")), plain(str(row.get("display", ""))), owned=False)
                    found.setdefault(str(owner.get("id")), []).append(child)
    return found


def _types(type_name: str, schema: ServerSchema, rows: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    parent = type_name.partition(".")[2]
    if type_name == "dcim.device":
        wanted = {kind for name, kind in _COUNTS.items() if any(row.get(name) for row in rows.values())}
    else:
        wanted = set(_IN_A_MODULE)
    known = schema.endpoints
    return sorted(kind for kind in wanted if kind in known and f"{parent}_id" in known[kind].filters)
