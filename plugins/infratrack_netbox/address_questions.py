"""The question about primary addresses. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from infratrack.api import InputError
from infratrack_netbox.findings import (
    Failing,
    Finding,
    id_of,
    line,
    member,
    name_of,
    objects,
    record_of,
    there_may_be_more,
    told,
)
from infratrack_netbox.hosts import DEVICE, VIRTUAL_MACHINE, hosts
from infratrack_netbox.reads import Question, Read, read

_ADDRESS: Final = "ipam.ipaddress"
_LONGEST_ADDRESS: Final = 50
_TOLD: Final = 3

Owners = Mapping[str, tuple[str, str]]
"""Id of an address → (type, id) of whose interface it is assigned to."""


def check_addresses(parameters: Mapping[str, Any]) -> None:
    """InputError for an address or a prefix that is none."""
    if "address" in parameters and _interface(parameters["address"]) is None:
        raise InputError(
            f"netbox.primary_ip: {parameters['address']!r} is no IP address", "write 10.0.0.1 or 10.0.0.1/24"
        )
    if "prefix" in parameters and _network(parameters["prefix"]) is None:
        raise InputError(f"netbox.primary_ip: {parameters['prefix']!r} is no prefix", "write it like 10.0.0.0/24")


def primary_ip(parameters: Mapping[str, Any]) -> Question:
    """`netbox.primary_ip`: has each a primary address, on an interface of its own, as it should be?"""
    found = yield from hosts(parameters)
    if isinstance(found, Finding):
        return found
    type_name, rows = found
    chosen = {id_of(row): _primary(row, parameters.get("family")) for row in rows.rows}
    ids = tuple(sorted({id_of(ip) for ips in chosen.values() for ip in ips}))
    owners: Owners = {}
    if ids:
        (assigned,) = yield from read(Read(_ADDRESS, keys=(("id", ids),), fields=frozenset({"assigned_object"})))
        owners = {id_of(row): _owner(row) for row in assigned.rows}
    failing = []
    for row in rows.rows:
        why = _why_not(parameters, (type_name, id_of(row)), chosen[id_of(row)], owners)
        failing += [Failing(id_of(row), name_of(row), why)] if why else []
    addresses = [ip for ips in chosen.values() for ip in ips]
    facts: dict[str, Any] = {
        "found": len(rows.rows),
        "agreeing": len(rows.rows) - len(failing),
        "failing": tuple(failing),
        "records": (
            *(record_of(type_name, row) for row in rows.rows),
            *(record_of(_ADDRESS, ip) for ip in addresses),
        ),
    }
    if failing:
        return Finding("no", told(failing), **facts)
    if not rows.whole:
        return there_may_be_more(rows, **facts)
    texts = [line(ip.get("address"), _LONGEST_ADDRESS) for ip in addresses]
    more = f" and {len(texts) - _TOLD} more" if len(texts) > _TOLD else ""
    return Finding("yes", f"the primary address is {', '.join(texts[:_TOLD])}{more}", **facts)


def _primary(row: Mapping[str, Any], family: int | None) -> list[Mapping[str, Any]]:
    names = [f"primary_ip{family}"] if family else ["primary_ip4", "primary_ip6"]
    return objects([row.get(name) for name in names])


def _owner(row: Mapping[str, Any]) -> tuple[str, str]:
    assigned = row.get("assigned_object")
    for type_name, name in ((DEVICE, "device"), (VIRTUAL_MACHINE, "virtual_machine")):
        owner = member(assigned, name)
        if isinstance(owner, Mapping):
            return type_name, id_of(owner)
    return "", ""


def _why_not(
    parameters: Mapping[str, Any], subject: tuple[str, str], ips: Sequence[Mapping[str, Any]], owners: Owners
) -> str:
    """Why the primary addresses of a record are not what they should be; empty when one of them is."""
    if not ips:
        family = f" IPv{parameters['family']}" if "family" in parameters else ""
        return f"it has no primary{family} address"
    reasons = []
    for ip in ips:
        address = line(ip.get("address"), _LONGEST_ADDRESS)
        if owners.get(id_of(ip)) != subject:
            reasons.append(f"its primary address {address} is not assigned to an interface of its own")
        elif why := _not_as_asked(address, parameters):
            reasons.append(why)
        else:
            return ""
    return "; ".join(reasons)


def _not_as_asked(address: str, parameters: Mapping[str, Any]) -> str:
    live = _interface(address)
    if live is None:
        return f"its primary address {address} is no address"
    if "address" in parameters:
        asked = _interface(parameters["address"])
        same = asked is not None and (live == asked if "/" in parameters["address"] else live.ip == asked.ip)
        if not same:
            return f"its primary address is {address}"
    prefix = _network(parameters["prefix"]) if "prefix" in parameters else None
    outside = prefix is not None and (live.version != prefix.version or live.ip not in prefix)
    return f"its primary address {address} is not in {prefix}" if outside else ""


def _interface(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
