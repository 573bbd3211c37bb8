"""A run's facts put together as the `result` of its evidence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from infratrack_terraform.apply_facts import ApplyFact, ApplyJoin, apply_facts
from infratrack_terraform.plan import PlanFacts
from infratrack_terraform.plan_file import Mode, PlanFile
from infratrack_terraform.state import StateFacts
from infratrack_terraform.wanted import WantedValues

_DESTRUCTIVE = frozenset({"delete", "replace"})


class Setting(Struct, frozen=True):
    """Where a command ran and what it was asked to look at."""

    root: str
    workspace: str
    mode: Mode = "normal"
    targeted: bool = False
    refreshed: bool = True


def setting_result(setting: Setting) -> dict[str, Any]:
    """What is known of every run, whatever else could not be read."""
    return {
        "root": setting.root,
        "workspace": setting.workspace,
        "mode": setting.mode,
        "targeted": setting.targeted,
    }


def with_plan(setting: Setting, plan: PlanFacts | None, file: PlanFile | None) -> Setting:
    """The setting, corrected by what the plan itself says (its command line may be long gone)."""
    mode = setting.mode
    if mode == "normal" and file is not None and file.mode is not None:
        mode = file.mode
    elif mode == "normal" and plan is not None:
        mode = "refresh-only" if plan.refresh_only else "destroy" if plan.destroys else "normal"
    return msgspec.structs.replace(
        setting, mode=mode, targeted=setting.targeted or bool(file is not None and file.targeted)
    )


def plan_result(
    setting: Setting, plan: PlanFacts | None, file: PlanFile | None, *, pending: bool | None = None
) -> dict[str, Any]:
    """The `result` of a plan's evidence; `pending` is what the exit code alone says."""
    setting = with_plan(setting, plan, file)
    result: dict[str, Any] = {**setting_result(setting), "refreshed": setting.refreshed}
    if file is not None:
        result |= {"planDigest": file.digest, **_origin(file, "serial")}
    if pending is not None:
        result["pending"] = pending
    if plan is None:
        return result
    counts = plan.counts()
    result |= {
        "formatVersion": plan.format_version,
        "complete": plan.complete,
        "errored": plan.errored,
        "applyable": plan.applyable,
        "counts": counts,
        "deletes": sum(counts.get(action, 0) for action in _DESTRUCTIVE),
        "resources": msgspec.to_builtins(list(plan.resources)),
        "outputs": list(plan.outputs),
        "checks": list(plan.checks),
        "attributes": list(plan.attributes),
    }
    if setting.mode != "refresh-only":
        result["changes"] = _pending_changes(plan)
    if plan.drift_reported and setting.refreshed:
        result |= {"drift": msgspec.to_builtins(list(plan.drift)), "drifted": len(plan.drift)}
    return result


def _pending_changes(plan: PlanFacts) -> int:
    resources = sum(
        1
        for fact in plan.resources
        if fact.mode == "managed" and (fact.action != "no-op" or fact.importing or fact.deferred)
    )
    return resources + sum(1 for output in plan.outputs if output["actions"] != ["no-op"])


def _origin(file: PlanFile, serial: str) -> dict[str, Any]:
    if file.serial is None or file.lineage is None:
        return {}
    lineage = {"lineage": file.lineage} if file.lineage else {}
    return {serial: file.serial, **lineage}


def apply_result(
    setting: Setting, join: ApplyJoin, file: PlanFile | None, wanted: WantedValues, attributes: StateFacts | None
) -> dict[str, Any]:
    """The `result` of an apply's evidence; `attributes` is the state as shown afterwards, where values are wanted."""
    setting = with_plan(setting, join.plan, file)
    facts = apply_facts(join)
    known = join.plan is not None or (join.before is not None and join.after is not None)
    result: dict[str, Any] = setting_result(setting)
    if join.plan is not None:
        result |= {"formatVersion": join.plan.format_version, "complete": join.plan.complete}
    if file is not None:
        result |= {"planDigest": file.digest, **_origin(file, "planSerial")}
    if join.stale:
        result["stale"] = True
    result |= _states(join.before, join.after)
    if known:
        counts = dict(Counter(fact.result for fact in facts))
        result |= {
            "counts": counts,
            "deletes": sum(1 for fact in facts if fact.result == "applied" and fact.action in _DESTRUCTIVE),
            "resources": msgspec.to_builtins(list(facts)),
        }
        if join.plan is not None:
            result["changes"] = sum(counts.get(name, 0) for name in ("failed", "notReached", "unknown"))
    if join.after is not None:
        result |= {"outputs": _outputs(join.before, join.after), "checks": list(join.after.checks)}
        result["attributes"] = _attributes(facts, wanted, attributes)
    return result


def unseen_apply_result(setting: Setting, join: ApplyJoin, file: PlanFile | None) -> dict[str, Any]:
    """The `result` of an apply whose end nobody saw.

    Of each address that the plan was to change nobody knows what became of it; of the others it says nothing.
    """
    setting = with_plan(setting, join.plan, file)
    lost = ApplyJoin("indeterminate", join.plan)
    facts = [fact for fact in apply_facts(lost) if fact.action != "no-op"]
    result: dict[str, Any] = setting_result(setting)
    if file is not None:
        result |= {"planDigest": file.digest, **_origin(file, "planSerial")}
    result |= _states(join.before, None)
    if join.plan is not None:
        counts = {"unknown": len(facts)} if facts else {}
        result |= {"counts": counts, "changes": len(facts), "resources": msgspec.to_builtins(facts)}
    return result


def _states(before: StateFacts | None, after: StateFacts | None) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if before is not None:
        result["serialBefore"] = before.serial or 0
        if before.digest is not None:
            result |= {"stateDigestBefore": before.digest, "lineage": before.lineage}
    if after is not None:
        result["serialAfter"] = after.serial or 0
        if after.digest is not None:
            result |= {"stateDigest": after.digest, "lineage": after.lineage}
    return result


def _outputs(before: StateFacts | None, after: StateFacts) -> list[dict[str, Any]]:
    there = {output["name"] for output in after.outputs}
    gone = [output["name"] for output in before.outputs if output["name"] not in there] if before else []
    return [*after.outputs, *({"name": name, "removed": True} for name in gone)]


def _attributes(facts: tuple[ApplyFact, ...], wanted: WantedValues, shown: StateFacts | None) -> list[dict[str, Any]]:
    """Attributes of what was touched; those of an address that is gone are gone with it."""
    touched = {fact.address for fact in facts if fact.presence in {"present", "tainted"}}
    found = [one for one in shown.attributes if one["address"] in touched] if shown else []
    for fact in facts:
        if fact.presence == "absent":
            found.extend(
                {"address": fact.address, "attribute": path, "present": False} for path in wanted.of(fact.address)
            )
    return found


def state_result(root: str, workspace: str, state: StateFacts) -> dict[str, Any]:
    """The `result` of a recorded state's evidence."""
    result: dict[str, Any] = {"root": root, "workspace": workspace}
    if state.digest is not None:
        result |= {"lineage": state.lineage, "serial": state.serial, "stateDigest": state.digest}
    return result | {
        "resources": [
            {
                "address": address,
                "type": one.type,
                "provider": one.provider,
                "presence": "tainted" if one.tainted or one.deposed else "present",
            }
            for address, one in state.instances.items()
        ],
        "outputs": list(state.outputs),
        "checks": list(state.checks),
        "attributes": list(state.attributes),
    }


def unread(reasons: Mapping[str, str]) -> dict[str, str]:
    """Reasons why facts are missing, each a short line."""
    return {name: " ".join(reason.split())[:300] for name, reason in reasons.items()}
