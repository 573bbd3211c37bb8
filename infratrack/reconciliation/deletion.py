"""Records that nothing desires any more: whose they are, and whether they may be deleted or retired."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from infratrack.reconciliation.bases import Bases
from infratrack.reconciliation.canonical import canonical, items_of, same_value
from infratrack.reconciliation.cascade import NOT_DESIRED, Around, Dependents, with_cascades
from infratrack.reconciliation.comparison import compare_field, is_list, known
from infratrack.reconciliation.following import Following
from infratrack.reconciliation.naming import listed
from infratrack.reconciliation.policy import Policy
from infratrack.reconciliation.records import Action, Base, FieldPlan, LiveRecord, RecordPlan

Retirement = Callable[[str], tuple[str, Any] | None]
"""`Inventory.retirement`."""

ONLY_PRUNE: Final = f"{NOT_DESIRED}; only --prune deletes it"
UNMARKED: Final = f"{NOT_DESIRED}, but it does not carry this project's mark any more: somebody else has it"
STRANGE: Final = "it carries this project's mark, but no evidence of this project's says that it wrote it"
NEVER_OURS: Final = f"{NOT_DESIRED}; it never carried this project's mark"
MADE_BY_SERVER: Final = "the server made it along with a record of this project"


class Leftovers(Struct, frozen=True):
    """What is there of one type and not desired."""

    type: str
    gone: Mapping[str, LiveRecord]
    """Id → the record, known by evidence."""
    strange: Sequence[LiveRecord]
    reasons: tuple[str, ...] = ()
    """Why nothing of the type may be deleted or retired."""


class LeftoverPlans(Struct, frozen=True):
    """What is to happen to what is not desired."""

    unmanaged: tuple[RecordPlan, ...]
    """And those whose delete is a conflict."""
    retired: tuple[RecordPlan, ...]
    deleted: tuple[RecordPlan, ...]
    same: tuple[LiveRecord, ...]
    """Retired already."""
    refused: tuple[str, ...]


class _Candidate(Struct, frozen=True):
    """A record that is ours and not desired."""

    live: LiveRecord
    base: Base | None
    plan: RecordPlan


def leftover_plans(  # noqa: PLR0913, PLR0917 -- what a delete depends on
    leftovers: Sequence[Leftovers],
    wanted: Sequence[RecordPlan],
    same: Sequence[LiveRecord],
    bases: Bases,
    policy: Policy,
    retired_by: Mapping[str, tuple[str, Any] | None],
    dependents: Dependents,
    following: Following,
) -> LeftoverPlans:
    """Decide about everything that is not desired. `wanted`, `same`: what is, parents first."""
    unmanaged: list[RecordPlan] = []
    candidates: list[_Candidate] = []
    reasons: dict[str, tuple[str, ...]] = {}
    for one in leftovers:
        reasons[one.type] = one.reasons
        bound = bases.records.get(one.type, {})
        for live in (*one.gone.values(), *one.strange):
            base = bound.get(live.id) or _begun(live, bases)
            plan = _ownership(live, base, bases)
            if plan is not None:
                unmanaged.append(plan)
            else:
                candidates.append(_candidate(live, base, policy, retired_by[one.type], following))
    # Children come after their parents in the order of types: given up before them.
    candidates.reverse()
    refused: list[str] = []
    candidates = _refused_by_type(candidates, reasons, refused)
    candidates = _refused_by_number(candidates, bases, {one.type for one in leftovers}, policy, refused)
    going = [(one.live, one.plan) for one in candidates if one.plan.action == "delete" and one.plan.carried_out]
    held = {(one.live.type, one.live.id) for one in candidates}.difference((one.type, one.id) for one, _ in going)
    held.update((one.type, one.id or "") for one in unmanaged if one.action == "conflict")
    deletes = with_cascades(going, Around(wanted, same, held, bases), dependents)
    plans = [deletes.get((one.live.type, one.live.id), one.plan) for one in candidates]
    order = {key: number for number, key in enumerate(deletes)}
    return LeftoverPlans(
        tuple(unmanaged) + tuple(one for one in plans if one.action == "conflict"),
        tuple(one for one in plans if one.action == "change"),
        tuple(
            sorted(
                (one for one in plans if one.action == "delete"),
                key=lambda one: order.get((one.type, one.id or ""), -1),
            )
        ),
        tuple(one.live for one in candidates if one.plan.action == "same"),
        tuple(refused),
    )


def _begun(live: LiveRecord, bases: Bases) -> Base | None:
    """What is known of a record that a run which nobody saw ending set out to create: it is as it was to become."""
    started = bases.started.get(live.type, {}).get(canonical(live.key))
    if started is None or not started.intended or not live.owned:
        return None
    there = {**live.fields, **live.key}
    intended = started.intended.items()
    if any(name in there and not any(_alike(one, there[name]) for one in values) for name, values in intended):
        return None
    return structs.replace(started, id=live.id, fields={name: values[-1] for name, values in intended})


def _ownership(live: LiveRecord, base: Base | None, bases: Bases) -> RecordPlan | None:
    """The plan of a record that is not ours to give up; None where it is ours."""
    if base is not None and not live.owned:
        if not base.owned:
            return _plan(live, "unmanaged", NEVER_OURS)
        return _plan(live, "conflict", UNMARKED)
    if base is not None:
        return None
    child = (live.type, live.id) in bases.children
    if live.owned:
        return None if child else _plan(live, "unmanaged", STRANGE)
    return _plan(live, "unmanaged", MADE_BY_SERVER if child else "")


def _candidate(
    live: LiveRecord,
    base: Base | None,
    policy: Policy,
    retired_by: tuple[str, Any] | None,
    following: Following,
) -> _Candidate:
    """What giving up means for one record of ours."""
    if policy.prune:
        return _Candidate(live, base, _deleted(live, base, policy, following))
    if retired_by is None:
        return _Candidate(live, base, structs.replace(_deleted(live, base, policy, following), carried_out=False))
    return _Candidate(live, base, _retired(live, base, policy, *retired_by))


def _deleted(live: LiveRecord, base: Base | None, policy: Policy, following: Following) -> RecordPlan:
    """A delete rests on every field that we know; a value that is not ours makes it a conflict."""
    fields = rests_on(live, base, following, policy.take_ours)
    changed = [one.name for one in fields if one.verdict == "conflict"]
    if changed:
        reason = f"{NOT_DESIRED}, but {listed(changed)}: changed by somebody else since this project wrote it"
        return _plan(live, "conflict", reason, fields)
    return _plan(live, "delete", ONLY_PRUNE if not policy.prune else NOT_DESIRED, fields)


def rests_on(live: LiveRecord, base: Base | None, following: Following, taken: Collection[str] = ()) -> list[FieldPlan]:
    """Every field that we wrote, as it is now: `same`, or `conflict` where somebody else changed it."""
    if base is None:
        return []
    there = {**live.fields, **live.key}
    ours = following.base(base)
    plans = []
    for name, written in {**base.fields, **base.key}.items():
        intended = ours.intended.get(name, ())
        if name in there:
            found = following.live.followed(there[name])
            untouched = name in taken or any(_alike(one, found) for one in (known(ours, name), *intended))
            plans.append(FieldPlan(name, written, there[name], None, "same" if untouched else "conflict"))
        elif not intended:
            # Not read, because no mapping names it any more: the delete itself looks at it, and rests on it.
            plans.append(FieldPlan(name, written, written, None, "same"))
    return plans


def _alike(written: Any, found: Any) -> bool:  # noqa: ANN401 -- any JSON values
    """Whether nobody else changed a value, nor added an item."""
    if is_list(written, found):
        return items_of(written).keys() == items_of(found).keys()
    return same_value(written, found)


def _retired(live: LiveRecord, base: Base | None, policy: Policy, name: str, value: Any) -> RecordPlan:  # noqa: ANN401 -- any JSON value
    """Taken out of service: one field is changed, if it is as we left it."""
    there = {**live.fields, **live.key}
    written = {} if base is None else {**base.fields, **base.key}
    now = there.get(name, written.get(name))
    if same_value(now, value):
        return _plan(live, "same", "")
    fields = [FieldPlan(name, written.get(name), now, value, "change")]
    if base is not None and name in written and name in there and name not in policy.take_ours:
        compared = compare_field(name, written[name], now, value, base.intended.get(name, ()))
        fields = [] if compared is None else [compared]
        if compared is not None and compared.verdict == "conflict":
            reason = f"{NOT_DESIRED}, but {name}: changed by somebody else since this project wrote it"
            return _plan(live, "conflict", reason, fields)
    return _plan(live, "change", f"{NOT_DESIRED}: taken out of service; --prune deletes it", fields)


def _refused_by_type(
    candidates: Iterable[_Candidate], reasons: Mapping[str, tuple[str, ...]], refused: list[str]
) -> list[_Candidate]:
    decided = []
    for one in candidates:
        because = reasons[one.live.type]
        if not because or one.plan.action not in {"delete", "change"}:
            decided.append(one)
            continue
        sentence = f"nothing of {one.live.type} is deleted or taken out of service: {'; '.join(because)}"
        if sentence not in refused:
            refused.append(sentence)
        decided.append(_not_carried_out(one, f"{NOT_DESIRED}, but {sentence}"))
    return decided


def _refused_by_number(
    candidates: list[_Candidate], bases: Bases, types: Iterable[str], policy: Policy, refused: list[str]
) -> list[_Candidate]:
    count = sum(one.plan.carried_out and one.plan.action in {"delete", "change"} for one in candidates)
    bound = sum(len(bases.records.get(one, {})) for one in types)
    allowed = policy.max_deletes.allowed(bound)
    if count <= allowed:
        return candidates
    sentence = (
        f"{count} records would be deleted or taken out of service, and max_deletes allows {allowed}"
        f" of the {bound} that this project wrote"
    )
    refused.append(sentence)
    return [
        _not_carried_out(one, f"{NOT_DESIRED}, but {sentence}")
        if one.plan.carried_out and one.plan.action in {"delete", "change"}
        else one
        for one in candidates
    ]


def _not_carried_out(one: _Candidate, reason: str) -> _Candidate:
    return structs.replace(one, plan=structs.replace(one.plan, carried_out=False, reason=reason))


def _plan(
    live: LiveRecord,
    action: Action,
    reason: str,
    fields: Sequence[FieldPlan] = (),
) -> RecordPlan:
    return RecordPlan(live.type, live.key, action, live.id, tuple(fields), reason, live.version)
