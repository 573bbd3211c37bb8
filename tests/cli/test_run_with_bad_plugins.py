"""A collector that raises or hangs, wherever it does: it is reported, the command runs, no evidence is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from infratrack.evidence.predicates import COMMAND
from tests.capture.workshop import Workshop

COLLECTOR = """\
import time
import infratrack.capture.facts as facts
from infratrack.api import Collected, InputError, hookimpl
facts.RECOGNISE_SECONDS = facts.BEGIN_SECONDS = facts.FINISH_SECONDS = 0.5
class Watch:
    environment = {{"TOOL_TRACE": "1"}}
    def finish(self, end): {finish}
class Collector:
    name = "tool"
    def recognises(self, argv): {recognises}
    def begin(self, context): {begin}
@hookimpl
def infratrack_collectors(): return [Collector()]
"""
GOOD = {
    "recognises": "return argv[0] == 'sh'",
    "begin": "return Watch()",
    "finish": "return Collected('urn:tool:v1', {'code': end.exit_code}, secrets=frozenset({'xyzzy-12345'}))",
}
HANG = "time.sleep(60)"


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def collector(**changed: str) -> str:
    return COLLECTOR.format(**(GOOD | changed))


def test_a_good_collector_leaves_typed_evidence(shop: Workshop) -> None:
    shop.install("tool", collector())
    ended = shop.run("sh", "-c", "echo $TOOL_TRACE; exit 6", "xyzzy-12345")
    assert (ended.returncode, ended.stdout) == (6, "1\n")
    (end,) = shop.ends()
    assert (end.predicate_type, end.predicate["result"]) == ("urn:tool:v1", {"code": 6})
    assert end.argv[-1] == "‹masked›"


@pytest.mark.parametrize("unseen", ["7", "Collected(7, {})", "Collected('urn:x', {'a': object()})", "None"])
def test_a_watch_that_foretells_nonsense_costs_nothing(shop: Workshop, unseen: str) -> None:
    shop.install("tool", collector(begin=f"Watch.unseen = {unseen}; return Watch()"))
    assert shop.run("sh", "-c", "exit 6").returncode == 6
    start, end = shop.ledger()
    assert (start.predicate["result"], end.predicate_type) == ({}, "urn:tool:v1")


def test_a_collectors_outcome_overrides_but_not_an_accepted_code(shop: Workshop) -> None:
    shop.install("tool", collector(finish="return Collected('urn:tool:v1', {}, outcome='indeterminate')"))
    shop.run("sh", "-c", "exit 6")
    shop.infratrack("run", "--accept-exit", "6", "--", "sh", "-c", "exit 6")
    assert [one.outcome for one in shop.ends()] == ["indeterminate", "succeeded"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"begin": "1 / 0"}, "raised ZeroDivisionError"),
        ({"begin": HANG}, "did not come back within 0.5 s"),
        ({"begin": "raise InputError('no such root')"}, "no such root"),
        ({"begin": "return None"}, "raised AttributeError"),
        ({"begin": "Watch.environment = {'A=B': 'x'}; return Watch()"}, "no system takes"),
        ({"begin": "Watch.environment = {'A': 'x\\0'}; return Watch()"}, "no system takes"),
        ({"finish": "1 / 0"}, "raised ZeroDivisionError"),
        ({"finish": HANG}, "did not come back within 0.5 s"),
        ({"finish": "raise SystemExit(5)"}, "raised SystemExit"),
        ({"finish": "return None"}, "handed over no facts"),
    ],
)
def test_a_collector_that_fails_costs_facts_only(shop: Workshop, changed: dict[str, str], reason: str) -> None:
    shop.install("tool", collector(**changed))
    assert shop.run("sh", "-c", "exit 6").returncode == 6
    (end,) = shop.ends()
    assert (end.predicate_type, end.tool, end.exit_code) == (COMMAND, "tool", 6)
    assert reason in end.common.missing["facts"]


@pytest.mark.parametrize("recognises", ["1 / 0", HANG])
def test_a_collector_that_cannot_tell_is_passed_over(shop: Workshop, recognises: str) -> None:
    shop.install("tool", collector(recognises=recognises))
    assert shop.run("sh", "-c", "exit 6").returncode == 6
    (end,) = shop.ends()
    assert end.predicate_type == COMMAND
    assert "facts.tool" in end.common.missing


def test_a_plugin_that_does_not_import_is_reported(shop: Workshop) -> None:
    shop.install("tool", "import no_such_module")
    ended = shop.run("sh", "-c", "exit 6")
    assert ended.returncode == 6
    assert "the plugin tool is broken: " in ended.stderr
    assert len(shop.ends()) == 1


def test_a_tool_can_be_named(shop: Workshop) -> None:
    shop.install("tool", collector())
    assert shop.infratrack("run", "--as", "tool", "--", "env", "true").returncode == 0
    assert shop.ends()[0].predicate_type == "urn:tool:v1"


def test_an_unknown_tool_costs_facts_only(shop: Workshop) -> None:
    assert shop.infratrack("run", "--as", "tool", "--", "true").returncode == 0
    assert "no plugin collects facts as 'tool'" in shop.ends()[0].common.missing["facts"]


def test_a_criterion_whose_schema_raises_breaks_nothing_else(shop: Workshop) -> None:
    plugin = "from infratrack.api import hookimpl\nclass Odd:\n    name = 'odd.one'\n    bind = None\n"
    plugin += "    @property\n    def schema(self): raise RuntimeError\n"
    shop.install("odd", plugin + "@hookimpl\ndef infratrack_criteria(): return [Odd()]\n")
    assert shop.run("true").returncode == 0
    assert len(shop.ends()) == 1
    assert shop.infratrack("status").returncode == 0
    assert "the plugin odd does not work" in shop.infratrack("validate").stderr
