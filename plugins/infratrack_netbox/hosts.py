"""Devices and virtual machines that criteria name: how they are read and told apart. Pure."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from infratrack_netbox.findings import Finding, member, not_there, the_one
from infratrack_netbox.reads import Read, Rows, filters_of, read

DEVICE: Final = "dcim.device"
VIRTUAL_MACHINE: Final = "virtualization.virtualmachine"
DEVICE_FIELDS: Final = frozenset({"name", "site", "rack", "position", "face", "primary_ip4", "primary_ip6"})
"""What all criteria read of devices, so that their reads are one."""
_FIELDS: Final = {DEVICE: DEVICE_FIELDS, VIRTUAL_MACHINE: frozenset({"name", "site", "primary_ip4", "primary_ip6"})}
_WHAT: Final = {DEVICE: "device", VIRTUAL_MACHINE: "virtual machine"}

HostRead = Generator[tuple[Read, ...], tuple[Rows, ...], "Mapping[str, Any] | Finding"]
HostsRead = Generator[tuple[Read, ...], tuple[Rows, ...], "tuple[str, Rows] | Finding"]


def canaries(type_name: str, parameters: Mapping[str, Any]) -> tuple[Read, ...]:
    """What must be found for absence to count, where the criterion names it."""
    canary = parameters.get("canary")
    return (Read(type_name, filters_of(canary)),) if canary else ()


def proven(rows: Rows, canary: Sequence[Rows]) -> Rows:
    """The rows, with absence proven where the canary was found."""
    if rows.whole or not canary:
        return rows
    if any(one.rows for one in canary):
        return Rows(rows.rows, whole=True)
    return Rows(rows.rows, why=f"{rows.why}, and the canary was not found either")


def host(type_name: str, name: str, parameters: Mapping[str, Any]) -> HostRead:
    """The device or virtual machine of that name; a finding when there is none. For use with `yield from`."""
    wanted = Read(type_name, keys=(("name", (name,)),), fields=_FIELDS[type_name])
    rows, *canary = yield from read(wanted, *canaries(type_name, parameters))
    site = parameters.get("site")
    matching = [
        row for row in rows.rows if row.get("name") == name and (site is None or member(row, "site", "slug") == site)
    ]
    where = f" at {site}" if site else ""
    return the_one(proven(rows, canary), matching, f"{_WHAT[type_name]} {name}{where}")


def hosts(parameters: Mapping[str, Any]) -> HostsRead:
    """What a criterion names by `device`, `vm` or `filter`: (type, rows), or a finding when there is none."""
    if "filter" not in parameters:
        type_name, name = (DEVICE, "device") if "device" in parameters else (VIRTUAL_MACHINE, "vm")
        one = yield from host(type_name, parameters[name], parameters)
        return one if isinstance(one, Finding) else (type_name, Rows((one,), whole=True))
    type_name = parameters.get("type", DEVICE)
    wanted = Read(type_name, filters_of(parameters["filter"]), fields=_FIELDS[type_name])
    rows, *canary = yield from read(wanted, *canaries(type_name, parameters))
    rows = proven(rows, canary)
    return (type_name, rows) if rows.rows else not_there(rows, "there is no such record")
