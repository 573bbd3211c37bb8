"""What deletes would take along or cut loose, and whether all of that is ours to lose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from infratrack.reconciliation.bases import Bases
from infratrack.reconciliation.canonical import mentions, same_value
from infratrack.reconciliation.naming import listed, plain
from infratrack.reconciliation.records import Dependent, Fields, LiveRecord, RecordPlan

_Key = tuple[str, str]
Dependents = Callable[[Sequence[LiveRecord]], Mapping[_Key, Sequence[Dependent]]]
"""`Inventory.dependents`."""
NOT_DESIRED: Final = "not desired any more"


class Around(Struct, frozen=True):
    """What else is known while deletes are decided."""

    wanted: Sequence[RecordPlan]
    """What happens to records that are desired."""
    same: Sequence[LiveRecord]
    held: Collection[_Key]
    """(type, id) of records that are not desired, and that are not deleted all the same."""
    bases: Bases


def with_cascades(
    deletes: Sequence[tuple[LiveRecord, RecordPlan]], around: Around, dependents: Dependents
) -> dict[_Key, RecordPlan]:
    """(type, id) → the delete with its cascade, or the conflict that it is; in the order of carrying out.

    `deletes` come with children's types before their parents'. Ours to lose: what is itself deleted, what we know and
    still carries our mark, what the server made along with a record of ours and nobody else wrote since; never what is
    still desired, unless the plan takes it away from the deleted record first.
    """
    if not deletes:
        return {}
    reached = dependents([live for live, _ in deletes])
    plans = {(live.type, live.id): (live, plan) for live, plan in deletes}
    ownership = _Ownership(around)
    conflicts: dict[_Key, RecordPlan] = {}
    going = dict.fromkeys(plans)
    while True:  # a delete that turns out to be a conflict can make one that reaches it a conflict too
        found = {}
        for key in going:
            live, plan = plans[key]
            foreign = [one for one in reached.get(key, ()) if not ownership.ours(one, live.key, going, conflicts)]
            if foreign:
                found[key] = _conflict(plan, reached[key], foreign)
        if not found:
            break
        conflicts |= found
        going = {key: None for key in going if key not in found}
    types = {key[0]: number for number, key in reversed(list(enumerate(going)))}
    # Within a type, what is inside another is reached by whatever reaches that other, so it reaches less itself.
    ordered = sorted(
        going, key=lambda key: (types[key[0]], sum((one.type, one.id) in going for one in reached.get(key, ())))
    )
    return {key: structs.replace(plans[key][1], cascade=tuple(reached.get(key, ()))) for key in ordered} | conflicts


class _Ownership:
    """Whether something that a delete reaches is ours to lose."""

    def __init__(self, around: Around) -> None:
        self._desired = {(one.type, one.id): one for one in around.wanted if one.id is not None}
        self._same = {(one.type, one.id) for one in around.same}
        self._held = around.held
        self._bases = around.bases

    def ours(self, one: Dependent, parent: Fields, going: Collection[_Key], conflicts: Collection[_Key]) -> bool:
        key = (one.type, one.id)
        if key in going:
            return True
        if key in conflicts or key in self._held or key in self._same:
            return False
        if key in self._desired:
            return _taken_away(self._desired[key], parent)
        if one.owned and one.id in self._bases.records.get(one.type, {}):
            return True
        return key in self._bases.children and self._bases.requests.issuperset(one.changed_by)


def _taken_away(plan: RecordPlan, parent: Fields) -> bool:
    """Whether a record that refers to the parent does not do so any more once its plan is carried out."""
    written = [one for one in plan.fields if one.verdict == "change" and _refers(one.live, parent)]
    return bool(written) and not any(_refers(one.desired, parent) for one in written)


def _refers(value: Any, key: Fields) -> bool:  # noqa: ANN401 -- any JSON value
    """Whether a record with this key is referred to somewhere in a value."""
    return any(
        all(name in key and same_value(part, key[name]) for name, part in one.items() if name != "type")
        for one in mentions(value)
        if one.keys() - {"type"}
    )


def _conflict(plan: RecordPlan, reached: Sequence[Dependent], foreign: Sequence[Dependent]) -> RecordPlan:
    since = ", written since it was made"
    names = listed(
        f"{plain(one.type)} {plain(one.display)} (id {plain(one.id)}{since if one.changed_by else ''})"
        for one in foreign
    )
    verb = "delete" if any(one.effect == "deleted" for one in foreign) else "cut loose"
    reason = f"{NOT_DESIRED}, but to delete it would {verb} what is not ours to lose: {names}"
    return structs.replace(plan, action="conflict", reason=reason, cascade=tuple(reached))
