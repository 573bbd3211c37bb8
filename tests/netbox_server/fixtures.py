"""NetBox for pytest: the fixtures `netbox` and `empty_netbox`, and a loud word where they cannot be had."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.netbox_server.cache import Cache, Unavailable
from tests.netbox_server.line import NotMade
from tests.netbox_server.server import NetBoxServer
from tests.netbox_server.template import ensure_template

MISSING = "no real NetBox: "
REASON = pytest.StashKey[str]()


def required() -> bool:
    """Whether a NetBox that cannot be had is a failure, as it is in CI."""
    return bool(os.environ.get("INFRATRACK_REQUIRE_NETBOX"))


@pytest.fixture(scope="session")
def netbox(pytestconfig: pytest.Config) -> Iterator[NetBoxServer]:
    """A real NetBox 4.7, one for a worker; what earlier tests wrote is still there unless `reset()` is called."""
    reason = pytestconfig.stash.get(REASON, None)
    if reason is not None:
        if required():
            pytest.fail(MISSING + reason, pytrace=False)
        pytest.skip(MISSING + reason)
    with NetBoxServer(lambda _line: None) as server:
        yield server


@pytest.fixture
def empty_netbox(netbox: NetBoxServer) -> NetBoxServer:
    """A real NetBox 4.7 with nothing in it but the two accounts."""
    netbox.reset()
    return netbox


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses the server is slow, said or not: it must never run in the wheel's test."""
    for item in items:
        if "netbox" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make the cache before the first test, whose time limit is for testing; only if a chosen test asks for NetBox."""
    config = session.config
    wanted = any("netbox" in getattr(item, "fixturenames", ()) for item in session.items)
    if not wanted or config.option.collectonly:
        return
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():
            ensure_template(Cache.find(), report)
    except (Unavailable, NotMade) as missing:
        config.stash[REASON] = str(missing)


def report(line: str) -> None:
    """Progress, which a worker of xdist has only standard error for."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which tests did not run for want of a NetBox, and why: a skip is easily overlooked."""
    missing: dict[str, list[str]] = {}
    for skipped in terminalreporter.stats.get("skipped", ()):
        reason = str(skipped.longrepr[2]) if isinstance(skipped.longrepr, tuple) else ""
        if MISSING in reason:
            missing.setdefault(reason.partition(MISSING)[2], []).append(skipped.nodeid)
    for reason, tests in missing.items():
        terminalreporter.section(f"{len(tests)} NetBox tests did NOT run", sep="!", red=True, bold=True)
        terminalreporter.line(f"Why: {reason}")
        for test in tests:
            terminalreporter.line(f"  {test}")
