from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infratrack.errors import InputError, Unreachable
from infratrack.reconciliation import file_source
from infratrack.reconciliation.file_source import read_file
from infratrack.reconciliation.interface import SourceContext, SourceReading
from infratrack.reconciliation.sources import ReadSet, read_sets
from infratrack.values import Instant, sha256_digest


class Devices:
    """A source that counts how often it is asked."""

    name = "devices.of"
    schema: Mapping[str, Any] = {"type": "object"}

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[SourceContext] = []
        self.error = error

    def read(self, context: SourceContext) -> SourceReading:
        self.asked.append(context)
        if self.error:
            raise self.error
        return SourceReading(({"name": f"{context.name}-1"},), f"devices of {context.name}")


def mapping(each: Any, **members: Any) -> dict[str, Any]:
    return {"type": "device", "each": each, "key": {"name": "{name}"}, **members}


def read(folder: Path, *mappings: Any, source: Devices | None = None) -> list[ReadSet]:
    sources = {"devices.of": source or Devices()}
    return read_sets({"records": list(mappings)}, sources, folder, {"A": "b"}, now=Instant(5))


def names(found: ReadSet) -> list[Any]:
    return [record.key["name"] for record in found.records.desired]


def test_a_source_is_read_once_however_many_mappings_use_it(tmp_path: Path) -> None:
    source = Devices()
    found = read(
        tmp_path,
        mapping("devices.of.ams"),
        mapping("devices.of.ams", **{"from": None}),
        mapping("devices.of.ams", **{"from": {"b": 1, "a": 2}}),
        mapping("devices.of.ams", **{"from": {"a": 2, "b": 1}}),
        mapping("devices.of.fra"),
        source=source,
    )
    assert [names(one) for one in found] == [["ams-1"]] * 4 + [["fra-1"]]
    assert source.asked == [
        SourceContext("ams", {}, tmp_path, {"A": "b"}, Instant(5)),
        SourceContext("ams", {"b": 1, "a": 2}, tmp_path, {"A": "b"}, Instant(5)),
        SourceContext("fra", {}, tmp_path, {"A": "b"}, Instant(5)),
    ]
    assert [one.name for one in found][1:4] == ["devices.of.ams", *['devices.of.ams from {"a":2,"b":1}'] * 2]
    assert found[0].reading is found[1].reading
    assert found[2].reading is found[3].reading


def test_what_is_being_read_is_reported(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    mappings = [mapping([{"name": "a"}]), mapping("devices.of.ams")]
    read_sets({"records": mappings}, {"devices.of": Devices()}, tmp_path, {}, lambda *one: told.append(one))
    assert told == [
        ("reading records[0].each", 0, 2),
        ("reading devices.of.ams", 1, 2),
        ("the sources are read", 2, 2),
    ]
    assert read_sets({}, {}, tmp_path, {}) == []


def test_a_source_that_fails_is_not_whole_and_one_that_says_why_is_heard(tmp_path: Path) -> None:
    (found,) = read(tmp_path, mapping("devices.of.ams"), source=Devices(RuntimeError("with a hunter2 in it")))
    assert (found.records.complete, found.records.reason) == (False, "its plugin failed (RuntimeError)")
    with pytest.raises(Unreachable):
        read(tmp_path, mapping("devices.of.ams"), source=Devices(Unreachable("down")))
    with pytest.raises(InputError, match=r"there is no source 'device\.of\.ams'"):
        read(tmp_path, mapping("device.of.ams"))


def test_what_is_wrong_with_a_mapping_stops_before_any_source_is_asked(tmp_path: Path) -> None:
    source = Devices()
    with pytest.raises(InputError, match=r"records › #2 › fields › site: a \{ without its \}"):
        read(tmp_path, mapping("devices.of.ams"), mapping("devices.of.ams", fields={"site": "{"}), source=source)
    assert source.asked == []


def test_items_may_stand_in_the_project_file(tmp_path: Path) -> None:
    (found,) = read(tmp_path, mapping([{"name": "a"}, {"name": "b"}]))
    assert names(found) == ["a", "b"]
    assert found.records.source == "a list in the project file"
    with pytest.raises(InputError, match=r"records\[0\]\.each\[0\] has no 'name'"):
        read(tmp_path, mapping([{"nam": "a"}]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("racks.csv", "name,units\nr1,42\n\nr2,\n"),
        ("racks.csv", '\ufeffname,units\r\nr1,42\r\n"r2",""\r\n'),
        ("racks.CSV", "name,units\nr1,42\nr2,"),
        ("racks.yaml", "- {name: r1, units: '42'}\n- {name: r2, units: ''}\n"),
        ("racks.json", '[{"name": "r1", "units": "42"}, {"name": "r2", "units": ""}]'),
        ("racks.json", '\ufeff[{"name": "r1", "units": "42"}, {"name": "r2", "units": ""}]'),
    ],
)
def test_files_of_each_kind_hold_items(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    found = read_file(tmp_path, name)
    assert found == SourceReading(
        ({"name": "r1", "units": "42"}, {"name": "r2", "units": ""}),
        name,
        facts={"file": name, "digest": sha256_digest(text.encode())},
    )


def test_a_list_may_stand_deeper_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text("site:\n  racks: [{name: r1}]\n")
    (found,) = read(tmp_path, mapping({"file": "plan.yml", "list": "site.racks"}))
    assert names(found) == ["r1"]
    assert (found.records.source, found.name) == ("plan.yml › site.racks", "plan.yml › site.racks")
    assert found.records.desired[0].origin == "plan.yml › site.racks[0]"


@pytest.mark.parametrize(
    ("name", "text", "list_name", "said"),
    [
        ("x.csv", "", None, "x.csv is empty"),
        ("x.csv", "a,a\n", None, "two columns named 'a'"),
        ("x.csv", "a, \n", None, "column 2 has no name"),
        ("x.csv", "a,b\n1\n", None, "the row that ends on line 2 has 1 cells"),
        ("x.csv", 'a\n"1\n2"\n3,4\n', None, "the row that ends on line 4 has 2 cells"),
        ("x.csv", 'a\n"1"x\n', None, "line 2 is not CSV"),
        ("x.csv", "a\n" + "x" * 200_000, None, "line 2 is not CSV"),
        ("x.csv", ",".join(map(str, range(1_001))), None, "has 1,001 columns"),
        ("x.csv", b"a\n\xff\n", None, "is not UTF-8 text"),
        ("x.csv", "a\n", "racks", "is a CSV file and has no lists"),
        ("x.json", "{", None, "x.json is not JSON: "),
        ("x.json", b'["\xff"]', None, "x.json is not JSON: "),
        ("x.json", "[" * 5_000, None, "x.json is not JSON: "),
        ("x.json", "{}", None, "x.json holds an object and no list"),
        ("x.json", "3", None, "x.json holds a number and no list"),
        ("x.json", '{"a": 1}', "b", "x.json has no list 'b'; it has a"),
        ("x.json", '{"a": 1}', "a.b", "x.json › a has no list 'b'; it is no mapping"),
        ("x.yaml", "a: [", None, "this is not YAML"),
        ("x.yaml", "- {a: 1, a: 2}", None, "x.yaml:1:"),
        ("x.yaml", "- a: .nan", None, "x.yaml: 0 › a: "),
        ("x.yaml", "a: 1\na: 2", None, "x.yaml:2:"),
        ("x.yaml", "- !!python/object:x {}", None, "x.yaml:1:"),
    ],
)
def test_files_that_hold_something_else_are_refused(
    tmp_path: Path, name: str, text: str | bytes, list_name: str | None, said: str
) -> None:
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InputError) as refused:
        read_file(tmp_path, name, list_name)
    assert said in refused.value.message
    assert refused.value.hint


def test_files_lie_in_the_project_folder(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "out.csv").write_text("name\nx\n")
    (project / "link.csv").symlink_to(tmp_path / "out.csv")
    os.mkfifo(project / "pipe.csv")
    (project / "folder.csv").mkdir()
    for name, said in (
        ("../out.csv", "lies outside the project folder"),
        (str(tmp_path / "out.csv"), "lies outside the project folder"),
        ("link.csv", "lies outside the project folder"),
        ("none.csv", "is not there"),
        ("pipe.csv", "is not a regular file"),
        ("folder.csv", "folder.csv cannot be read"),
        ("a\0.csv", "cannot be looked up"),
        ("x" * 5_000 + ".csv", "cannot be looked up"),
    ):
        with pytest.raises(InputError, match=said):
            read_file(project, name)


def test_files_have_a_size_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_source, "FILE_AT_MOST", 5)
    (tmp_path / "x.csv").write_text("a\nbcd\n")
    with pytest.raises(InputError, match="has more than 5 bytes"):
        read_file(tmp_path, "x.csv")
