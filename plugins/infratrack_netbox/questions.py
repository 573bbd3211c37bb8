"""What each criterion asks of NetBox. Pure.

Observer, evidence and criteria know a question by the same digest, so that an answer finds its criterion. How old the
look may be, and at which server, is no part of the question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from infratrack.api import sha256_digest
from infratrack_netbox.findings import line

_NOT_ASKED: Final = frozenset({"within", "keep", "server"})
_LONGEST_LABEL: Final = 120


class Asked(msgspec.Struct, frozen=True):
    """One question: the criterion, and its parameters without those that are about the look itself."""

    criterion: str
    parameters: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """What tells the question from all others."""
        return sha256_digest(msgspec.json.encode([self.criterion, self.parameters], order="sorted"))

    @property
    def label(self) -> str:
        """What it is about, for people: `dcim.device role=leaf site=ams1`, `core-1 eth0 → core-2`."""
        return line(_label(self.criterion, self.parameters), _LONGEST_LABEL)


def asked(criterion: str, parameters: Mapping[str, Any]) -> Asked:
    """The question of one use of a criterion."""
    return Asked(criterion, {name: value for name, value in parameters.items() if name not in _NOT_ASKED})


def questions_of(wanted: Mapping[str, tuple[Mapping[str, Any], ...]]) -> tuple[Asked, ...]:
    """What a project asks of NetBox, each question once, in a fixed order."""
    found = {
        one.digest: one
        for name, uses in sorted(wanted.items())
        if name.startswith("netbox.")
        for one in (asked(name, parameters) for parameters in uses)
    }
    return tuple(found.values())


def _label(criterion: str, parameters: Mapping[str, Any]) -> str:
    match criterion.removeprefix("netbox."):
        case "cabled":
            to = parameters.get("to")
            far = f" → {_port(to)}" if to else ""
            return f"{_port(parameters)}{far}"
        case "primary_ip":
            return _host(parameters)
        case "rack":
            unit = f" unit {parameters['unit']:g}" if "unit" in parameters else ""
            return f"{parameters['device']} in rack {parameters['rack']}{unit}"
        case "matches":
            each = parameters["each"]
            return f"{parameters['type']} and {each if isinstance(each, str) else each['file']}"
        case _:
            return records_label(parameters["type"], parameters.get("filter", {}))


def _host(parameters: Mapping[str, Any]) -> str:
    name = parameters.get("device", parameters.get("vm"))
    if name is not None:
        return str(name)
    return records_label(parameters.get("type", "dcim.device"), parameters["filter"])


def _port(parameters: Mapping[str, Any]) -> str:
    ports = parameters.get("interfaces", [parameters[name] for name in ("interface",) if name in parameters])
    return " ".join((parameters["device"], ", ".join(ports))).strip()


def records_label(type_name: str, filters: Mapping[str, Any]) -> str:
    """Records of a type within filters, for people: `dcim.device role=leaf site=ams1`."""
    shown = (
        f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}" for name, value in filters.items()
    )
    return " ".join((type_name, *sorted(shown)))
