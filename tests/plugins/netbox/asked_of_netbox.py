"""For tests of questions: a small schema, rows in place of a server, and a way to put questions to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infratrack_netbox.asking import Known, question
from infratrack_netbox.findings import Finding
from infratrack_netbox.matching import Items
from infratrack_netbox.questions import asked
from infratrack_netbox.reads import Read, Rounds, Rows, Unanswerable
from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema

TEXT = FieldSchema("text")
SITE = FieldSchema("reference", nullable=True, type="dcim.site", brief={"id": {}, "name": {}, "slug": {}})
STATUS = FieldSchema("choice", choices=("active", "planned"), labels={"Active": "active"})
SCHEMA = ServerSchema(
    {
        "dcim.site": Endpoint("dcim.site", "/api/dcim/sites/", frozenset({"slug"}), {"name": TEXT, "slug": TEXT}),
        "dcim.device": Endpoint(
            "dcim.device",
            "/api/dcim/devices/",
            frozenset({"name", "site", "role", "status", "limit"}),
            {
                "name": TEXT,
                "serial": TEXT,
                "status": STATUS,
                "site": SITE,
                "position": FieldSchema("number", nullable=True),
                "tags": FieldSchema("tags"),
                "custom_fields": FieldSchema("custom_fields"),
                "vdcs": FieldSchema("references", type="dcim.site", brief={"slug": {}}),
                "scope": FieldSchema("generic", nullable=True, pair="scope"),
            },
        ),
        "virtualization.virtualmachine": Endpoint(
            "virtualization.virtualmachine",
            "/api/virtualization/virtual-machines/",
            frozenset({"name"}),
            {"name": TEXT},
        ),
        "ipam.prefix": Endpoint("ipam.prefix", "/api/ipam/prefixes/", frozenset(), {"prefix": TEXT}),
    }
)
HIDDEN = Rows((), whole=False, why="the permission 'some' shows this token only some records")

Tables = Mapping[str, Rows | Sequence[Mapping[str, Any]]]


def whole(*rows: Mapping[str, Any]) -> Rows:
    """All records that there are."""
    return Rows(rows, whole=True)


def some(*rows: Mapping[str, Any]) -> Rows:
    """What a token sees that may not see everything."""
    return Rows(rows, whole=False, why=HIDDEN.why)


def find(  # noqa: PLR0913 -- each is one thing that a question may need
    criterion: str,
    parameters: Mapping[str, Any],
    tables: Mapping[Any, Rows],
    *,
    source: Items | Unanswerable | None = None,
    recorded: Mapping[str, str] | None = None,
    custom: Mapping[str, Mapping[str, FieldSchema]] | None = None,
) -> Finding:
    """The finding, with rows by (type, name of the only filter) or by type; a failure to answer is unknown."""
    known = Known(SCHEMA, lambda _: source or Unanswerable("none"), lambda: recorded or {}, lambda: custom)
    rounds = Rounds([question(asked(criterion, parameters), known)])
    while rounds.wanted:
        rounds.answer({one: _rows(tables, one) for one in rounds.wanted})
    (result,) = rounds.results
    return Finding("unknown", result.reason) if isinstance(result, Unanswerable) else result


def _rows(tables: Mapping[Any, Rows], wanted: Read) -> Rows:
    names = [name for name, _ in (*wanted.filters, *wanted.keys)]
    return tables.get((wanted.type, *names), tables.get(wanted.type, Rows(whole=True)))
