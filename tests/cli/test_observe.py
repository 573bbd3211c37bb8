from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capture.workshop import Workshop

OBSERVER = """\
from infratrack.api import Collected, InputError, hookimpl
class Observer:
    name = "weather"
    def observe(self, context): return Collected("urn:weather:v1", {"folder": context.folder.name}, tool="weather")
class Broken:
    name = "broken"
    def observe(self, context): raise ValueError("the secret is hunter2")
class Empty:
    name = "empty"
    def observe(self, context): return None
class Sorry:
    name = "sorry"
    def observe(self, context): raise InputError("there is no barometer")
@hookimpl
def infratrack_observers(): return [Observer(), Broken(), Empty(), Sorry()]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.install("weather", OBSERVER)
    return shop


def test_what_an_observer_saw_is_evidence(shop: Workshop) -> None:
    ended = shop.infratrack("observe", "weather", "--deliverable", "smoke", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    (seen,) = shop.ledger()
    assert (seen.predicate_type, seen.predicate["result"]) == ("urn:weather:v1", {"folder": "project"})
    assert json.loads(ended.stdout)["evidence"][0]["predicateType"] == "urn:weather:v1"


def test_the_table_names_the_observer(shop: Workshop) -> None:
    assert "weather" in shop.infratrack("observe", "weather").stdout


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("wether", "did you mean weather?"),
        ("broken", "raised ValueError"),
        ("empty", "handed over no facts"),
        ("sorry", "there is no barometer"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_leaves_nothing(shop: Workshop, name: str, sentence: str) -> None:
    ended = shop.infratrack("observe", name)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "hunter2" not in ended.stderr
    assert shop.waiting() == []


def test_require_delivery(shop: Workshop) -> None:
    shop.write(".infratrack", "not a folder")
    assert shop.infratrack("observe", "weather", "--require-delivery").returncode == 4
