"""Which output and attribute values the project's criteria ask for: no other value is ever kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from infratrack.api import Wanted
from infratrack_terraform.addresses import literal_beginning, matcher
from infratrack_terraform.masking import Revealed, holds_secret, nested_deeper

LARGEST_VALUE: Final = 2_048
"""Bytes of JSON; what is larger is no value that a criterion compares."""
DEEPEST_VALUE: Final = 16


class WantedAttribute(Struct, frozen=True):
    """One attribute of the resources whose address matches."""

    beginning: str
    matches: Callable[[str], bool]
    attribute: str


class WantedValues(Struct, frozen=True):
    """Names of outputs, and attributes of resources, that some criterion compares."""

    outputs: frozenset[str] = frozenset()
    attributes: tuple[WantedAttribute, ...] = ()

    def of(self, address: str) -> Iterator[str]:
        """The attributes wanted of one resource, each once."""
        seen: set[str] = set()
        for wanted in self.attributes:
            fits = address.startswith(wanted.beginning) and wanted.attribute not in seen and wanted.matches(address)
            if fits:
                seen.add(wanted.attribute)
                yield wanted.attribute


def wanted_values(wanted: Wanted) -> WantedValues:
    """Read what the project's uses of `terraform.output` and `terraform.resource` name."""
    outputs = frozenset(_texts(wanted.get("terraform.output", ()), "name"))
    attributes = tuple(
        WantedAttribute(literal_beginning(address), matcher(address), attribute)
        for parameters in wanted.get("terraform.resource", ())
        for address in _texts([parameters], "address")
        for attribute in _texts([parameters], "attribute")
    )
    return WantedValues(outputs, attributes)


def _texts(uses: Iterable[Mapping[str, Any]], key: str) -> Iterator[str]:
    return (value for parameters in uses if isinstance(value := parameters.get(key), str))


def kept_value(revealed: Revealed, secrets: frozenset[str]) -> dict[str, Any]:
    """How a value stands in the facts: `present`, and then `value`, `sensitive` or `omitted` (why)."""
    if not revealed.present:
        return {"present": False}
    if revealed.sensitive:
        return {"present": True, "sensitive": True}
    if revealed.value is UNSET:
        return {"present": True, "omitted": "not known before the apply"}
    if nested_deeper(revealed.value, DEEPEST_VALUE) or len(msgspec.json.encode(revealed.value)) > LARGEST_VALUE:
        return {"present": True, "omitted": "too large to keep"}
    if holds_secret(revealed.value, secrets):
        return {"present": True, "sensitive": True}
    return {"present": True, "value": revealed.value}
