"""Two mappings of one type see the same records in different shapes."""

from __future__ import annotations

from infratrack.reconciliation.bases import Bases
from infratrack.reconciliation.planning import make_plan
from infratrack.reconciliation.policy import Policy
from infratrack.reconciliation.records import Base, DesiredRecord, LiveRecord, Reading, RecordSet, SyncPlan

SHORT = {"status": "active"}
LONG = {"status": "active", "serial": "S-1", "site": {"slug": "ams1"}}
BASE = Base("device", "7", {"name": "leaf-01"}, LONG)


def live(serial: str = "S-1") -> list[Reading]:
    """Record 7 as a mapping without and one with serial and site read it, and a record of the first mapping's."""
    other = LiveRecord("device", "1", {"name": "core"}, {"status": "active", "site": {"name": "Amsterdam"}}, owned=True)
    short = {"status": "active", "site": {"name": "Amsterdam"}}
    return [
        Reading([other, LiveRecord("device", "7", {"name": "leaf-01"}, short, owned=True)]),
        Reading([LiveRecord("device", "7", {"name": "leaf-01"}, {**LONG, "serial": serial}, owned=True)]),
    ]


def planned(*desired: DesiredRecord, serial: str = "S-1", prune: bool = False) -> SyncPlan:
    first = DesiredRecord("device", {"name": "core"}, {"status": "active", "site": {"name": "Amsterdam"}})
    known = Base("device", "1", {"name": "core"}, {"status": "active", "site": {"name": "Amsterdam"}})
    keeper = DesiredRecord("device", {"name": "keep"}, {"status": "planned", "serial": "S-9", "site": {"slug": "par1"}})
    return make_plan(
        "model",
        "model x",
        [RecordSet("device", (first,)), RecordSet("device", (*desired, keeper))],
        live(serial),
        Bases({"device": {"7": BASE, "1": known}}),
        Policy(prune=prune),
        lambda _type: None,
        lambda _records: {},
    )


def test_a_rename_is_compared_in_the_shape_of_its_own_mapping() -> None:
    plan = planned(DesiredRecord("device", {"name": "Leaf-01"}, LONG))
    (renamed,) = [one for one in plan.records if one.id == "7"]
    assert renamed.action == "change"
    assert [(field.name, field.live, field.desired) for field in renamed.fields] == [("name", "leaf-01", "Leaf-01")]


def test_what_is_given_up_is_compared_in_all_fields_that_any_mapping_reads() -> None:
    (gone,) = [one for one in planned(prune=True).records if one.id == "7"]
    assert (gone.action, gone.carried_out) == ("delete", True)
    (edited,) = [one for one in planned(serial="HANDEDIT", prune=True).records if one.id == "7"]
    assert edited.action == "conflict"
    assert "serial" in edited.reason
