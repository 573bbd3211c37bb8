"""`netbox.matches`: items of a source and records, side by side; and how sources are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import structs

from infratrack.api import InputError, ObserveContext, SourceContext, SourceReading, Unreachable
from infratrack.testing.criteria import SOME_PROJECT
from infratrack_netbox.criteria import Matches
from infratrack_netbox.item_sources import ItemSources
from infratrack_netbox.matching import Item, Items
from infratrack_netbox.questions import asked
from infratrack_netbox.reads import Unanswerable

from .asked_of_netbox import find, some, whole

ASKED = {
    "type": "dcim.device",
    "each": "terraform.output.devices",
    "key": {"name": "{name}"},
    "fields": {"status": "active", "serial": "{serial}"},
}


def item(name: str, serial: str = "A1", **key: Any) -> Item:
    return Item({"name": name, **key}, {"status": "active", "serial": serial}, "terraform.output.devices[0]")


def items(*of: Item, **said: Any) -> Items:
    return structs.replace(Items(of, "terraform output devices of infra"), **said)


def device(number: int, name: str, serial: str = "A1") -> dict[str, Any]:
    return {"id": number, "display": name, "name": name, "serial": serial, "status": {"value": "active"}}


def compared(source: Items | Unanswerable, rows: Any, **more: Any) -> Any:
    return find("netbox.matches", ASKED | more, {"dcim.device": rows}, source=source)


def test_records_that_agree_with_every_item_are_a_yes() -> None:
    finding = compared(items(item("a"), item("b")), some(device(1, "a"), device(2, "b"), device(3, "c", "other")))
    assert (finding.said, finding.note) == ("yes", "2 records agree with terraform output devices of infra")
    assert finding.records == (("dcim.device", "1", "a"), ("dcim.device", "2", "b"))


def test_a_difference_is_told_with_both_values_cut_short() -> None:
    finding = compared(items(item("a", "B" * 300)), whole(device(1, "a")))
    assert finding.said == "no"
    assert finding.note.startswith("1 of 1 record disagrees: a: serial is A1, not BBB")
    assert len(finding.failing[0].why) < 260


def test_a_value_that_is_sensitive_is_not_shown() -> None:
    finding = compared(items(item("a", "hunter2"), secrets=frozenset({"hunter2", ""})), whole(device(1, "a")))
    assert finding.failing[0].why == "serial is another value, not what is sensitive"
    assert "hunter2" not in str(finding)
    assert "A1" not in str(finding)


def test_a_record_that_is_not_there_is_a_no_only_where_it_would_be_seen() -> None:
    source = items(*(item(name) for name in "abcde"))
    absent = compared(source, whole(device(1, "a")))
    assert (absent.said, absent.note) == ("no", "4 of 5 records not there: b, c, d and 1 more")
    assert compared(source, some(device(1, "a"))).said == "unknown"


def test_two_records_with_one_key_agree_with_nothing() -> None:
    finding = compared(items(item("a")), whole(device(1, "a"), device(2, "a")))
    assert (finding.said, finding.failing[0].why) == ("no", "2 records have this key")


@pytest.mark.parametrize(
    ("source", "note"),
    [
        (Unanswerable("terraform cannot be started"), "terraform cannot be started"),
        (items(item("a"), complete=False, reason="the state is locked"), "is not whole: the state is locked"),
        (items(), "terraform output devices of infra holds nothing that could be compared"),
    ],
)
def test_a_source_that_is_not_read_whole_or_is_empty_is_unknown(source: Any, note: str) -> None:
    finding = compared(source, whole(device(1, "a")))
    assert finding.said == "unknown"
    assert finding.note.endswith(note)


def test_records_are_looked_for_by_filter_by_key_or_among_all() -> None:
    by_key = {("dcim.device", "name"): whole(device(1, "a")), "dcim.device": whole()}
    assert find("netbox.matches", ASKED, by_key, source=items(item("a"))).said == "yes"
    by_filter = {("dcim.device", "site"): whole(device(1, "a")), "dcim.device": whole()}
    assert (
        find("netbox.matches", ASKED | {"filter": {"site": "ams1"}}, by_filter, source=items(item("a"))).said == "yes"
    )
    serial_key = Items((Item({"serial": "A1"}, {"status": "active"}),), "a file")
    every = {("dcim.device",): whole(device(1, "a"))}
    finding = find("netbox.matches", ASKED | {"key": {"serial": "{serial}"}}, every, source=serial_key)
    assert finding.said == "yes"


def test_a_key_of_several_fields_is_told_with_all_of_them() -> None:
    finding = compared(items(item("a", serial="A1", position=3)), whole(device(1, "b") | {"position": 3.0}))
    assert finding.note == "1 of 1 record not there: name a, position 3"


class Outputs:
    """A source that counts its readings."""

    name = "terraform.output"
    schema: ClassVar[dict[str, Any]] = {}

    def __init__(self, answer: SourceReading | Exception) -> None:
        self.answer = answer
        self.asked: list[SourceContext] = []

    def read(self, context: SourceContext) -> SourceReading:
        self.asked.append(context)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def sources(outputs: Outputs) -> ItemSources:
    return ItemSources(ObserveContext(Path(), {}, {}, sources={"terraform.output": outputs}))


def test_a_source_is_read_once_and_its_items_become_records_by_templates() -> None:
    reading = SourceReading(({"name": "a", "serial": "S"},), "output devices", secrets=frozenset({"hush"}))
    outputs = Outputs(reading)
    read = sources(outputs)
    question = asked("netbox.matches", ASKED | {"from": {"directory": "infra"}})
    found = read.of(question)
    assert read.of(question) == found
    assert isinstance(found, Items)
    expected = Item({"name": "a"}, {"status": "active", "serial": "S"}, "terraform.output.devices[0]")
    assert found.items == (expected,)
    assert (found.origin, found.secrets, read.secrets) == ("output devices", frozenset({"hush"}), frozenset({"hush"}))
    assert [(one.name, one.parameters) for one in outputs.asked] == [("devices", {"directory": "infra"})]
    assert read.of(asked("netbox.matches", ASKED)) == found
    assert len(outputs.asked) == 2


def test_only_items_that_where_says_are_compared() -> None:
    outputs = Outputs(SourceReading(({"name": "a", "serial": "S"}, {"name": "b", "serial": "T"}), "output devices"))
    found = sources(outputs).of(asked("netbox.matches", ASKED | {"where": "{serial == 'T'}"}))
    assert isinstance(found, Items)
    assert [one.key for one in found.items] == [{"name": "b"}]


@pytest.mark.parametrize("error", [Unreachable("the state cannot be read"), InputError("there is no output devices")])
def test_a_source_that_fails_is_a_reason(error: Exception) -> None:
    found = sources(Outputs(error)).of(asked("netbox.matches", ASKED))
    assert isinstance(found, Unanswerable)
    assert found.reason == str(error.args[0])


def test_a_source_that_there_is_not_and_items_that_do_not_fit_are_reasons() -> None:
    none = sources(Outputs(Unreachable(""))).of(asked("netbox.matches", ASKED | {"each": "terraform.outputs.x"}))
    assert isinstance(none, Unanswerable)
    assert "terraform.outputs.x" in none.reason
    unfit = sources(Outputs(SourceReading(({"serial": "S"},), "o"))).of(asked("netbox.matches", ASKED))
    assert isinstance(unfit, Unanswerable)
    assert "terraform.output.devices[0]" in unfit.reason


def test_a_template_that_is_none_is_refused_when_the_project_is_read() -> None:
    with pytest.raises(InputError):
        Matches().bind(ASKED | {"fields": {"serial": "{serial"}}, SOME_PROJECT)
