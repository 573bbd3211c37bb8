from __future__ import annotations

from typing import Any

import pytest

from infratrack.errors import InputError
from infratrack.reconciliation.interface import SourceReading
from infratrack.reconciliation.mapping import ITEMS_AT_MOST, mapping_problems, parse_mapping, records_of, source_of
from infratrack.reconciliation.records import DesiredRecord, RecordSet
from infratrack.reconciliation.template import TemplateProblem

SOURCES = ("terraform.output", "terraform.resource", "ansible.facts")
DEVICES = ({"name": "sw1", "site": "ams1", "on": True}, {"name": "sw2", "site": None, "on": False})


def written(**members: Any) -> dict[str, Any]:
    return {"type": "dcim.device", "each": "terraform.output.devices", "key": {"name": "{name}"}} | members


def records(*items: Any, complete: bool = True, reason: str = "", **members: Any) -> RecordSet:
    reading = SourceReading(items, "terraform output devices of infra", complete=complete, reason=reason)
    return records_of(parse_mapping(written(**members)), reading, "terraform.output.devices")


def refusal(*items: Any, **members: Any) -> str:
    with pytest.raises(InputError) as refused:
        records(*items, **members)
    return refused.value.message


def test_every_item_becomes_a_record_with_its_origin() -> None:
    found = records(*DEVICES, fields={"site": {"slug": "{site}"}, "status": "active"}, within={"site": "ams1"})
    assert found == RecordSet(
        type="dcim.device",
        desired=(
            DesiredRecord(
                "dcim.device",
                {"name": "sw1"},
                {"site": {"slug": "ams1"}, "status": "active"},
                "terraform.output.devices[0]",
            ),
            DesiredRecord(
                "dcim.device",
                {"name": "sw2"},
                {"site": {"slug": None}, "status": "active"},
                "terraform.output.devices[1]",
            ),
        ),
        within={"site": "ams1"},
        source="terraform output devices of infra",
    )


def test_where_leaves_items_out_and_origins_keep_their_number() -> None:
    (record,) = records(*DEVICES, where="{name == 'sw2'}").desired
    assert record.origin == "terraform.output.devices[1]"
    assert [one.key["name"] for one in records(*DEVICES, where="{on}").desired] == ["sw1"]


def test_where_must_be_true_or_false() -> None:
    said = refusal({"name": "sw1", "on": "false"}, where="{on}")
    assert said == "terraform.output.devices[0]: `where` comes to text, and not to true or false"
    assert "comes to null" in refusal({"name": "sw1"}, where="{@.on}")
    assert "has no 'on'" in refusal({"name": "sw1"}, where="{on}")


def test_a_reading_that_is_not_whole_makes_a_set_that_is_not() -> None:
    found = records(*DEVICES, complete=False, reason="2 tainted")
    assert (found.complete, found.reason, len(found.desired)) == (False, "2 tainted", 2)


def test_a_set_without_records_says_why() -> None:
    assert (records().complete, records().reason) == (True, "the source is empty")
    assert records(*DEVICES, where="{name == 'x'}").reason == "no item fits `where`"
    assert records(complete=False, reason="never applied").reason == "never applied"


@pytest.mark.parametrize("value", [None, "", {}, [], {"slug": None}, {"site": {"slug": ""}}, [{"name": None}]])
def test_a_key_never_has_nothing_in_it(value: Any) -> None:
    said = refusal({"name": value})
    assert said == "terraform.output.devices[0] has nothing for the key's 'name' of its dcim.device"


def test_a_key_may_be_false_or_nought() -> None:
    assert [one.key["name"] for one in records({"name": 0}, {"name": False}, {"name": [0]}).desired] == [0, False, [0]]


def test_what_an_item_lacks_is_told_with_the_field_that_needs_it() -> None:
    said = refusal(*DEVICES, fields={"role": {"slug": "{rol}"}})
    assert said == ("terraform.output.devices[0] has no 'rol'; it has name, site, on (for 'role' of its dcim.device)")


@pytest.mark.parametrize(("item", "kind"), [("sw1", "text"), (3, "a number"), (None, "null"), ([], "a list")])
def test_items_are_objects(item: Any, kind: str) -> None:
    assert refusal(DEVICES[0], item) == f"terraform.output.devices[1] is {kind} and no object"


def test_a_source_has_at_most_so_many_items() -> None:
    assert "has 100,001 items" in refusal(*[DEVICES[0]] * (ITEMS_AT_MOST + 1))


@pytest.mark.parametrize(
    ("members", "path", "said"),
    [
        ({"key": {"name": "{a"}}, ("key", "name"), "a { without its }"),
        ({"fields": {"site": {"slug": ["{a..b}"]}}}, ("fields", "site", "slug", 0), "is no JMESPath expression"),
        ({"fields": {"name": "x"}}, ("fields", "name"), "'name' stands under `key` already"),
        ({"where": "yes"}, ("where",), "'yes' is the same for every item"),
        ({"where": "{a"}, ("where",), "a { without its }"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_told_with_its_place(
    members: dict[str, Any], path: tuple[str | int, ...], said: str
) -> None:
    with pytest.raises(TemplateProblem) as problem:
        parse_mapping(written(**members))
    assert problem.value.path == path
    assert said in problem.value.message


def test_all_that_is_wrong_with_all_mappings_is_listed() -> None:
    configuration = {
        "records": [
            written(),
            written(each="terraform.outptu.devices", key={"name": "{", "site": "{x y}"}),
            written(each=[{"name": "x"}]),
            written(each={"file": "x.csv"}, where="{`x`}"),
        ]
    }
    found = mapping_problems(configuration, SOURCES)
    assert [problem.path for problem in found] == [
        ("records", 1, "key", "name"),
        ("records", 1, "key", "site"),
        ("records", 1, "each"),
        ("records", 3, "where"),
    ]
    assert mapping_problems({}, SOURCES) == []


def test_a_source_is_found_by_the_longest_name_that_fits() -> None:
    assert source_of("terraform.output.devices", SOURCES) == ("terraform.output", "devices")
    assert source_of("ansible.facts", SOURCES) == ("ansible.facts", "")
    assert source_of("a.b.c.d", ("a", "a.b")) == ("a.b", "c.d")


def test_an_unknown_source_comes_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"there is no source 'terraform\.outptu\.devices'") as unknown:
        source_of("terraform.outptu.devices", SOURCES)
    assert unknown.value.hint.startswith("did you mean 'terraform.output'? ")
    with pytest.raises(InputError) as nothing:
        source_of("racks.csv", ())
    assert nothing.value.hint == "Sources that plugins offer: none; a file is written {file: racks.csv}"
