"""What tests of every folder may ask for."""

from __future__ import annotations

from tests.netbox_server.fixtures import (
    empty_netbox,
    netbox,
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_terminal_summary,
)

__all__ = [
    "empty_netbox",
    "netbox",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_terminal_summary",
]
