"""From what a project asks to generators that answer it, each checked against the server's own schema. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct, structs

from infratrack.api import InputError
from infratrack_netbox.address_questions import primary_ip
from infratrack_netbox.agreement import Agreement
from infratrack_netbox.connection_questions import cabled, rack
from infratrack_netbox.custom_fields import Definitions
from infratrack_netbox.filters import checked_filters
from infratrack_netbox.hosts import DEVICE, VIRTUAL_MACHINE
from infratrack_netbox.matching import Item, Items, matches
from infratrack_netbox.questions import Asked
from infratrack_netbox.reads import Question, Unanswerable
from infratrack_netbox.record_questions import changed_by_run, record
from infratrack_netbox.server_schema import Endpoint, ServerSchema, nearest

_FILTERS: Final = ("filter", "canary")


class Known(Struct, frozen=True):
    """What an answer may need beside the parameters; each is looked up only where a question needs it."""

    schema: ServerSchema
    source_of: Callable[[Asked], Items | Unanswerable]
    """The items that a `netbox.matches` compares with, as their source has them."""
    recorded: Callable[[], Mapping[str, str]]
    """Request → digest of the evidence in which it stands."""
    custom_fields: Callable[[], Definitions | None]
    """The server's custom fields; None where the token may not read them."""


def question(asked: Asked, known: Known) -> Question:
    """The generator that answers it. InputError for a type, filter or field that this server does not have."""
    parameters = asked.parameters
    endpoint = known.schema.endpoint(parameters.get("type", VIRTUAL_MACHINE if "vm" in parameters else DEVICE))
    for name in _FILTERS:
        if name in parameters:
            _check_filters(endpoint, parameters[name], asked.criterion, known)
    match asked.criterion.removeprefix("netbox."):
        case "record":
            fields = parameters.get("fields", {})
            agreement = _agreement(fields, known)
            return record({**parameters, "fields": agreement.wanted(endpoint.type, fields, asked.criterion)}, agreement)
        case "cabled":
            return cabled(parameters)
        case "primary_ip":
            return primary_ip(parameters)
        case "rack":
            return rack(parameters)
        case "matches":
            agreement = _agreement({**parameters["key"], **parameters["fields"]}, known)
            return matches(parameters, _canonical(asked, known.source_of(asked), agreement), agreement)
        case "changed_by_run":
            return changed_by_run(parameters, known.recorded())
        case other:
            raise InputError(f"netbox.{other} asks what `observe netbox` does not know", "update infratrack")


def _agreement(fields: Mapping[str, Any], known: Known) -> Agreement:
    custom = any(name.partition(".")[0] == "custom_fields" for name in fields)
    return Agreement(known.schema, known.custom_fields() if custom else None)


def _check_filters(endpoint: Endpoint, filters: Mapping[str, Any], origin: str, known: Known) -> None:
    """InputError for a filter that the server does not have, and for a choice that there is not."""
    custom = (known.custom_fields() or {}).get(endpoint.type, {}) if any(map(_is_custom, filters)) else {}
    for name, value in checked_filters(endpoint, filters, custom, origin):
        field = endpoint.fields.get(name)
        choices = [str(one) for one in field.choices] if field is not None and field.kind == "choice" else []
        if choices and value not in choices:
            raise InputError(f"{origin}: {endpoint.type} has no {name} {value!r}", nearest(value, choices))


def _is_custom(name: str) -> bool:
    return name.startswith("cf_")


def _canonical(asked: Asked, source: Items | Unanswerable, agreement: Agreement) -> Items | Unanswerable:
    """The items with their values in one spelling."""
    if isinstance(source, Unanswerable):
        return source
    type_name = asked.parameters["type"]
    items = [
        Item(
            agreement.wanted(type_name, item.key, f"{asked.criterion}, {item.origin}"),
            agreement.wanted(type_name, item.fields, f"{asked.criterion}, {item.origin}"),
            item.origin,
        )
        for item in source.items
    ]
    return structs.replace(source, items=tuple(items))
