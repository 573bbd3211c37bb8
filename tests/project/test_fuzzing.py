"""Whatever stands in a project file: a project, or sentences. Never a traceback, never a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.project.definition import project_from_definition
from infratrack.project.files import load_project, read_project_id
from infratrack.project.problems import ProjectProblems
from infratrack.project.schema import PluginSchemas

CRITERIA: dict[str, dict[str, Any]] = {
    "terraform.applied": {
        "type": "object",
        "properties": {"resources": {"type": "string"}, "equals": {}},
        "required": ["resources"],
        "additionalProperties": False,
    },
    "signoff": {"type": "object", "properties": {"by": {"anyOf": [{"type": "string"}, {"type": "array"}]}}},
}
STEPS: dict[str, dict[str, Any]] = {"command": {"type": "object", "properties": {"argv": {"type": "array"}}}}
WHOLE: dict[str, Any] = {
    "infratrack": 1,
    "project": {"id": "p", "name": "P", "start": "2026-01-05"},
    "trust": {"signers": [{"name": "x", "keyid": "a" * 64}]},
    "calendar": {"working_days": ["mon"], "hours_per_day": 8, "holidays": ["2026-04-03"]},
    "people": [{"id": "anna", "roles": ["lead"]}],
    "systems": [{"id": "core", "environment": "production"}],
    "phases": [{"id": "f", "name": "F", "exit": {"signoff": None}}],
    "milestones": [{"id": "m", "name": "M", "depends": ["a"]}],
    "tasks": [
        {"id": "a", "name": "A", "duration": "3d", "deliverables": ["d"]},
        {"id": "b", "name": "B", "three_point": {"optimistic": "1d", "likely": "2d", "pessimistic": "3d"}},
        {"id": "c", "name": "C", "depends": ["a", {"task": "b", "type": "SS", "lag": "-1d"}]},
    ],
    "deliverables": [
        {
            "id": "d",
            "name": "D",
            "accepted_by": ["lead"],
            "done_when": {
                "all": [{"terraform.applied": {"resources": "*"}}, {"at_least": {"n": 1, "of": [{"signoff": {}}]}}]
            },
        }
    ],
    "pipelines": [{"id": "q", "steps": [{"command": {"argv": ["x"]}}]}],
}
WORDS = [
    "infratrack", "project", "tasks", "id", "name", "deliverables", "done_when", "all", "not", "signoff", "include",
    "terraform.applied", "<<", "a", "1", "0x1f", "1e999", ".nan", "~", "3d", "null", "true", "2026-01-05", "*", "../x",
]  # fmt: skip
MARKS = [
    "\n",
    "\n  ",
    "\n- ",
    ": ",
    ":",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&a ",
    "*a",
    "!!str ",
    "!x ",
    "'",
    '"',
    "|\n",
    ">\n",
]
MARKS += [
    "#",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\t",
    "\r",
    "\\",
    "@",
    "`",
    "\ufeff",
    "\x85",
    "\u2028",
    "\x00",
    "\x7f",
    "é",
    "🏢",
]
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS)
VALUE = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
RELAXED = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[[bytes], None]:
    """Load the bytes as a project: it works, or every problem is a line of printable text with a place."""
    file = tmp_path / "infratrack.yaml"

    def load(content: bytes) -> None:
        file.write_bytes(content)
        read_project_id(file)
        try:
            project = load_project(file, PluginSchemas(CRITERIA, STEPS))
        except ProjectProblems as wrong:
            lines = content.count(b"\n") + content.count(b"\r") + 2
            for problem in wrong.problems:
                assert str(problem).isprintable()
                assert problem.message
                assert 1 <= problem.line <= lines
                assert problem.column >= 1
        except InputError:
            pass  # no file, or none that can be opened: a sentence too
        else:
            assert project_from_definition(project.definition.document) == project

    return load


@RELAXED
@given(content=st.binary(max_size=300))
def test_random_bytes(attempt: Callable[[bytes], None], content: bytes) -> None:
    attempt(content)


@RELAXED
@given(parts=st.lists(st.sampled_from(WORDS + MARKS), max_size=60))
def test_random_text_that_looks_like_yaml(attempt: Callable[[bytes], None], parts: list[str]) -> None:
    attempt("".join(parts).encode())
    attempt(("infratrack: 1\nproject: {id: p, name: P}\n" + "".join(parts)).encode())


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """The whole project with a few values replaced, removed, added or moved."""
    data = json.loads(json.dumps(WHOLE))
    for _ in range(draw(st.integers(1, 4))):
        here: Any = data
        while draw(st.booleans()) or here is data:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if not isinstance(here[key], dict | list) or draw(st.integers(0, 3)) == 0:
                change = draw(st.sampled_from(["replace", "remove", "twice"]))
                if change == "remove":
                    del here[key]
                elif change == "twice" and isinstance(here, list):
                    here.append(here[key])
                else:
                    here[key] = draw(VALUE)
                break
            here = here[key]
    return data


@RELAXED
@given(data=mutated(), flow=st.sampled_from([True, False, None]))
def test_structured_mutations_of_a_whole_project(
    attempt: Callable[[bytes], None],
    data: Any,
    flow: bool | None,  # noqa: FBT001 -- PyYAML's own three values
) -> None:
    attempt(yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True).encode("utf-8", "surrogatepass"))


@RELAXED
@given(data=st.data())
def test_bytes_changed_in_a_whole_project(attempt: Callable[[bytes], None], data: st.DataObject) -> None:
    content = bytearray(yaml.safe_dump(WHOLE, sort_keys=False).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3) | st.sampled_from(MARKS).map(str.encode)
        )
        if not content:
            break
    attempt(bytes(content))


def test_the_whole_project_is_valid_to_begin_with(attempt: Callable[[bytes], None], tmp_path: Path) -> None:
    attempt(yaml.safe_dump(WHOLE).encode())
    assert load_project(tmp_path / "infratrack.yaml", PluginSchemas(CRITERIA, STEPS)).id == "p"


@pytest.mark.parametrize(
    "content",
    [
        b"- " * 100_000,
        b"? " * 100_000,
        b"[" * 100_000,
        b"{a: " * 100_000,
        b"infratrack: 1\nproject: " + b"{a: " * 250 + b"}" * 250,
        b"\n".join(b" " * depth + b"a:" for depth in range(990)),
        b"\n".join(b" " * depth + b"-" for depth in range(990)),
        b"\n".join(b"  " * depth + b"a:\n" + b"  " * depth + b"- b:" for depth in range(490)),
        b"a: &a [*a, *a]",
        b"&a " * 1_000,
        b"*a " * 1_000,
        b"'" * 100_001,
        b"a: |\n" + b" x\n" * 100_000,
        b"x" * 200_000 + b": 1",
        b"\n" * 1_000_000,
        b"#" * 1_000_000,
        b"a: " + b"\t" * 100_000 + b"1",
        b"a" * 10_000_000,
        b"tasks: [" + b"{}," * 20_000 + b"]",
        b"infratrack: 1\nproject: {id: p, name: P}\ntasks: [" + b"{id: x, name: X, depends: [yy]}," * 3_000 + b"]",
    ],
    ids=range(20),
)  # fmt: skip
def test_shapes_that_hurt_readers(attempt: Callable[[bytes], None], content: bytes) -> None:
    attempt(content)
