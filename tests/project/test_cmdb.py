"""`cmdb:` in the project file: what fits, what does not and how that is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from infratrack.errors import InputError
from infratrack.project.bound import told_each_at
from infratrack.project.definition import project_from_definition
from infratrack.project.files import load_project
from infratrack.project.model import Project
from infratrack.project.problems import ProjectProblems
from infratrack.project.schema import PluginSchemas, project_schema

RECONCILERS: Mapping[str, Mapping[str, Any]] = {
    "netbox": {
        "type": "object",
        "properties": {"url": {"type": "string"}, "own": {"$ref": "#/$defs/own"}},
        "required": ["url"],
        "additionalProperties": False,
        "$defs": {"own": {"type": "object"}},
    },
    "sheet": {"type": "object", "additionalProperties": False},
}
SOURCES: Mapping[str, Mapping[str, Any]] = {
    "terraform.output": {
        "type": "object",
        "properties": {"directory": {"type": "string"}},
        "additionalProperties": False,
    },
    "ansible.facts": {
        "type": "object",
        "properties": {"folder": {"type": "string"}},
        "required": ["folder"],
        "additionalProperties": False,
    },
}
PLUGINS = PluginSchemas(reconcilers=RECONCILERS, sources=SOURCES)
DEVICE = {"type": "dcim.device", "each": "terraform.output.devices", "key": {"name": "{name}"}}


def loaded(folder: Path, cmdb: Any, broken: Mapping[str, str] | None = None) -> Project:
    file = folder / "infratrack.yaml"
    document = {"infratrack": 1, "project": {"id": "p", "name": "P"}, "cmdb": cmdb}
    file.write_text(json.dumps(document, indent=1))
    return load_project(file, PLUGINS, broken)


def problems(folder: Path, cmdb: Any, broken: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ProjectProblems) as wrong:
        loaded(folder, cmdb, broken)
    assert all(problem.line > 3 for problem in wrong.value.problems)
    return [problem.message.removeprefix("cmdb › ") for problem in wrong.value.problems]


def device_problems(folder: Path, **members: Any) -> list[str]:
    record = {name: value for name, value in {**DEVICE, **members}.items() if value is not ...}
    found = problems(folder, {"netbox": {"url": "x", "records": [record]}})
    return [problem.removeprefix("netbox › records › #1") for problem in found]


WHOLE = {
    "netbox": {
        "url": "${NETBOX_URL}",
        "own": {"tag": "infratrack"},
        "max_deletes": "5%",
        "records": [
            {**DEVICE, "from": {"directory": "infra"}, "where": "{a}", "within": {"site": "x"}, "fields": {"a": None}},
            {**DEVICE, "each": {"file": "racks.csv"}},
            {**DEVICE, "each": {"file": "Plan.YAML", "list": "racks"}, "fields": {}},
            {**DEVICE, "each": [{"name": "x"}]},
            {**DEVICE, "each": "ansible.facts", "from": {"folder": "facts"}},
            {**DEVICE, "each": "some.other_source.x"},
        ],
    },
    "sheet": None,
}


def test_what_is_written_stands_in_the_project_and_in_its_definition(tmp_path: Path) -> None:
    project = loaded(tmp_path, WHOLE)
    assert project.cmdb == {**WHOLE, "sheet": {}}
    assert project_from_definition(project.definition.document) == project


def test_a_project_without_a_cmdb_has_none(tmp_path: Path) -> None:
    assert loaded(tmp_path, {}).cmdb == {}
    file = tmp_path / "infratrack.yaml"
    file.write_text("infratrack: 1\nproject: {id: p, name: P}\n")
    assert load_project(file, PluginSchemas()).cmdb == {}


def test_an_old_project_may_have_a_cmdb_that_no_plugin_knows_today() -> None:
    document = {
        "files": {},
        "project": {"infratrack": 1, "project": {"id": "p", "name": "P"}, "cmdb": {"old": {"x": 1}, "older": None}},
    }
    assert project_from_definition(msgspec.json.encode(document)).cmdb == {"old": {"x": 1}, "older": {}}


def test_an_unknown_cmdb_comes_with_the_nearest_and_a_broken_plugin_with_its_reason(tmp_path: Path) -> None:
    assert problems(tmp_path, {"netbx": {}}) == [
        "cmdb: unknown CMDB 'netbx'; expected one of netbox, sheet; did you mean 'netbox'?"
    ]
    (said,) = problems(tmp_path, {"itop": {}}, {"itop": "no module x"})
    assert "the CMDB 'itop' cannot be checked: its plugin did not load (no module x)" in said


def test_a_cmdb_takes_its_own_settings_and_ours(tmp_path: Path) -> None:
    assert problems(tmp_path, {"netbox": {"record": []}}) == [
        "netbox: netbox has no `url`; expected the key `url`",
        "netbox: unknown key 'record'; expected one of url, own, records, max_deletes; did you mean 'records'?",
    ]


@pytest.mark.parametrize("most", [0, 25, "5%", "0.5%", "100%", {"records": 3}, {"percent": 2.5}])
def test_bounds_of_deletes(tmp_path: Path, most: Any) -> None:
    assert loaded(tmp_path, {"sheet": {"max_deletes": most}}).cmdb["sheet"]["max_deletes"] == most


@pytest.mark.parametrize("most", [-1, "5", "101%", "-5%", "5 %", {}, {"record": 1}, {"percent": 101}, 1.5, True])
def test_bounds_of_deletes_that_are_none(tmp_path: Path, most: Any) -> None:
    (said,) = problems(tmp_path, {"sheet": {"max_deletes": most}})
    assert said.startswith("sheet › max_deletes")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"type": ...}, ": a record mapping has no `type`; expected the key `type`"),
        ({"key": {}}, " › key: found an empty mapping, expected the key of a record"),
        ({"each": "racks.csv!"}, " › each: found 'racks.csv!', expected a source and what is wanted of it such as"),
        ({"each": {"file": "racks.xlsx"}}, " › each › file: found 'racks.xlsx', expected a path inside the project"),
        ({"each": {"list": "x"}}, " › each: a file has no `file`"),
        ({"each": ["x"]}, " › each › #1: found 'x', expected an item"),
        (
            {"each": 3},
            " › each: found 3, expected a source and what is wanted of it such as terraform.output.devices or",
        ),
        ({"where": True}, " › where: found true, expected a template that comes to true or false"),
        ({"within": {}}, " › within: found an empty mapping, expected filters of the CMDB"),
        ({"field": {}}, ": unknown key 'field'; expected one of type, each, from, where, key, fields, within; did you"),
        (
            {"from": {"direktory": "x"}},
            " › from: unknown key 'direktory'; expected one of directory; did you mean 'dir",
        ),
        ({"each": "ansible.facts"}, ": a record mapping has no `from`; expected the key `from`"),
        ({"each": [{}], "from": {}}, ": `from` does not go together with what else stands here"),
        ({"fields": {"": 1}}, " › fields: the key '' does not fit; expected the name of a field"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_told(tmp_path: Path, members: dict[str, Any], said: str) -> None:
    found = device_problems(tmp_path, **members)
    assert len(found) == 1
    assert found[0].startswith(said)


def test_sources_whose_names_begin_alike_are_told_apart(tmp_path: Path) -> None:
    assert device_problems(tmp_path, each="ansible.facts.x")
    record = {**DEVICE, "each": "ansible.facts_of.x"}
    assert loaded(tmp_path, {"netbox": {"url": "x", "records": [record]}}).cmdb


def test_a_reconciler_whose_schema_is_none_leaves_the_others_usable(tmp_path: Path) -> None:
    plugins = PluginSchemas(reconcilers={**RECONCILERS, "odd": {"type": 3}}, sources={"o.dd": {"type": 3}})
    file = tmp_path / "infratrack.yaml"
    file.write_text("infratrack: 1\nproject: {id: p, name: P}\ncmdb: {sheet: }\n")
    assert load_project(file, plugins).cmdb == {"sheet": {}}


def test_the_schema_is_one_and_its_examples_fit() -> None:
    schema = project_schema(PLUGINS)
    Draft202012Validator.check_schema(schema)
    for name in ("record", "record-each", "max-deletes"):
        for example in schema["$defs"][name]["examples"]:
            checked = {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}
            Draft202012Validator(checked).validate(example)


def test_errors_of_several_parts_are_told_with_their_lines(tmp_path: Path) -> None:
    loaded(tmp_path, WHOLE)
    errors = [
        (("cmdb", "netbox", "records", 1, "key", "name"), InputError("no template", "write one")),
        (("cmdb", "netbox", "max_deletes"), InputError("too many", "expected fewer")),
    ]
    told = told_each_at(errors, tmp_path / "infratrack.yaml")
    assert [problem.message for problem in told.problems] == [
        "cmdb › netbox › max_deletes: too many; expected fewer",
        "cmdb › netbox › records › #2 › key › name: no template; write one",
    ]
