"""Opens the CMDB that a sync is about, and guards against its plugin: nothing it says may hold a secret."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from infratrack.capture.child_environment import without_signing_key
from infratrack.capture.sync_writing import Stop
from infratrack.capture.workspace import Workspace
from infratrack.errors import InfratrackError, InputError
from infratrack.evidence.durable_files import make_private_folder
from infratrack.evidence.redaction import Scrubber
from infratrack.plugin_manager import described
from infratrack.project.nearest import NearestNames
from infratrack.reconciliation.interface import Inventory, ReconcileContext, Reconciler


class Session(Struct, frozen=True):
    """One CMDB, opened, and what it says of itself."""

    name: str
    reconciler: Reconciler
    inventory: Inventory
    identity: str
    description: Mapping[str, Any]


def known_reconciler(workspace: Workspace, name: str) -> Reconciler:
    """The reconciler of that name that the project file configures; InputError says what to do where there is none."""
    reconcilers = workspace.plugins.reconcilers
    if name not in reconcilers:
        nearest = NearestNames().to(name, reconcilers)
        known = f"did you mean {nearest}?" if nearest else f"known are: {', '.join(sorted(reconcilers)) or 'none'}"
        raise InputError(f"no plugin can sync {name!r}", known)
    if name not in workspace.project.cmdb:
        raise InputError(
            f"the project file does not say what {name} should hold", f"write it under `cmdb: {{{name}: …}}`"
        )
    return reconcilers[name]


@contextlib.contextmanager
def opened(workspace: Workspace, name: str, scrubber: Scrubber, stop: Stop) -> Iterator[Session]:
    """The CMDB of that name, closed after use. InputError, Unreachable."""
    reconciler = known_reconciler(workspace, name)
    context = ReconcileContext(
        configuration=plugin_part(workspace.project.cmdb[name]),
        folder=workspace.folder,
        environment=without_signing_key(workspace.environ),
        report=stop.report,
        cache=_cache(workspace),
        canceled=stop,
    )
    with asking(name, scrubber):
        inventory = reconciler.open(context)
    try:
        with asking(name, scrubber):
            identity, description = str(inventory.identity), dict(inventory.description)
        yield Session(name, reconciler, inventory, identity, description)
    finally:
        with contextlib.suppress(Exception):
            inventory.close()


@contextlib.contextmanager
def asking(name: str, scrubber: Scrubber) -> Iterator[None]:
    """What a plugin raises for people keeps its kind and loses its secrets; anything else is an InputError."""
    try:
        yield
    except InfratrackError as error:
        error.message, error.hint = scrubber.text(error.message), scrubber.text(error.hint)
        error.args = (error.message,)
        raise
    except Exception as error:  # noqa: BLE001 -- the plugin's bug
        # Its own words may quote anything, so they go nowhere.
        raise InputError(f"the reconciler {name} raised {described(error)}", "this is a fault of the plugin") from None


def plugin_part(configuration: Any) -> dict[str, Any]:  # noqa: ANN401 -- as the project file has it
    """What stands under `cmdb: {NAME: …}` without what core reads itself."""
    return {key: value for key, value in configuration.items() if key not in {"records", "max_deletes"}}


def _cache(workspace: Workspace) -> Path | None:
    """A private folder for what may be forgotten at any time."""
    try:
        folder = workspace.home / "cache"
        make_private_folder(folder)
    except (InfratrackError, OSError):
        return None
    return folder
