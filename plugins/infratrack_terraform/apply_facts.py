"""What an apply did, address by address: the plan joined with the state before and after. Pure.

- *applied*: changed as planned, or new, and not tainted
- *failed*: tainted, or destroyed and not made again
- *notReached*: planned, and unchanged in the state
- *unchanged*: planned as no change
- *unknown*: nobody can tell (the state was not read, others moved it, the run was killed)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from infratrack.api import Outcome
from infratrack_terraform.plan import Action, PlanFacts, ResourceFact
from infratrack_terraform.state import Instance, StateFacts

Result = Literal["applied", "failed", "notReached", "unchanged", "unknown"]
Presence = Literal["present", "absent", "tainted", "unknown"]


class ApplyFact(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What happened to one address, and what is there now."""

    address: str
    type: str
    provider: str
    action: Action
    result: Result
    presence: Presence
    changed: tuple[str, ...] = ()
    reason: str | None = None
    previous_address: str | None = None


class ApplyJoin(Struct, frozen=True):
    """What there is to join. A state is None where it was not read; `reported` is what Terraform's own stream said."""

    outcome: Outcome
    plan: PlanFacts | None = None
    before: StateFacts | None = None
    after: StateFacts | None = None
    stale: bool = False
    """The state had moved between plan and apply: Terraform refuses such a plan, so it did nothing."""
    reported: Mapping[str, Result] = {}


def apply_facts(join: ApplyJoin) -> tuple[ApplyFact, ...]:
    """One fact for each address that the apply touched.

    Touched are the addresses in the plan, no change included; without a plan those whose state changed.
    """
    if join.plan is not None:
        managed = [fact for fact in join.plan.resources if fact.mode == "managed" and not fact.deposed]
        return tuple(_planned(fact, join) for fact in managed)
    if join.before is None or join.after is None:
        return ()
    return tuple(_moved(join.before.instances, join.after.instances))


def _planned(fact: ResourceFact, join: ApplyJoin) -> ApplyFact:
    action = fact.action
    now = join.after.instances.get(fact.address) if join.after is not None else None
    result = _result(fact, action, join)
    return ApplyFact(
        address=fact.address,
        type=fact.type,
        provider=fact.provider,
        action=action,
        result=result,
        presence=_presence(action, result, now, seen=join.after is not None),
        changed=fact.changed,
        reason=fact.reason,
        previous_address=fact.previous_address,
    )


def _result(fact: ResourceFact, action: Action, join: ApplyJoin) -> Result:
    if join.stale:
        return "unchanged" if action == "no-op" else "notReached"
    if fact.address in join.reported:
        return join.reported[fact.address]
    if join.outcome == "succeeded" and join.after is None:
        return _unseen_success(action)
    if join.after is None:
        return "unchanged" if action == "no-op" and join.outcome != "indeterminate" else "unknown"
    now = join.after.instances.get(fact.address)
    then = None if join.before is None else join.before.instances.get(fact.previous_address or fact.address)
    if join.before is None and join.outcome != "succeeded" and action not in {"create", "delete", "no-op"}:
        return "failed" if now is not None and now.tainted else "unknown"
    result = _compared(action, then, now, succeeded=join.outcome == "succeeded")
    # A killed Terraform may have changed the world and not the state: never read as unchanged.
    return "unknown" if result == "notReached" and join.outcome == "indeterminate" else result


def _unseen_success(action: Action) -> Result:
    """Exit code 0 says that everything planned was done."""
    if action == "unknown":
        return "unknown"
    return "unchanged" if action == "no-op" else "applied"


def _compared(action: Action, then: Instance | None, now: Instance | None, *, succeeded: bool) -> Result:
    moved = now is not None and (then is None or then.fingerprint != now.fingerprint or then.tainted != now.tainted)
    match action:
        case "no-op":
            return "unchanged" if now is not None else "unknown"
        case "delete" | "forget":
            return "applied" if now is None else "notReached"
        case "create" | "update" | "replace":
            if now is None:
                return "failed" if then is not None else ("unknown" if succeeded else "notReached")
            if now.tainted or now.deposed:
                return "failed" if moved or then is None else "notReached"
            return "applied" if moved or succeeded else "notReached"
        case _:
            return "unknown"


def _presence(action: Action, result: Result, now: Instance | None, *, seen: bool) -> Presence:
    if seen:
        if now is None:
            # No longer in the state is no longer managed; only a deletion says that it is gone from the world.
            return "unknown" if action == "forget" or (result == "unknown" and action == "unknown") else "absent"
        return "tainted" if now.tainted or now.deposed else "present"
    if result == "applied":
        return {"delete": "absent", "forget": "unknown"}.get(action, "present")  # type: ignore[return-value]  # literals
    return "present" if result == "unchanged" else "unknown"


def _moved(before: Mapping[str, Instance], after: Mapping[str, Instance]) -> list[ApplyFact]:
    """Without a plan: every address whose state changed."""
    facts: list[ApplyFact] = []
    for address in sorted({*before, *after}):
        then, now = before.get(address), after.get(address)
        if now is None:
            gone = before[address]
            facts.append(ApplyFact(address, gone.type, gone.provider, "delete", "applied", "absent"))
        elif then is None or then.fingerprint != now.fingerprint or then.tainted != now.tainted:
            damaged = now.tainted or now.deposed
            facts.append(
                ApplyFact(
                    address,
                    now.type,
                    now.provider,
                    "create" if then is None else "update",
                    "failed" if damaged else "applied",
                    "tainted" if damaged else "present",
                )
            )
    return facts
