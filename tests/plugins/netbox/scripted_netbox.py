"""A stand-in for a NetBox whose answers can be spoiled one by one. It is no proof of how a NetBox behaves.

The truth about that is in `test_writing_for_real.py`; this one is here because a real server cannot be made to lose
each of its answers in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infratrack_netbox.custom_fields import Definitions
from infratrack_netbox.exchange import Answer, Disturbed
from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema

TEXT = FieldSchema("text", required=True)
STATUS = FieldSchema("choice", choices=("active", "planned"))
TAGS = FieldSchema("tags")
STAMP = FieldSchema("datetime", writable=False)
SITES, DEVICES, INTERFACES, ADDRESSES = (
    "/api/dcim/sites/",
    "/api/dcim/devices/",
    "/api/dcim/interfaces/",
    "/api/ipam/ip-addresses/",
)
CHANGES = "/api/core/object-changes/"
_COMMON = {"tags": TAGS, "last_updated": STAMP, "display": FieldSchema("text", writable=False)}


def _to(type_name: str, **more: Any) -> FieldSchema:
    return FieldSchema("reference", type=type_name, brief={"name": {}, "address": {}, "slug": {}}, **more)


SCHEMA = ServerSchema(
    {
        one.type: one
        for one in (
            Endpoint("dcim.site", SITES, frozenset({"slug", "id"}), {"slug": TEXT, "name": TEXT, **_COMMON}),
            Endpoint(
                "dcim.device",
                DEVICES,
                frozenset({"name", "id", "site_id", "primary_ip4_id", "omit"}),
                {
                    "name": TEXT,
                    "status": STATUS,
                    "site": _to("dcim.site", required=True),
                    "primary_ip4": _to("ipam.ipaddress", nullable=True),
                    "interface_count": FieldSchema("integer", writable=False),
                    **_COMMON,
                },
            ),
            Endpoint(
                "dcim.interface",
                INTERFACES,
                frozenset({"name", "id", "device_id"}),
                {"name": TEXT, "type": TEXT, "device": _to("dcim.device", required=True), **_COMMON},
            ),
            Endpoint(
                "ipam.ipaddress",
                ADDRESSES,
                frozenset({"address", "id", "interface_id", "device_id"}),
                {
                    "address": TEXT,
                    "assigned_object": FieldSchema("generic", nullable=True, pair="assigned_object"),
                    **_COMMON,
                },
            ),
        )
    }
)


CUSTOM_FIELDS: Definitions = {
    "dcim.device": {
        "tiers": FieldSchema("list", nullable=True),
        "team": FieldSchema("text", nullable=True),
        "homes": FieldSchema("references", nullable=True, type="dcim.site"),
    }
}


class Killed(BaseException):
    """The process that writes ended here."""


class ScriptedNetBox:
    """Records in memory; `faults` says what happens to the next writing requests, one after the other."""

    timeout = 30.0
    version = "4.7.3"

    def __init__(self, faults: Sequence[str] = (), *, makes: Sequence[str] = (), most: int = 1000) -> None:
        self.rows: dict[str, dict[int, dict[str, Any]]] = {one.path: {} for one in SCHEMA.endpoints.values()}
        self.changes: list[dict[str, Any]] = []
        self.faults = list(faults)
        self.makes = makes
        """Names of the interfaces that a new device gets by itself."""
        self.most = most
        """Records in one request; more of them answer 500, as a server that is killed at its time limit."""
        self.sent: list[tuple[str, str, int]] = []
        self.reads = 0
        self._clock = 0
        self._ids = 0

    def schema(self) -> ServerSchema:
        return SCHEMA

    def custom_fields(self) -> Definitions | None:
        return CUSTOM_FIELDS

    def list(
        self, path: str, filters: Sequence[tuple[str, str]] = (), *, fields: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        self.reads += 1
        wanted: dict[str, set[str]] = {}
        for name, value in filters:
            wanted.setdefault(name, set()).add(value)
        rows = self.changes if path == CHANGES else [self._shown(path, row) for row in self.rows[path].values()]
        for row in list(rows):
            if all(_value(row, name) & values for name, values in wanted.items()):
                yield dict(row)

    def get(self, path: str, id_: str | int) -> Answer:
        self.reads += 1
        row = self.rows[path].get(int(id_))
        return Answer(404, None) if row is None else Answer(200, self._shown(path, row), "", self._etag(row))

    def send(self, method: str, path: str, body: object = None, *, if_match: Sequence[str] = ()) -> Answer:
        fault = self.faults.pop(0) if self.faults else "none"
        entries: Any = body if isinstance(body, list) else [body]
        self.sent.append((method, path.partition("?")[0], len(entries)))
        if fault == "killed before":
            raise Killed
        if fault == "lost before":
            raise Disturbed("the connection failed", maybe_done=True)
        if fault.isdigit():
            return Answer(int(fault), {"detail": "no"}, retry_after=1.0 if fault == "429" else None)
        if len(entries) > self.most:
            return Answer(500, None)
        answer = self._write(method, path.partition("?")[0], entries, if_match)
        if fault == "killed after":
            raise Killed
        if fault == "lost after":
            raise Disturbed("its answer broke off", maybe_done=True)
        return answer

    def add(self, path: str, **values: Any) -> dict[str, Any]:
        """A record that is there already."""
        row = self._stored(path, {"tags": [], **values})
        self.rows[path][row["id"]] = row
        return row

    def touch(self, path: str, id_: int, **values: Any) -> None:
        """Somebody else writes."""
        self.rows[path][id_] |= values
        self._stamp(self.rows[path][id_])

    def _write(self, method: str, path: str, entries: Sequence[Mapping[str, Any]], if_match: Sequence[str]) -> Answer:
        if method == "DELETE" and path not in self.rows:
            path, _, id_ = path.rstrip("/").rpartition("/")
            path, entries = f"{path}/", [{**entries[0], "id": int(id_)}]
        known = self.rows[path]
        ids = [entry["id"] for entry in entries if method != "POST"]
        missing = [one for one in ids if one not in known]
        if missing:
            errors = [{"id": one, "errors": {"id": [f"Object with ID {one} does not exist"]}} for one in missing]
            return Answer(400, {"detail": "not found", "errors": errors})
        if if_match and any(self._etag(known[one]) not in if_match for one in ids):
            return Answer(412, {"detail": "Precondition failed."})
        errors = [one for one in (self._error(method, path, at, entry) for at, entry in enumerate(entries)) if one]
        if errors:
            return Answer(400, {"detail": "not all", "errors": errors})
        request = f"request-{len(self.sent)}"
        written = [self._one(method, path, entry, request) for entry in entries]
        return Answer(204, None, request) if method == "DELETE" else Answer(200, written, request)

    def _error(self, method: str, path: str, at: int, entry: Mapping[str, Any]) -> dict[str, Any] | None:
        """A record that NetBox would refuse: one called `bad`, or one whose key is taken."""
        named = entry.get("name")
        taken = path == DEVICES and any(
            row["name"] == named and row["id"] != entry.get("id") for row in self.rows[path].values()
        )
        if named != "bad" and not (named and taken):
            return None
        errors = {"name": ["this name is taken" if taken else "this name is bad"]}
        return {"index": at, "errors": errors} if method == "POST" else {"id": entry["id"], "errors": errors}

    def _one(self, method: str, path: str, entry: Mapping[str, Any], request: str) -> dict[str, Any]:
        if method == "DELETE":
            row = self.rows[path].pop(entry["id"])
            action = "delete"
        elif method == "POST":
            row = self._stored(path, {"tags": [], **entry})
            self.rows[path][row["id"]] = row
            action = "create"
            if path == DEVICES:
                for name in self.makes:
                    self.add(INTERFACES, name=name, type="copper", device=row["id"])
        else:
            row = self.rows[path][entry["id"]]
            row |= {name: value for name, value in entry.items() if name not in {"add_tags", "remove_tags"}}
            removed = [one["slug"] for one in entry.get("remove_tags", ())]
            row["tags"] = [one for one in row["tags"] if one["slug"] not in removed] + list(entry.get("add_tags", ()))
            self._stamp(row)
            action = "update"
        types = {one.path: one.type for one in SCHEMA.endpoints.values()}
        self.changes.append(
            {
                "changed_object_type": types[path],
                "changed_object_id": row["id"],
                "message": entry.get("changelog_message", ""),
                "request_id": request,
                "action": action,
                "user_name": "robot",
                "time": row["last_updated"],
            }
        )
        row.pop("changelog_message", None)
        return self._shown(path, row)

    def _stored(self, path: str, values: Mapping[str, Any]) -> dict[str, Any]:
        self._ids += 1
        row = {"id": self._ids, **values}
        self._stamp(row)
        return row

    def _stamp(self, row: dict[str, Any]) -> None:
        self._clock += 1
        row["last_updated"] = f"2026-01-05T00:00:00.{self._clock:06}Z"

    def _etag(self, row: Mapping[str, Any]) -> str:
        return f'W/"{row["last_updated"].removesuffix("Z")}+00:00"'

    def _shown(self, path: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row as the API shows it: references as records."""
        shown = {**row, "display": str(row.get("name") or row.get("address") or row["id"])}
        for name, field in next(one for one in SCHEMA.endpoints.values() if one.path == path).fields.items():
            if field.kind == "reference" and row.get(name) is not None:
                shown[name] = self._referred(SCHEMA.endpoint(field.type).path, row[name])
        if path == DEVICES:
            shown["interface_count"] = sum(one["device"] == row["id"] for one in self.rows[INTERFACES].values())
        if path == ADDRESSES and row.get("assigned_object_id") is not None:
            shown["assigned_object"] = self._referred(INTERFACES, row["assigned_object_id"])
        return shown

    def _referred(self, path: str, meant: Any) -> dict[str, Any]:
        for row in self.rows[path].values():
            same = row["id"] == meant if isinstance(meant, int) else all(row.get(key) == meant[key] for key in meant)
            if same:
                brief: dict[str, Any] = {name: row[name] for name in ("id", "name", "slug", "address") if name in row}
                device = {"device": self._referred(DEVICES, row["device"])} if path == INTERFACES else {}
                return {**brief, **device}
        raise AssertionError(f"{path} has no {meant}")


def _value(row: Mapping[str, Any], name: str) -> set[str]:
    value = row.get(name.removesuffix("_id") if name.endswith("_id") and name not in row else name)
    return {str(value["id"] if isinstance(value, Mapping) else value)}
