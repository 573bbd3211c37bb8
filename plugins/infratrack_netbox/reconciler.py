"""The reconciler `netbox`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infratrack.api import Inventory, ReconcileContext
from infratrack_netbox.evidence import NETBOX_SYNC
from infratrack_netbox.settings import SCHEMA


class NetBoxReconciler:
    """Brings a NetBox and what the project's sources say into agreement."""

    name: Final = "netbox"
    predicate_type: Final = NETBOX_SYNC
    schema: Mapping[str, Any] = SCHEMA

    def open(self, context: ReconcileContext) -> Inventory:
        """Connect. Unreachable (it is down, or refuses the token), InputError (settings that are wrong)."""
        from infratrack_netbox.inventory import NetBoxInventory  # noqa: PLC0415 -- heavy

        return NetBoxInventory.open(context)
