"""docs/cmdb.md: its project files are valid, and its templates come to what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infratrack.plugin_manager import load_plugins
from infratrack.project.files import load_project
from infratrack.reconciliation.mapping import mapping_problems
from infratrack.reconciliation.template import Template

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cmdb.md"
TEXT = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.is_file() else ""
BLOCKS = [block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if block.startswith("cmdb:")]
ROWS = re.findall(r"^\| `(.+?)` \| `(\{.*?\})` \| `(.+?)` \|$", TEXT, re.MULTILINE)

pytestmark = pytest.mark.checkout


def test_its_project_files_are_valid(tmp_path: Path) -> None:
    plugins = load_plugins()
    assert len(BLOCKS) >= 3
    for block in BLOCKS:
        file = tmp_path / "infratrack.yaml"
        file.write_text(f"infratrack: 1\nproject: {{id: p, name: P}}\n{block}")
        project = load_project(file, plugins.schemas)
        for settings in project.cmdb.values():
            assert mapping_problems(settings, plugins.sources) == []


def test_its_templates_come_to_what_it_says() -> None:
    assert len(ROWS) >= 12
    for template, item, value in ROWS:
        assert Template(template.replace("\\|", "|")).render(json.loads(item)) == json.loads(value), template
