"""What tests of every folder may ask for."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

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

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("unhurried"), derandomize=True)
settings.load_profile("repeatable" if os.environ.get("INFRATRACK_REPEATABLE_EXAMPLES") else "unhurried")
