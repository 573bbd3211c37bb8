"""Questions about what is connected to what, and where it stands. Pure."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from infratrack_netbox.findings import (
    Failing,
    Finding,
    id_of,
    line,
    member,
    name_of,
    objects,
    record_of,
    shown,
    told,
)
from infratrack_netbox.hosts import DEVICE, host
from infratrack_netbox.reads import Question, Read, Rows, read

INTERFACE: Final = "dcim.interface"
_POWER_PORT: Final = "dcim.powerport"
_POWER_OUTLET: Final = "dcim.poweroutlet"
_POWER_FEED: Final = "dcim.powerfeed"
CONNECTION_FIELDS: Final = frozenset(
    {
        "name", "device", "cable", "connected_endpoints", "connected_endpoints_type", "connected_endpoints_reachable",
        "mark_connected",
    }
)  # fmt: skip
"""What is read of anything that a cable can end at."""
_PDUS_DEEP: Final = 4
"""Through how many PDUs in a row a power feed is looked for."""


def cabled(parameters: Mapping[str, Any]) -> Question:
    """`netbox.cabled`: does a connected path lead from each interface to the far end?"""
    device = yield from host(DEVICE, parameters["device"], parameters)
    if isinstance(device, Finding):
        return device
    names: Sequence[str] = parameters.get("interfaces") or [parameters["interface"]]
    asked = Read(INTERFACE, keys=(("device_id", (id_of(device),)), ("name", tuple(names))), fields=CONNECTION_FIELDS)
    (rows,) = yield from read(asked)
    found = {row.get("name"): row for row in rows.rows if member(row, "device", "id") == device.get("id")}
    absent = [name for name in names if name not in found]
    failing = [
        Failing(id_of(found[name]), line(f"{name_of(device)} {name}"), why)
        for name in names
        if name in found and (why := _not_connected(found[name], parameters.get("to")))
    ]
    facts: dict[str, Any] = {
        "found": len(names) - len(absent),
        "agreeing": len(names) - len(absent) - len(failing),
        "failing": tuple(failing),
        "records": (record_of(DEVICE, device), *_connection_records(found, names)),
    }
    if failing:
        return Finding("no", told(failing), **facts)
    if absent:
        note = line(f"{name_of(device)} has no interface {', '.join(absent)}")
        if rows.whole:
            return Finding("no", note, **facts)
        return Finding("unknown", line(f"{note} that the token can see, but {rows.why}"), **facts)
    return Finding("yes", _far_ends([found[name] for name in names]), **facts)


def _connection_records(found: Mapping[Any, Mapping[str, Any]], names: Sequence[str]) -> list[tuple[str, str, str]]:
    rows = [found[name] for name in names if name in found]
    cables = [cable for row in rows if isinstance(cable := row.get("cable"), Mapping)]
    return [*(record_of(INTERFACE, row) for row in rows), *(record_of("dcim.cable", cable) for cable in cables)]


def _not_connected(row: Mapping[str, Any], to: Mapping[str, Any] | None) -> str:
    """Why an interface is not connected as it should be; empty when it is."""
    if not isinstance(row.get("cable"), Mapping):
        return "it is marked as connected, but has no cable" if row.get("mark_connected") is True else "it has no cable"
    ends = objects(row.get("connected_endpoints"))
    if not ends:
        return "its cable leads to nothing that ends a connection"
    if to is not None and not any(_is(end, to) for end in ends):
        return f"it is connected to {_named(ends)}"
    if row.get("connected_endpoints_reachable") is not True:
        return "a cable on its path does not have the status connected"
    return ""


def _is(end: Mapping[str, Any], to: Mapping[str, Any]) -> bool:
    return bool(
        member(end, "device", "name") == to["device"] and to.get("interface", end.get("name")) == end.get("name")
    )


def _named(ends: Sequence[Mapping[str, Any]]) -> str:
    return line(" and ".join(f"{member(end, 'device', 'name') or ''} {name_of(end)}".strip() for end in ends))


def _far_ends(rows: Sequence[Mapping[str, Any]]) -> str:
    ends = dict.fromkeys(_named(objects(row.get("connected_endpoints"))) for row in rows)
    return line(f"connected to {', '.join(ends)}")


def rack(parameters: Mapping[str, Any]) -> Question:
    """`netbox.rack`: does the device stand where it should, and do the power feeds reach it?"""
    device = yield from host(DEVICE, parameters["device"], parameters)
    if isinstance(device, Finding):
        return device
    wrong = _not_standing(device, parameters)
    feeds = parameters.get("power_feed", [])
    wanted = [feeds] if isinstance(feeds, str) else feeds
    facts: dict[str, Any] = {"found": 1, "records": (record_of(DEVICE, device),)}
    if wrong:
        failing = (Failing(id_of(device), name_of(device), "; ".join(wrong)),)
        return Finding("no", told(failing), failing=failing, **facts)
    if wanted:
        reached, whole = yield from _feeds(device)
        missing = [name for name in wanted if name not in reached]
        if missing:
            note = line(f"{name_of(device)} is not fed by {', '.join(missing)}")
            if whole.whole:
                failing = (Failing(id_of(device), name_of(device), note),)
                return Finding("no", note, failing=failing, **facts)
            return Finding("unknown", line(f"{note} as far as the token can see, but {whole.why}"), **facts)
    fed = f", fed by {', '.join(wanted)}" if wanted else ""
    unit = f" unit {_number(device.get('position'))}" if device.get("position") is not None else ""
    return Finding("yes", line(f"it stands in {parameters['rack']}{unit}{fed}"), agreeing=1, **facts)


def _not_standing(device: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    """What is wrong with where a device stands."""
    live = member(device, "rack", "name")
    if live != parameters["rack"]:
        return [f"it stands in rack {shown(live)}" if live is not None else "it stands in no rack"]
    wrong = []
    if "unit" in parameters and _decimal(device.get("position")) != float(parameters["unit"]):
        wrong.append(f"it stands at unit {_number(device.get('position'))}")
    face = member(device, "face", "value")
    if "face" in parameters and face != parameters["face"]:
        wrong.append(f"its face is {shown(face)}")
    return wrong


def _decimal(value: Any) -> float | None:  # noqa: ANN401 -- JSON
    """NetBox gives decimals as numbers or as texts."""
    try:
        return float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except ValueError:
        return None


def _number(value: Any) -> str:  # noqa: ANN401 -- JSON
    decimal = _decimal(value)
    return "none" if decimal is None else f"{decimal:g}"


def _feeds(device: Mapping[str, Any]) -> Generator[tuple[Read, ...], tuple[Rows, ...], tuple[set[str], Rows]]:
    """The names of the power feeds that reach the device, and whether none can have been missed."""
    reached: set[str] = set()
    looked: list[Rows] = []
    asked = Read(_POWER_PORT, keys=(("device_id", (id_of(device),)),), fields=CONNECTION_FIELDS)
    (rows,) = yield from read(asked)
    ports = [row for row in rows.rows if member(row, "device", "id") == device.get("id")]
    looked.append(rows)
    for _ in range(_PDUS_DEEP):
        live = [port for port in ports if port.get("connected_endpoints_reachable") is True]
        reached |= {str(end.get("name")) for end in _ends(live, _POWER_FEED)}
        outlets = tuple(sorted({id_of(end) for end in _ends(live, _POWER_OUTLET)}))
        if not outlets:
            break
        (rows,) = yield from read(Read(_POWER_OUTLET, keys=(("id", outlets),), fields=frozenset({"power_port"})))
        looked.append(rows)
        inlets = tuple(
            sorted(
                {id_of(port) for row in rows.rows if id_of(row) in outlets for port in objects([row.get("power_port")])}
            )
        )
        if not inlets:
            break
        (rows,) = yield from read(Read(_POWER_PORT, keys=(("id", inlets),), fields=CONNECTION_FIELDS))
        looked.append(rows)
        ports = [row for row in rows.rows if id_of(row) in inlets]
    unproven = next((one for one in looked if not one.whole), None)
    return reached, unproven or Rows(whole=True)


def _ends(ports: Sequence[Mapping[str, Any]], type_name: str) -> list[Mapping[str, Any]]:
    return [
        end
        for port in ports
        if port.get("connected_endpoints_type") == type_name
        for end in objects(port.get("connected_endpoints"))
    ]
