"""Three values of one field: what we wrote last, what is there, what is desired. Whose is the difference?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from msgspec import structs

from infratrack.reconciliation.canonical import PLAIN, canonical, items_of, same_value
from infratrack.reconciliation.following import Following
from infratrack.reconciliation.records import Base, FieldPlan, Fields, Verdict

_NOTHING: Final = object()
_SAME_NAMES: Final = Following()


def agrees(desired: Fields, live: Fields) -> bool:
    """Whether every desired field is there as desired. Quick, and never wrongly yes."""
    for name, wanted in desired.items():
        found = live.get(name)
        if found is wanted:
            continue
        kind = type(wanted)
        if kind is type(found) and kind in PLAIN:
            if found != wanted:
                return False
        elif is_list(wanted, found):
            if found != wanted or canonical(found) != canonical(wanted):
                here = items_of(found)
                if any(item not in here for item in items_of(wanted)):
                    return False
        elif canonical(found) != canonical(wanted):
            return False
    return True


def is_list(*values: Any) -> bool:  # noqa: ANN401 -- any JSON values
    """Whether values of one field are to be compared item by item: one is a list, and the others are lists or null."""
    lists = [isinstance(one, (list, tuple)) for one in values]
    return any(lists) and all(one or value is None for one, value in zip(lists, values, strict=True))


def known(base: Base | None, name: str) -> Any:  # noqa: ANN401 -- any JSON value, or no value at all
    """What we wrote last to a field; `_NOTHING` where nothing is known."""
    if base is None:
        return _NOTHING
    found = base.fields.get(name, _NOTHING)
    return base.key.get(name, _NOTHING) if found is _NOTHING else found


def knows(base: Base, name: str, desired: Any) -> bool:  # noqa: ANN401 -- any JSON value
    """Whether what we wrote last to a field is what is desired of it now."""
    found = known(base, name)
    if found is _NOTHING:
        return False
    return items_of(found).keys() == items_of(desired).keys() if is_list(found, desired) else same_value(found, desired)


def compare(  # noqa: PLR0913 -- the three sides, and what decides between them
    desired: Fields,
    live: Mapping[str, Any],
    base: Base | None,
    *,
    made: bool = False,
    taken: Collection[str] = (),
    mark: str = "",
    following: Following = _SAME_NAMES,
) -> list[FieldPlan]:
    """The fields that differ, each with its verdict.

    `made`: the record came into being through us, so that values without a base are nobody's. `taken`: the fields whose
    conflicts a person decided for us. `mark`: the field that marks a record as ours, written on first contact too,
    unless somebody else's mark stands there.
    """
    plans = []
    ours = None if base is None else following.base(base)
    for name, wanted in desired.items():
        found = following.live.followed(live.get(name))
        plan = compare_field(name, known(ours, name), found, wanted, ours.intended.get(name, ()) if ours else ())
        if plan is None:
            continue
        if name in taken or (made and plan.verdict == "adopt"):
            plan = structs.replace(plan, verdict="change")
        elif name == mark and plan.verdict == "adopt":
            free = found is None or found == "" or is_list(found, wanted)
            plan = structs.replace(plan, verdict="change" if free else "conflict")
        plans.append(plan if is_list(found, wanted) else structs.replace(plan, live=live.get(name)))
    return plans


def compare_field(name: str, base: Any, live: Any, desired: Any, intended: tuple[Any, ...]) -> FieldPlan | None:  # noqa: ANN401 -- any JSON values
    """One field's plan; None where nothing is to be done."""
    if is_list(live, desired):
        return _compare_items(name, base, live, desired, intended)
    if same_value(live, desired):
        return None
    shown = None if base is _NOTHING else base
    if any(same_value(live, one) for one in intended):
        verdict: Verdict = "change"
    elif base is _NOTHING:
        verdict = "adopt"
    else:
        verdict = "change" if same_value(base, live) else "conflict"
    return FieldPlan(name, shown, live, desired, verdict)


def _compare_items(name: str, base: Any, live: Any, desired: Any, intended: tuple[Any, ...]) -> FieldPlan | None:  # noqa: ANN401 -- any JSON values
    """Items are owned one by one, and other people's are left alone. `base` of the plan: all that may be ours."""
    wanted, found, written = items_of(desired), items_of(live), items_of(base)
    begun = [items_of(one) for one in intended]
    ours = dict(written)
    for one in begun:
        ours |= one
    missing = [item for item in wanted if item not in found]
    surplus = [item for item in found if item in ours and item not in wanted]
    if not missing and not surplus:
        return None
    if base is _NOTHING and not begun:
        return FieldPlan(name, None, live, desired, "adopt")
    # What we wrote and is not there any more was taken out by somebody, unless we ourselves may have begun to.
    lost = any(item in written and all(item in one for one in begun) for item in missing)
    return FieldPlan(name, list(ours.values()), live, desired, "conflict" if lost else "change")
