"""Evidence folded into what was written last."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.evidence.redaction.scrubber import MASK
from infratrack.reconciliation.bases import SyncRun, bases_of
from infratrack.reconciliation.known_records import KnownRecords
from infratrack.reconciliation.records import Base

WHERE = "model http://cmdb.example"


def run(number: int, *records: Any, **more: Any) -> SyncRun:
    return SyncRun(f"run-{number}", {"identity": WHERE, "records": list(records), **more})


def entry(action: str, outcome: str = "written", record_id: str | None = "1", **more: Any) -> dict[str, Any]:
    return {
        "type": "d", "id": record_id, "key": {"name": "a"}, "action": action, "outcome": outcome, "fields": [], **more,
    }  # fmt: skip


def values(**after: Any) -> list[dict[str, Any]]:
    return [{"name": name, "after": value} for name, value in after.items()]


def base_of(*runs: SyncRun) -> Base:
    return bases_of(runs, WHERE).records["d"]["1"]


def test_the_last_written_value_counts() -> None:
    found = base_of(
        run(1, entry("create", fields=values(name="a", x=1, y=2))), run(2, entry("change", fields=values(x=3)))
    )
    assert (found.key, found.fields, found.run) == ({"name": "a"}, {"x": 3, "y": 2}, "run-2")


def test_another_cmdb_is_another_matter() -> None:
    assert bases_of([run(1, entry("create"))], "model http://elsewhere").records == {}


def test_items_of_a_list_are_kept_by_what_was_added_and_taken_out() -> None:
    found = base_of(
        run(1, entry("create", fields=[{"name": "tags", "after": ["x", "y"]}])),
        run(
            2, entry("change", fields=[{"name": "tags", "after": ["y", "z", "theirs"], "add": ["z"], "remove": ["x"]}])
        ),
    )
    assert found.fields["tags"] == ["y", "z"]


def test_a_rename_moves_the_key_and_what_referred_to_it() -> None:
    port: dict[str, Any] = {"type": "port", "id": "9", "key": {"device": {"name": "a"}, "name": "1"}}
    runs = [
        run(1, entry("create"), entry("create", **port, record_id="9", fields=values(peer={"name": "a"}))),
        run(2, entry("change", key={"name": "b"}, fields=values(name="b"))),
    ]
    found = bases_of(runs, WHERE)
    assert found.records["d"]["1"].key == {"name": "b"}
    assert found.records["port"]["9"].key == {"device": {"name": "b"}, "name": "1"}
    assert found.records["port"]["9"].fields == {"peer": {"name": "b"}}


def test_a_key_of_other_fields_keeps_what_was_known_and_names_nothing_anew() -> None:
    found = base_of(
        run(1, entry("create", fields=values(serial="s"))),
        run(2, entry("change", key={"serial": "s"}, fields=values(x=1))),
    )
    assert (found.key, found.fields) == ({"serial": "s"}, {"serial": "s", "name": "a", "x": 1})
    assert (
        bases_of([run(1, entry("create")), run(2, entry("change", key={"serial": "s"}))], WHERE).records["d"]["1"].key
    )


def test_what_a_lost_run_may_have_written_is_remembered_until_it_is_known() -> None:
    made = run(1, entry("create", fields=values(x=1, tags=["a"])))
    lost = run(2, entry("change", "intended", fields=[*values(x=2), {"name": "tags", "add": ["b"], "after": []}]))
    assert base_of(made, lost).intended == {"x": (2,), "tags": (["a", "b"],)}
    assert base_of(made, lost, run(3, entry("change", "unknown", fields=values(x=3)))).intended["x"] == (2, 3)
    seen = base_of(made, lost, run(3, entry("bind", fields=values(x=2))))
    assert (seen.fields["x"], seen.intended) == (2, {"tags": (["a", "b"],)})


def test_a_lost_change_of_a_record_that_was_never_bound_is_remembered_by_its_key() -> None:
    found = bases_of([run(1, entry("change", "unknown", fields=values(x=2)))], WHERE)
    assert found.records == {}
    ((started,),) = [list(one.values()) for one in found.started.values()]
    assert (started.id, started.intended) == ("", {"x": (2,)})


def test_a_create_with_an_id_of_which_nothing_else_is_known_is_bound() -> None:
    assert base_of(run(1, entry("create", "unknown", fields=values(x=2)))).intended == {"x": (2,)}


def test_a_create_that_was_not_done_is_one_that_we_set_out_to_do_and_wrote_nothing() -> None:
    begun = run(1, entry("create", "intended", None, fields=values(x=1)))
    failed = run(2, entry("create", "failed", None, fields=values(x=9)))
    ((started,),) = [list(one.values()) for one in bases_of([begun, failed], WHERE).started.values()]
    assert started.intended == {"x": (1,)}
    assert bases_of([failed, run(3, entry("create"))], WHERE).started == {}
    assert bases_of([run(1, entry("change", "failed"))], WHERE).records == {}


def test_a_delete_is_forgotten_and_children_and_requests_are_known() -> None:
    children = [{"type": "p", "id": "7", "display": "mgmt"}, {"type": "p", "id": 8}, 5]
    found = bases_of([run(1, entry("create", children=children), requests=["r1", 2]), run(2, entry("delete"))], WHERE)
    assert (found.records, set(found.children), set(found.requests)) == ({}, {("p", "7")}, {"r1"})
    assert bases_of([run(1, entry("create"))], WHERE).bound["d"]


def test_a_value_that_was_kept_out_of_the_evidence_is_not_known() -> None:
    found = base_of(
        run(1, entry("create", fields=values(hidden="old", x=1))),
        run(2, entry("change", fields=[*values(hidden=MASK), {"name": "list", "add": [MASK]}])),
    )
    assert found.fields == {"x": 1}


def test_what_was_agreed_without_the_mark_is_not_owned_until_it_is_written() -> None:
    agreed = run(1, entry("bind", owned=False))
    assert not base_of(agreed).owned
    assert base_of(agreed, run(2, entry("change", fields=values(x=1)))).owned


def test_what_stood_in_a_field_that_we_took_is_remembered() -> None:
    taken = [{"name": "status", "before": "staged", "after": "decommissioning"}]
    assert base_of(run(1, entry("create")), run(2, entry("change", fields=taken))).before == {"status": "staged"}


def test_an_undo_gives_back_what_we_had_not_known() -> None:
    made = run(1, entry("create", fields=values(x=1)))
    taken = run(2, entry("change", fields=[{"name": "y", "before": 5, "after": 6}, {"name": "x", "after": 2}]))
    back = run(3, entry("change", fields=values(y=5, x=1)), undoes="run-2")
    assert base_of(made, taken, back).fields == {"x": 1}
    assert base_of(run(1, entry("bind")), back).fields == {"y": 5, "x": 1}


def test_an_undo_of_a_record_that_was_first_met_leaves_nothing_known() -> None:
    met = run(1, entry("change", fields=values(x=2)))
    assert base_of(met, run(2, entry("change", fields=values(x=1)), undoes="run-1")).fields == {}
    gone = run(2, entry("delete"), undoes="run-1")
    assert bases_of([run(1, entry("create")), gone], WHERE).records == {}


@pytest.mark.parametrize("result", [None, 5, [], {}, {"identity": 3}, {"identity": WHERE, "records": 4, "requests": 1}])
def test_what_is_no_evidence_of_a_sync_is_passed_over(result: Any) -> None:
    assert bases_of([SyncRun("run", result)], WHERE).records == {}


@pytest.mark.parametrize(
    "broken",
    [
        {"type": 5},
        {"id": 5},
        {"key": "a"},
        {"action": None},
        {"outcome": []},
        {"action": "explode"},
        {"outcome": "exploded"},
        {"id": None},
    ],
)
def test_a_record_of_another_shape_is_passed_over(broken: dict[str, Any]) -> None:
    found = bases_of([run(1, {**entry("create"), **broken}, "no record")], WHERE)
    assert (found.records, found.started) == ({}, {})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "after", "add", "id", "x"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.just("d") | anything, "key": st.dictionaries(st.just("name"), anything)},
            optional={
                "id": st.just("1") | anything,
                "action": st.sampled_from(["create", "change", "bind", "delete", "adopt"]) | anything,
                "outcome": st.sampled_from(["written", "intended", "failed", "unknown"]) | anything,
                "fields": st.lists(
                    st.fixed_dictionaries(
                        {"name": st.text(max_size=1)},
                        optional={"after": anything, "add": anything, "remove": anything, "before": anything},
                    )
                )
                | anything,
                "children": anything,
                "prior": anything,
            },
        ),
        max_size=4,
    )
)
def test_whatever_stands_in_evidence_it_is_read_without_harm(records: list[Any]) -> None:
    found = bases_of([run(1, *records), run(2, *records, undoes="run-1")], WHERE)
    for of_type in found.records.values():
        assert all(isinstance(base, Base) for base in of_type.values())


def test_many_records_are_held_small_and_come_back_whole() -> None:
    plain = Base("d", "1", {"name": "a"}, {"x": [1, {"y": None}]}, run="r")
    more = Base("d", "2", {"name": "b"}, {"x": "\ud800"})
    begun = Base("d", "3", {"name": "c"}, intended={"x": (1,)})
    known = KnownRecords([plain, more, begun])
    assert dict(known) == {"1": plain, "2": more, "3": begun}
    assert len(known) == 3
    assert ["1" in known, "3" in known, "4" in known] == [True, True, False]
    assert known.get("4") is None
    assert known.holds_exactly("1", b'{"name":"a"}', b'{"x":[1,{"y":null}]}')
    assert not known.holds_exactly("1", b'{"name":"a"}', b"{}")
    assert not known.holds_exactly("3", b'{"name":"c"}', b"{}")
