"""Where no NetBox can be had, nobody overlooks that tests did not run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.netbox_server.cache import CHECKOUT

CONFTEST = """\
from tests.netbox_server import cache
from tests.netbox_server.fixtures import *
from tests.netbox_server.fixtures import (
    pytest_collection_finish, pytest_collection_modifyitems, pytest_terminal_summary,
)

cache.find_python = lambda: None
"""
TESTS = """\
def test_something_else():
    pass

def test_of_netbox(netbox):
    raise AssertionError

def test_of_an_empty_netbox(empty_netbox):
    raise AssertionError
"""


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_these.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "INFRATRACK"))}
    environment |= {"PYTHONPATH": str(CHECKOUT), **more}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_without_python_the_tests_are_skipped_and_the_summary_names_them_and_the_reason(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "2 NetBox tests did NOT run" in ended.stdout
    assert "Why: NetBox needs Python 3.12 or newer, and none was found" in ended.stdout
    assert "test_these.py::test_of_netbox" in ended.stdout
    assert "1 passed, 2 skipped" in ended.stdout


def test_workers_tell_it_too(tmp_path: Path) -> None:
    assert "2 NetBox tests did NOT run" in run(tmp_path, "-n", "2").stdout


def test_where_it_is_required_a_missing_netbox_is_a_failure(tmp_path: Path) -> None:
    ended = run(tmp_path, INFRATRACK_REQUIRE_NETBOX="1")
    assert ended.returncode == 1, ended.stdout
    assert "1 passed, 2 errors" in ended.stdout
    assert "no real NetBox: NetBox needs Python 3.12" in ended.stdout


def test_tests_that_use_the_server_are_slow_by_themselves(tmp_path: Path) -> None:
    ended = run(tmp_path, "-m", "not slow")
    assert "1 passed, 2 deselected" in ended.stdout
    assert "did NOT run" not in ended.stdout
