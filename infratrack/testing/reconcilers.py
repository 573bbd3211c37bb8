"""The contract that every reconciler keeps, as a test class to inherit.

    from infratrack.testing.reconcilers import ReconcilerContract, Stand

    class TestInventoryFile(ReconcilerContract):
        @pytest.fixture
        def stand(self, tmp_path):
            return MyStand(tmp_path)

The stand is a CMDB for one test, with a way to look and to write behind the plugin's back. It may be empty but for what
the records need that refer to nothing of ours (a site, a role).
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.capture.sync_result import SyncFrame, sync_result
from infratrack.errors import InputError
from infratrack.reconciliation.bases import SyncRun, bases_of
from infratrack.reconciliation.interface import Inventory, ReconcileContext, Reconciler, WriteContext
from infratrack.reconciliation.pinning import plan_digest
from infratrack.reconciliation.planning import make_plan
from infratrack.reconciliation.policy import Policy
from infratrack.reconciliation.records import DesiredRecord, Fields, LiveRecord, RecordSet, SyncPlan, Write, Written
from infratrack.reconciliation.writes import writes_of

RUN = WriteContext("0199a000-0000-7000-8000-000000000001", "infratrack sync")


class Stand(abc.ABC):
    """A CMDB for one test; inherit it."""

    reconciler: Reconciler
    configuration: Mapping[str, Any]
    folder: Path
    environment: Mapping[str, str]
    secrets: tuple[str, ...]
    """What must never be told (the token)."""
    cache: Path | None = None
    """Where the plugin may keep what can be forgotten at any time."""
    type: str
    """A type of records."""
    text_field: str
    """A field of it that holds any short text."""
    list_field: str | None
    """A field of it that holds items, if it has one."""
    items: tuple[str, ...]
    """Three items that the list can hold."""

    @abc.abstractmethod
    def key(self, name: str) -> Fields:
        """The natural key of the record of that name."""

    @abc.abstractmethod
    def required(self, name: str) -> Fields:
        """What a new record needs beside its key, as a project file would say it."""

    @abc.abstractmethod
    def plant(self, name: str, **fields: Any) -> str:  # noqa: ANN401 -- any value of a field
        """Make a record behind the plugin's back; its id."""

    @abc.abstractmethod
    def edit(self, record_id: str, **fields: Any) -> None:  # noqa: ANN401 -- likewise
        """Change a record behind the plugin's back."""

    @abc.abstractmethod
    def look(self) -> Mapping[str, Mapping[str, Any]]:
        """What there is, behind the plugin's back: id → at least text field and list field (a sorted list)."""


def quiet(what: str, done: int, of: int) -> None:
    """Nobody watches."""


class ReconcilerContract:
    """Inherit it, and give the fixture `stand`."""

    @pytest.fixture
    def inventory(self, stand: Stand) -> Inventory:
        """The stand, opened."""
        return open_stand(stand)

    def test_it_can_be_named_in_a_project_file(self, stand: Stand) -> None:
        reconciler = stand.reconciler
        assert reconciler.name.isidentifier()
        assert reconciler.predicate_type == f"urn:infratrack:evidence:{reconciler.name}-sync:v1"

    def test_its_settings_are_described_and_the_configuration_fits(self, stand: Stand) -> None:
        schema = stand.reconciler.schema
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert schema["description"].endswith(".")
        assert schema["additionalProperties"] is False, "a misspelled setting must be reported"
        assert all(setting.get("description") for setting in schema["properties"].values())
        assert not {"records", "max_deletes"} & set(schema["properties"]), "core adds these"
        examples = [stand.configuration, *schema["examples"]]
        assert [error.message for one in examples for error in Draft202012Validator(schema).iter_errors(one)] == []

    def test_who_it_is_stays_the_same_and_holds_no_secret(self, stand: Stand) -> None:
        first, second = open_stand(stand), open_stand(stand)
        assert first.identity == second.identity
        assert first.identity.startswith(f"{stand.reconciler.name} ")
        told = f"{first.identity} {dict(first.description)}"
        assert not any(secret in told for secret in stand.secrets)

    def test_an_unknown_type_or_field_is_an_input_error_with_a_way_out(
        self, stand: Stand, inventory: Inventory
    ) -> None:
        wrong = [
            RecordSet(f"{stand.type}x", (DesiredRecord(f"{stand.type}x", {"name": "a"}, {}, "list[0]"),)),
            desired(stand, "a", **{f"{stand.text_field}x": "1"}),
            RecordSet(stand.type, desired(stand, "a").desired, within={"no_such_filter": "1"}),
        ]
        for records in wrong:
            with pytest.raises(InputError) as told:
                inventory.prepare([records])
            assert told.value.hint

    def test_preparing_adds_the_mark_and_preparing_again_changes_nothing(
        self, stand: Stand, inventory: Inventory
    ) -> None:
        prepared = prepare(inventory, desired(stand, "a", **{stand.text_field: "x"}))
        assert prepared.mark in prepared.desired[0].fields
        again = prepare(inventory, prepared)
        assert again.desired == prepared.desired

    def test_a_record_of_others_is_seen_and_is_not_ours(self, stand: Stand, inventory: Inventory) -> None:
        planted = stand.plant("theirs", **{stand.text_field: "hands off"})
        found = live(inventory, desired(stand, "theirs", **{stand.text_field: "x"}))
        assert [(one.id, one.owned, one.fields[stand.text_field]) for one in found if one.id == planted] == [
            (planted, False, "hands off")
        ]

    def test_what_is_created_is_there_marked_and_equal_to_what_was_desired(
        self, stand: Stand, inventory: Inventory
    ) -> None:
        records = prepare(inventory, desired(stand, "new", **{stand.text_field: "x"}))
        result = written(inventory, creation(records))
        assert result.outcome == "written", result.reason
        assert result.id in stand.look()
        assert result.requests
        (found,) = [one for one in live(inventory, records, result.id or "") if one.id == result.id]
        assert found.owned
        assert found.key == records.desired[0].key
        assert found.fields == records.desired[0].fields

    def test_creating_twice_makes_one_record(self, stand: Stand, inventory: Inventory) -> None:
        before = len(stand.look())
        records = prepare(inventory, desired(stand, "new", **{stand.text_field: "x"}))
        first, second = written(inventory, creation(records)), written(inventory, creation(records))
        assert first.outcome == "written"
        assert second.outcome in {"written", "moved"}, "it is there: done already, or not what the plan rested on"
        assert first.id == second.id
        assert len(stand.look()) == before + 1

    def test_an_update_writes_its_fields_and_says_before_and_after(self, stand: Stand, inventory: Inventory) -> None:
        made, records = made_record(stand, inventory)
        result = written(inventory, update(records, made, {stand.text_field: "y"}, {stand.text_field: "x"}))
        assert (result.outcome, result.id) == ("written", made.id)
        assert result.before[stand.text_field] == "x"
        assert result.after[stand.text_field] == "y"
        assert stand.look()[made.id or ""][stand.text_field] == "y"

    def test_an_update_that_rests_on_what_is_no_longer_so_is_not_made(self, stand: Stand, inventory: Inventory) -> None:
        made, records = made_record(stand, inventory)
        stand.edit(made.id or "", **{stand.text_field: "edited"})
        result = written(inventory, update(records, made, {stand.text_field: "y"}, {stand.text_field: "x"}))
        assert result.outcome == "moved"
        assert result.reason
        assert stand.look()[made.id or ""][stand.text_field] == "edited"

    def test_a_renamed_record_keeps_its_id(self, stand: Stand, inventory: Inventory) -> None:
        made, _ = made_record(stand, inventory)
        renamed = prepare(inventory, desired(stand, "renamed", **{stand.text_field: "x"}))
        changed = {name: value for name, value in renamed.desired[0].key.items() if value != stand.key("new").get(name)}
        result = written(inventory, update(renamed, made, changed, {}))
        assert (result.outcome, result.id) == ("written", made.id)
        assert len(live(inventory, renamed, made.id or "")) == len(stand.look())

    def test_items_of_others_stay(self, stand: Stand, inventory: Inventory) -> None:
        if stand.list_field is None:
            pytest.skip("its records hold no lists")
        ours, theirs, new = stand.items
        made, records = made_record(stand, inventory, **{stand.list_field: [ours]})
        stand.edit(
            made.id or "", **{stand.list_field: sorted({*stand.look()[made.id or ""][stand.list_field], theirs})}
        )
        change = Write(
            "update", stand.type, records.desired[0].key, id=made.id,
            add={stand.list_field: [new]}, remove={stand.list_field: [ours]},
        )  # fmt: skip
        assert written(inventory, change).outcome == "written"
        items = stand.look()[made.id or ""][stand.list_field]
        assert {theirs, new} <= set(items)
        assert ours not in items

    def test_what_was_deleted_is_gone_and_can_be_brought_back(self, stand: Stand, inventory: Inventory) -> None:
        made, records = made_record(stand, inventory)
        removal = Write(
            "delete", stand.type, records.desired[0].key, id=made.id, version=version_of(inventory, records, made)
        )
        result = written(inventory, removal)
        assert result.outcome == "written"
        assert made.id not in stand.look()
        assert written(inventory, removal).outcome == "written", "deleting what is gone is no failure"
        back = written(inventory, Write("create", stand.type, records.desired[0].key, fields=result.prior))
        assert back.outcome == "written", back.reason
        (found,) = [one for one in live(inventory, records, back.id or "") if one.id == back.id]
        assert found.fields == records.desired[0].fields

    def test_once_canceled_nothing_is_written(self, stand: Stand) -> None:
        inventory = open_stand(stand, canceled=lambda: True)
        before = stand.look()
        records = prepare(inventory, desired(stand, "new", **{stand.text_field: "x"}))
        assert list(inventory.write([creation(records)], RUN)) == []
        assert stand.look() == before

    def test_stopped_at_any_point_a_second_run_finishes_and_duplicates_nothing(self, stand: Stand) -> None:
        wanted = joined([desired(stand, f"new-{number}", **{stand.text_field: "x"}) for number in range(4)])
        before = len(stand.look())
        lost = Story(stand)
        under_way = lost.inventory.write([write for _, write in writes_of(lost.plan(wanted))], RUN)
        assert next(under_way).outcome == "written"
        close: Callable[[], None] = getattr(under_way, "close", lambda: None)
        close()
        second = Story(stand)
        second.sync(wanted)
        assert len(stand.look()) == before + 4
        assert second.plan(wanted).records == ()

    def test_what_was_written_is_the_same_when_it_is_planned_again(self, stand: Stand) -> None:
        story = Story(stand)
        wanted = [desired(stand, name, **{stand.text_field: "x"}) for name in ("one", "two")]
        first = story.sync(wanted)
        assert first.summary.create >= 2  # noqa: PLR2004 -- two, and what the plugin needs for its mark
        again = story.plan(wanted)
        assert again.records == ()
        assert again.summary.same >= 2  # noqa: PLR2004 -- likewise

    def test_an_edit_of_others_is_a_conflict_and_survives(self, stand: Stand) -> None:
        story = Story(stand)
        story.sync([desired(stand, "one", **{stand.text_field: "x"})])
        (record_id,) = [found for found, fields in stand.look().items() if fields[stand.text_field] == "x"]
        stand.edit(record_id, **{stand.text_field: "edited"})
        plan = story.sync([desired(stand, "one", **{stand.text_field: "y"})])
        (record,) = [one for one in plan.records if one.type == stand.type]
        assert (record.action, record.id) == ("conflict", record_id)
        assert stand.look()[record_id][stand.text_field] == "edited"
        story.sync([desired(stand, "one", **{stand.text_field: "y"})], Policy(take_ours=frozenset({stand.text_field})))
        assert stand.look()[record_id][stand.text_field] == "y"

    def test_a_record_of_others_is_taken_over_by_marking_it_and_its_other_fields_wait(self, stand: Stand) -> None:
        planted = stand.plant("theirs", **{stand.text_field: "hands off"})
        story = Story(stand)
        wanted = [desired(stand, "theirs", **{stand.text_field: "x"})]
        plan = story.sync(wanted)
        (record,) = [one for one in plan.records if one.type == stand.type]
        assert (record.action, record.id) == ("adopt", planted)
        assert stand.look()[planted][stand.text_field] == "hands off"
        (found,) = [one for one in live(story.inventory, prepare(story.inventory, wanted[0])) if one.id == planted]
        assert found.owned

    def test_what_was_renamed_by_others_is_the_same_record(self, stand: Stand) -> None:
        story = Story(stand)
        story.sync([desired(stand, "one", **{stand.text_field: "x"})])
        before = set(stand.look())
        plan = story.sync([desired(stand, "uno", **{stand.text_field: "x"})])
        assert plan.summary.delete == 0
        assert len(stand.look()) == len(before) + plan.summary.create

    def test_only_what_is_ours_is_deleted(self, stand: Stand) -> None:
        planted = stand.plant("theirs", **{stand.text_field: "hands off"})
        story = Story(stand)
        both = [desired(stand, "one", **{stand.text_field: "x"}), desired(stand, "two", **{stand.text_field: "y"})]
        story.sync(joined(both))
        story.sync(joined(both[:1]), Policy(prune=True))
        left = {fields[stand.text_field] for fields in stand.look().values()}
        assert "hands off" in left
        assert {"x", "y"} & left == {"x"}
        assert planted in stand.look()


class Story:
    """One project's syncs of a stand, each resting on what the ones before it left as evidence."""

    def __init__(self, stand: Stand) -> None:
        self.inventory = open_stand(stand)
        self._runs: list[SyncRun] = []

    def plan(self, sets: Sequence[RecordSet], policy: Policy = Policy()) -> SyncPlan:  # noqa: B008 -- a frozen value
        """What `infratrack sync` would show."""
        bases = bases_of(self._runs, self.inventory.identity)
        prepared = self.inventory.prepare(sets)
        readings = self.inventory.read(prepared, bases.bound)
        retirement, dependents = self.inventory.retirement, self.inventory.dependents
        name = self.inventory.identity.partition(" ")[0]
        return make_plan(name, self.inventory.identity, prepared, readings, bases, policy, retirement, dependents)

    def sync(self, sets: Sequence[RecordSet], policy: Policy = Policy()) -> SyncPlan:  # noqa: B008 -- a frozen value
        """What `infratrack sync --apply` would do; returns the plan that was carried out."""
        plan = self.plan(sets, policy)
        writes = [write for _, write in writes_of(plan)]
        came = {one.number: one for one in self.inventory.write(writes, RUN)}
        assert [one.reason for one in came.values() if one.outcome != "written"] == []
        assert len(came) == len(writes)
        frame = SyncFrame(plan.cmdb, plan.identity, self.inventory.description, plan_digest(plan), plan.summary)
        result = sync_result(frame, writes, came, plan.bindings, NoSecrets(), otherwise="not_reached")
        self._runs.append(SyncRun(f"run-{len(self._runs)}", result))
        return plan


class NoSecrets:
    """A scrubber that knows no secrets."""

    def text(self, text: str) -> str:
        """The text as it is."""
        return text

    def json(self, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
        """The value as it is."""
        return value


def joined(sets: Sequence[RecordSet]) -> list[RecordSet]:
    """Sets of one type as one mapping makes them."""
    return [RecordSet(sets[0].type, tuple(record for one in sets for record in one.desired), source="a list")]


def open_stand(stand: Stand, *, canceled: Callable[[], bool] = lambda: False) -> Inventory:
    """Open the stand's CMDB as `infratrack sync` does."""
    context = ReconcileContext(stand.configuration, stand.folder, stand.environment, quiet, stand.cache, canceled)
    return stand.reconciler.open(context)


def desired(stand: Stand, name: str, **fields: Any) -> RecordSet:  # noqa: ANN401 -- any value of a field
    """One desired record, as a mapping of the project file would make it."""
    record = DesiredRecord(stand.type, stand.key(name), {**stand.required(name), **fields}, f"list[{name}]")
    return RecordSet(stand.type, (record,), source="a list")


def prepare(inventory: Inventory, records: RecordSet) -> RecordSet:
    """The set that holds the same records, prepared (the plugin may put others before it)."""
    found = [one for one in inventory.prepare([records]) if one.type == records.type]
    assert len(found) == 1
    return found[0]


def live(inventory: Inventory, records: RecordSet, *bound: str) -> list[LiveRecord]:
    """What the CMDB has for these records."""
    (reading,) = inventory.read([records], {records.type: bound})
    assert reading.complete, reading.reason
    return list(reading.live)


def creation(records: RecordSet) -> Write:
    """The write that makes the one record of a prepared set."""
    (record,) = records.desired
    return Write("create", record.type, record.key, fields={**record.key, **record.fields})


def update(records: RecordSet, made: Written, fields: Fields, expected: Fields) -> Write:
    """The write that sets some fields of a record that was made."""
    return Write("update", records.type, records.desired[0].key, id=made.id, fields=fields, expected=expected)


def version_of(inventory: Inventory, records: RecordSet, made: Written) -> str:
    """The record's version now."""
    return next(one.version for one in live(inventory, records, made.id or "") if one.id == made.id)


def written(inventory: Inventory, *writes: Write) -> Written:
    """What came of the last of some writes."""
    return list(inventory.write(writes, RUN))[-1]


def made_record(stand: Stand, inventory: Inventory, **fields: Any) -> tuple[Written, RecordSet]:  # noqa: ANN401 -- likewise
    """A record named `new` that the plugin has made, its text `x`."""
    records = prepare(inventory, desired(stand, "new", **{stand.text_field: "x", **fields}))
    made = written(inventory, creation(records))
    assert made.outcome == "written", made.reason
    return made, records
