"""An opened NetBox: what reconciliation asks of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from infratrack.api import (
    Dependent,
    LastChange,
    LiveRecord,
    Reading,
    ReconcileContext,
    RecordSet,
    Write,
    WriteContext,
    Written,
)
from infratrack_netbox.client import NetBoxClient
from infratrack_netbox.preparing import TAG, Preparation
from infratrack_netbox.reading import Reader
from infratrack_netbox.settings import Settings, read_settings


class NetBoxInventory:
    """One NetBox, opened with one token."""

    def __init__(self, client: NetBoxClient, settings: Settings, context: ReconcileContext) -> None:
        self._client = client
        self._settings = settings
        self._context = context

    @classmethod
    def open(cls, context: ReconcileContext) -> NetBoxInventory:
        """Connect. Unreachable when it is down or refuses the token, InputError for settings that are wrong."""
        settings = read_settings(context.configuration, context.environment, context.folder)
        client = NetBoxClient.open(
            settings.url,
            settings.token,
            report=context.report,
            cache=context.cache,
            timeout=settings.timeout,
            ca_file=settings.ca_file,
        )
        return cls(client, settings, context)

    @property
    def identity(self) -> str:
        """`netbox https://netbox.example.com`."""
        return self._client.identity

    @property
    def description(self) -> Mapping[str, Any]:
        """Server, release and plugins."""
        return {"url": self._client.url, "version": self._client.version, "plugins": dict(self._client.plugins)}

    def prepare(self, sets: Sequence[RecordSet]) -> Sequence[RecordSet]:
        """The sets checked against the server's own schema, canonical, marked, parents first. InputError."""
        schema = self._client.schema()
        mark = self._settings.mark
        asks = mark.field or any(_names_custom(one) for one in sets)
        preparation = Preparation(schema, self._client.custom_fields() if asks else {}, mark)
        return preparation.prepare(sets, tag_name=self._tag_name(mark.tag) if mark.tag else None)

    def read(self, sets: Sequence[RecordSet], bound: Mapping[str, Collection[str]]) -> Sequence[Reading]:
        """One Reading a set. Unreachable."""
        return Reader(self._client, self._settings.mark, self._context.report).read(sets, bound)

    def dependents(self, records: Sequence[LiveRecord]) -> Mapping[tuple[str, str], Sequence[Dependent]]:
        """What deleting each record would delete or cut loose."""
        from infratrack_netbox.dependents import dependents  # noqa: PLC0415 -- only for deletes

        return dependents(self._client, self._settings.mark, records)

    def last_changes(
        self, records: Collection[tuple[str, str]], ours: Collection[str] = ()
    ) -> Mapping[tuple[str, str], LastChange]:
        """Who changed each record last, from the change log."""
        from infratrack_netbox.changes_of import last_changes  # noqa: PLC0415 -- only for conflicts

        return last_changes(self._client, records, ours)

    def retirement(self, type_name: str) -> tuple[str, Any] | None:
        """`status: decommissioning`, or what comes nearest to it for the type."""
        from infratrack_netbox.changes_of import retirement  # noqa: PLC0415 -- only for deletes

        return retirement(self._client, type_name)

    def write(self, writes: Sequence[Write], context: WriteContext) -> Iterator[Written]:
        """Carry the writes out, one after the other."""
        from infratrack_netbox.writing import write  # noqa: PLC0415 -- never for a plan

        return write(self._client, writes, context, self._context.canceled, self._settings.mark)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _tag_name(self, slug: str) -> str | None:
        """What the tag with this slug is called; None where there is none."""
        path = self._client.schema().endpoint(TAG).path
        rows = self._client.list(path, (("slug", slug),), fields=("slug", "name"))
        return next((str(row.get("name")) for row in rows if row.get("slug") == slug), None)


def _names_custom(one: RecordSet) -> bool:
    """Whether a set names custom fields, in its records or its bounds."""
    named = any(name.startswith("custom_fields") for record in one.desired for name in (*record.key, *record.fields))
    return named or any(name.startswith("cf_") for name in one.within)
