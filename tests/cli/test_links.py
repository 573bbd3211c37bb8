"""`infratrack links suggest`: proposals to paste, nothing changed, nobody's failure in the way of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.capture.workshop import Workshop

SUGGESTERS = """\
from infratrack.api import LinkSuggestion, Unreachable, hookimpl
class Toy:
    name = "toy"
    def suggest(self, context, project):
        assert "smoke" in context.deliverables
        return [LinkSuggestion("task_depends", "build", "plan", "the plan \\x1b[2J comes first"), "no link"]
class Down:
    name = "down"
    def suggest(self, context, project): raise Unreachable("the CMDB is down")
class Broken:
    name = "broken"
    def suggest(self, context, project): raise ValueError("the secret is hunter2")
@hookimpl
def infratrack_links(): return [Toy(), Down(), Broken()]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.install("toy", SUGGESTERS)
    text = (shop.folder / "infratrack.yaml").read_text()
    shop.write("infratrack.yaml", text.replace("tasks:\n", "tasks:\n  - {id: plan, name: Plan, duration: 1d}\n"))
    return shop


def test_what_is_proposed_can_be_pasted_and_changes_nothing(shop: Workshop) -> None:
    before = dict(shop.files())
    ended = shop.infratrack("links", "suggest")
    assert ended.returncode == 0, ended.stderr
    assert yaml.safe_load(ended.stdout) == {"tasks": [{"id": "build", "depends": ["plan"]}]}
    assert "# toy: the plan [2J comes first" in ended.stdout
    written = {path for path in dict(shop.files()).keys() - before.keys() if "index" not in path.parts}
    assert written == set()
    assert all(dict(shop.files())[path] == content for path, content in before.items())


def test_who_cannot_look_is_named_with_the_reason(shop: Workshop) -> None:
    ended = shop.infratrack("links", "suggest", "--format", "json")
    document = json.loads(ended.stdout)
    assert [one["target"] for one in document["links"]] == ["plan"]
    assert document["notLooked"]["down"] == "the CMDB is down"
    assert "raised ValueError" in document["notLooked"]["broken"]
    assert "hunter2" not in ended.stderr + ended.stdout
    assert "down was not asked: the CMDB is down" in ended.stderr


def test_a_table_has_a_line_a_link(shop: Workshop) -> None:
    assert "task depends: build → plan  (toy: the plan [2J comes first)" in (
        shop.infratrack("links", "suggest", "--format", "table").stdout
    )


def test_nothing_to_propose_is_said(tmp_path: Path) -> None:
    ended = Workshop(tmp_path).infratrack("links", "suggest")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "no link to propose" in ended.stderr
