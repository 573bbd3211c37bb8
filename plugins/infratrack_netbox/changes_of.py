"""What NetBox knows of changes: which requests were ours, who changed a record last, what says that one is retired."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from infratrack.api import InfratrackError, LastChange, parse_instant
from infratrack_netbox.exchange import plain
from infratrack_netbox.server_schema import ServerSchema

_PATH: Final = "/api/core/object-changes/"
_IDS_A_REQUEST: Final = 100
_FIELDS: Final = ("id", "time", "user_name", "request_id", "changed_object_id", "message", "action")


_RETIRED: Final = ("decommissioning", "deprecated", "deprovisioning", "decommissioned", "retired")
"""Statuses of records that are on their way out; the first that a type has is the one."""


class Lists(Protocol):
    """What is needed of the client."""

    def schema(self) -> ServerSchema:
        """What the server says about its types."""

    def list(
        self, path: str, filters: Sequence[tuple[str, str]] = (), *, fields: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Every record that matches, by rising id."""


def _rows(client: Lists, type_name: str, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """The changes of these records, oldest first. Empty where the token may not see them."""
    rows: list[Mapping[str, Any]] = []
    for start in range(0, len(ids), _IDS_A_REQUEST):
        chunk = [("changed_object_id", one) for one in ids[start : start + _IDS_A_REQUEST]]
        try:
            rows += client.list(_PATH, [("changed_object_type", type_name), *chunk], fields=_FIELDS)
        except InfratrackError:
            return rows
    return rows


def own_requests(client: Lists, type_name: str, ids: Sequence[str], message: str) -> Mapping[str, str]:
    """Id → the request of this run that wrote the record last, by the message that only this run leaves."""
    found: dict[str, str] = {}
    for row in _rows(client, type_name, ids):
        if row.get("message") == message and isinstance(row.get("request_id"), str):
            found[str(row.get("changed_object_id"))] = plain(row["request_id"])
    return found


def changed_by(client: Lists, type_name: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Id → the requests that wrote the record since it was made; `("",)` where the change log does not say."""
    found: dict[str, dict[str, None]] = {one: {} for one in ids}
    for row in _rows(client, type_name, ids):
        action, request = row.get("action"), row.get("request_id")
        if isinstance(action, Mapping) and action.get("value") != "create" and isinstance(request, str):
            found.get(str(row.get("changed_object_id")), {})[plain(request)] = None
    return {one: tuple(requests) or ("",) for one, requests in found.items()}


def last_changes(
    client: Lists, records: Collection[tuple[str, str]], ours: Collection[str] = ()
) -> dict[tuple[str, str], LastChange]:
    """(type, id) → who changed it last by another request than ours, as far as the change log still knows."""
    by_type: dict[str, list[str]] = {}
    for type_name, record in records:
        by_type.setdefault(type_name, []).append(record)
    found: dict[tuple[str, str], LastChange] = {}
    for type_name, ids in by_type.items():
        for row in _rows(client, type_name, ids):
            change = _change(row)
            if change is not None and change.request not in ours:
                found[type_name, str(row.get("changed_object_id"))] = change
    return found


def _change(row: Mapping[str, Any]) -> LastChange | None:
    by, at, request = row.get("user_name"), row.get("time"), row.get("request_id")
    if not isinstance(at, str):
        return None
    try:
        instant = parse_instant(at)
    except (InfratrackError, ValueError):
        return None
    name, id_ = (plain(one) if isinstance(one, str) else "" for one in (by, request))
    return LastChange(name, instant, id_)


def retirement(client: Lists, type_name: str) -> tuple[str, Any] | None:
    """(`status`, value) that says a record of the type is being taken out of service; None where there is none."""
    endpoint = client.schema().endpoints.get(type_name)
    status = endpoint.fields.get("status") if endpoint is not None else None
    if status is None or not status.writable:
        return None
    return next((("status", value) for value in _RETIRED if value in status.choices), None)
