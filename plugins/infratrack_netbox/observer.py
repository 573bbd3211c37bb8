"""`infratrack observe netbox`: answers to what the project's criteria ask, and changes that nobody recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from infratrack.api import Collected, InputError, LinkSuggestion, ObserveContext, Project
from infratrack_netbox.links import owners_of, suggestions
from infratrack_netbox.look import Look
from infratrack_netbox.settings import read_settings

_FROM_THE_ENVIRONMENT: Final = {"url": "${NETBOX_URL}"}
"""Where the project file says nothing under `cmdb: {netbox: …}`."""


class NetBoxObserver:
    """Looks into a NetBox, read-only: records for criteria, or with `--changelog` changes that no evidence explains."""

    name: Final = "netbox"

    def observe(self, context: ObserveContext) -> Sequence[Collected]:
        """What was seen, in one piece or in several.

        Unreachable when NetBox is down or refuses the token; InputError for what it does not know.
        """
        if context.target is not None:
            raise InputError("the observer netbox takes no TARGET", "leave it out: the criteria say what is looked at")
        with _looking(context) as look:
            return look.changes() if context.changelog else [look.answers()]


class NetBoxLinks:
    """Proposes dependencies between tasks whose devices NetBox connects by cables."""

    name: Final = "netbox"

    def suggest(self, context: ObserveContext, project: Project) -> Sequence[LinkSuggestion]:
        """One suggestion for each two tasks. Unreachable or InputError when NetBox cannot be looked into."""
        with _looking(context) as look:
            owners = owners_of(look.devices(), project)
            return suggestions(look.cables(owners), owners, project)


@contextmanager
def _looking(context: ObserveContext) -> Iterator[Look]:
    """A look into the NetBox of the project file, or else of the environment."""
    from infratrack_netbox.client import NetBoxClient  # noqa: PLC0415 -- loads requests once it is opened

    settings = read_settings(context.cmdb.get("netbox", _FROM_THE_ENVIRONMENT), context.environment, context.folder)
    client = NetBoxClient.open(
        settings.url,
        settings.token,
        report=lambda what, _done, _of: context.report(what),
        cache=context.cache,
        timeout=settings.timeout,
        ca_file=settings.ca_file,
    )
    try:
        yield Look(context, client, frozenset({settings.token}))
    finally:
        client.close()
