"""Broken plugins of every kind, in a throwaway distribution: reported, and nothing else is lost."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import infratrack.plugin_manager as manager
from infratrack.errors import InputError
from infratrack.plugin_manager import (
    EntryPoint,
    GuardedEvidenceType,
    PluginFailure,
    described,
    find_entry_points,
    guarded,
    load_plugins,
)
from infratrack.progress.criterion import Word
from infratrack.progress.foreseen import Foreseen, PlannedChange

GOOD = """\
from infratrack.api import hookimpl
class Word:
    name = "good.word"; schema = {}
    def bind(self, parameters, context): ...
class Kind:
    predicate_type = "urn:good:v1"; schema = {}
    def words(self, predicate): return []
    def summary(self, predicate): return "fine"
@hookimpl
def infratrack_criteria(): return [Word()]
@hookimpl
def infratrack_evidence_types(): return [Kind()]
@hookimpl
def infratrack_proposals(folder): return [str(folder)]
"""


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Make a distribution with plugins (name → module text) and return the search path with it alone."""
    before = set(sys.modules)
    site = tmp_path / "site"

    def make(entry_points: str | None = None, **modules: str) -> list[str]:
        metadata = site / "throwaway-1.0.dist-info"
        metadata.mkdir(parents=True, exist_ok=True)
        lines = [f"{name} = {name}_module" for name in modules]
        (metadata / "entry_points.txt").write_text(entry_points or "\n".join(["[infratrack]", *lines]))
        for name, text in modules.items():
            (site / f"{name}_module.py").write_text(text)
        sys.path.insert(0, str(site))
        return [str(site)]

    yield make
    while str(site) in sys.path:
        sys.path.remove(str(site))
    for name in set(sys.modules) - before:
        del sys.modules[name]


Install = Callable[..., list[str]]


def test_the_first_party_plugins_load_and_none_is_broken() -> None:
    plugins = load_plugins()
    assert plugins.broken == {}
    assert "command.succeeded" in plugins.criteria
    assert "command" in plugins.steps
    assert plugins.broken == {}


def test_a_good_plugin_offers_what_it_has(install: Install, tmp_path: Path) -> None:
    plugins = load_plugins(install(good=GOOD))
    assert set(plugins.criteria) == {"good.word"}
    assert plugins.evidence_types["urn:good:v1"].summary({}) == "fine"
    assert [str(one) for one in plugins.proposals(tmp_path)] == [str(tmp_path)]
    assert (dict(plugins.collectors), dict(plugins.recorders), dict(plugins.observers)) == ({}, {}, {})
    assert plugins.broken == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError (no module no_such_module_anywhere)"),
        ("raise SystemExit(3)", "SystemExit"),
        ("1 / 0", "ZeroDivisionError at bad_module.py:1"),
        ("syntax error", "SyntaxError"),
    ],
)
def test_a_plugin_that_does_not_import_is_reported_and_the_others_work(
    install: Install, text: str, reason: str
) -> None:
    plugins = load_plugins(install(bad=text, good=GOOD))
    assert reason in plugins.broken["bad"]
    assert set(plugins.criteria) == {"good.word"}


def test_a_plugin_that_hangs_in_its_import_is_reported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "IMPORT_SECONDS", 0.2)
    plugins = load_plugins(install(hanging="import time; time.sleep(60)", good=GOOD))
    assert "did not come back within 0.2 s" in plugins.broken["hanging"]
    assert set(plugins.criteria) == {"good.word"}


HOOK = "from infratrack.api import hookimpl\n@hookimpl\ndef infratrack_criteria(): {}\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise ValueError('the secret is hunter2')", "raised ValueError at bad_module.py:3"),
        ("return 7", "raised TypeError"),
        ("return [7]", "handed over a int without the members it needs"),
        ("import time; time.sleep(60)", "did not come back"),
    ],
)
def test_a_hook_that_fails_is_reported_and_the_others_work(
    install: Install, monkeypatch: pytest.MonkeyPatch, body: str, reason: str
) -> None:
    monkeypatch.setattr(manager, "HOOK_SECONDS", 0.5)
    plugins = load_plugins(install(bad=HOOK.format(body), good=GOOD))
    assert set(plugins.criteria) == {"good.word"}
    assert reason in plugins.broken["bad"]
    assert "hunter2" not in plugins.broken["bad"]


@pytest.mark.parametrize(
    "schema",
    [
        "raise ValueError",
        "raise AttributeError",
        "return None",
        # Not at once: the second look at it fails.
        "self.looks = getattr(self, 'looks', 0) + 1; return {} if self.looks == 1 else 1 / 0",
    ],
)
def test_a_criterion_that_cannot_hand_over_its_schema_is_reported(install: Install, schema: str) -> None:
    odd = GOOD.replace("good", "odd").replace("; schema = {}\n    def bind", "\n    def bind")
    odd = odd.replace("    def bind", f"    @property\n    def schema(self): {schema}\n    def bind")
    plugins = load_plugins(install(good=GOOD, odd=odd))
    assert plugins.schemas_of(plugins.criteria) == {"good.word": {}}
    assert set(plugins.broken) == {"odd"}


def test_of_two_criteria_with_one_name_the_first_counts(install: Install) -> None:
    plugins = load_plugins(install(aa=GOOD, bb=GOOD))
    assert set(plugins.criteria) == {"good.word"}
    assert "already taken" in "".join(plugins.broken.values())


def test_of_two_plugins_with_one_name_the_first_counts(install: Install) -> None:
    plugins = load_plugins(install("[infratrack]\nx = good_module\n", good=GOOD))
    assert plugins.broken == {}
    twice = manager.Plugins([EntryPoint("x", "good_module"), EntryPoint("x", "other")])
    assert twice.broken == {"x": "two plugins have this name; other was left out"}


def test_a_plugin_can_be_an_attribute_of_a_module(install: Install) -> None:
    text = GOOD.replace("@hookimpl\ndef ", "@staticmethod\n@hookimpl\ndef ")
    nested = "class Plugin:\n" + "".join(f"    {line}\n" for line in text.splitlines())
    plugins = load_plugins(install("[infratrack]\nx = good_module:Plugin\n", good=nested))
    assert "infratrack_criteria" not in plugins.broken.get("x", "")


def test_an_odd_entry_point_is_no_trouble(install: Install) -> None:
    assert load_plugins(install("[infratrack]\na b = nothing.here\n", good=GOOD)).broken.keys() == {"?"}


def test_entry_points_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    for number, content in enumerate((b"[infratrack]\n\xff = x", b"[infratrack]\nno value here", b"[other]\nx = y")):
        folder = tmp_path / f"d{number}.dist-info"
        folder.mkdir()
        (folder / "entry_points.txt").write_bytes(content)
    (tmp_path / "none.dist-info").mkdir()
    assert find_entry_points([str(tmp_path), str(tmp_path / "missing")]) == []


def test_the_same_entry_point_twice_on_the_path_is_one(install: Install) -> None:
    path = install(good=GOOD)
    assert find_entry_points([*path, *path]) == [EntryPoint("good", "good_module")]


def test_the_guard_returns_what_the_code_returns() -> None:
    assert guarded(lambda: 7, 10, "it") == 7


def test_the_guard_lets_errors_for_people_pass() -> None:
    def call() -> None:
        raise InputError("say it")

    with pytest.raises(InputError, match="say it"):
        guarded(call, 10, "it")


def test_an_error_is_described_by_kind_and_place_only() -> None:
    assert described(ValueError("secret")) == "ValueError"


class Slow:
    predicate_type = "urn:slow:v1"
    schema: dict[str, Any] = {}  # noqa: RUF012 -- a stand-in

    def words(self, predicate: object) -> list[Any]:
        while True:
            with contextlib.suppress(Exception):  # a plugin that swallows everything it can
                time.sleep(60)

    def summary(self, predicate: object) -> str:
        raise ValueError("the secret is hunter2")


def test_words_that_hang_or_raise_are_failures_of_the_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "WORDS_SECONDS", 0.2)
    kind = GuardedEvidenceType(Slow())
    assert (kind.predicate_type, dict(kind.schema)) == ("urn:slow:v1", {})
    with pytest.raises(PluginFailure, match=r"did not come back within 0\.2 s"):
        kind.words({})
    with pytest.raises(PluginFailure, match="raised ValueError"):
        kind.summary({})


def test_words_work_in_other_threads_too() -> None:
    kind = GuardedEvidenceType(Slow())
    with pytest.raises(PluginFailure):
        guarded(lambda: kind.summary({}), 10, "it")


class Foreseer(Slow):
    """A kind of evidence that plans; what it foresees is what the predicate says."""

    def foreseen(self, predicate: Any) -> Any:
        return predicate["foreseen"]()


def test_what_a_plugin_foresees_is_of_the_right_kind_or_its_failure() -> None:
    kind = GuardedEvidenceType(Foreseer())
    word = Word("kind", "", "name", {"is": "ok"})
    good = Foreseen("infra", (PlannedChange("create", "name"),), (word,))
    assert kind.foreseen({"foreseen": lambda: good}) == good
    assert kind.foreseen({"foreseen": lambda: None}) is None
    assert GuardedEvidenceType(Slow()).foreseen({}) is None
    odd: tuple[Any, ...] = ("text", Foreseen(7), Foreseen("", ("x",)), Foreseen("", (), (Word("k", "", 3, {}),)))  # type: ignore[arg-type]  # what a broken plugin does
    for bad in odd:
        with pytest.raises(PluginFailure, match="foresees what is no Foreseen"):
            kind.foreseen({"foreseen": lambda bad=bad: bad})
    with pytest.raises(PluginFailure, match="raised ZeroDivisionError"):
        kind.foreseen({"foreseen": lambda: 1 / 0})
