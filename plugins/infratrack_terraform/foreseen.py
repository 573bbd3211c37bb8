"""A plan read as if it had been applied exactly as it stands: for a look ahead in a pull request. Pure.

The words are those that evidence of such an apply would have, so that criteria judge them by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from infratrack.api import Foreseen, PlannedChange, Word
from infratrack_terraform.plan import action_of
from infratrack_terraform.words import action_list, apply_words, items, member, scope_of, text

_LEAVES: Final = {
    "create": "present",
    "update": "present",
    "replace": "present",
    "no-op": "present",
    "delete": "absent",
}
"""Action → what an apply leaves at the address. Of what is forgotten or deferred nobody knows."""
_NOT_KNOWN: Final = "not known before the apply"


def foreseen_apply(predicate: Mapping[str, Any]) -> Foreseen | None:
    """What a plan's evidence lets one foresee; None where it plans nothing whole: it failed, or only refreshes."""
    result = member(predicate, "result")
    if text(member(predicate, "run"), "outcome") != "succeeded" or result.get("errored") is True:
        return None
    if text(result, "mode") == "refresh-only":
        return None
    planned = [one for one in items(result, "resources") if text(one, "address") and text(one, "mode") != "data"]
    whole = [one for one in planned if one.get("deposed") is not True]
    actions = {text(one, "address"): _action(one) for one in whole}
    applied = {
        "run": {"outcome": "succeeded"},
        "result": {
            **{name: result[name] for name in ("root", "workspace", "mode", "targeted", "complete") if name in result},
            "changes": 0,
            "resources": [_applied(one) for one in whole],
            "outputs": list(_outputs(result)),
            "attributes": list(_attributes(result, actions)),
        },
    }
    changes = tuple(PlannedChange(action, address) for address, action in actions.items() if action != "no-op")
    words: tuple[Word, ...] = tuple(apply_words(applied))
    return Foreseen(scope_of(result), changes, words)


def _action(one: Mapping[str, Any]) -> str:
    return "unknown" if one.get("deferred") is True else action_of(action_list(one))


def _applied(one: Mapping[str, Any]) -> dict[str, Any]:
    """The resource as an apply's evidence would have it."""
    action = _action(one)
    said = {"address": text(one, "address"), "action": action, "presence": _LEAVES.get(action, "unknown")}
    if action in {"unknown", "read"}:
        return {**said, "result": "unknown"}
    previous = text(one, "previousAddress")
    moved = {"previousAddress": previous} if previous else {}
    return {**said, **moved, "result": "unchanged" if action == "no-op" else "applied"}


def _outputs(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Outputs as planned, where their values were wanted; of the others only whether they will be there."""
    for one in items(result, "outputs"):
        actions = action_list(one)
        sensitive = {"sensitive": True} if one.get("sensitive") is True else {}
        told = {"name": text(one, "name"), **sensitive}
        if member(one, "planned"):
            yield {**told, "now": member(one, "planned")}
        elif actions == ["delete"]:
            yield {**told, "removed": True}
        else:
            yield {**told, "now": {"present": True, **(sensitive or {"omitted": _NOT_KNOWN})}}


def _attributes(result: Mapping[str, Any], actions: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Wanted attributes: as they are where nothing is done, gone with what is deleted, else not known yet."""
    for one in items(result, "attributes"):
        action = actions.get(text(one, "address"), "no-op")
        place = {"address": text(one, "address"), "attribute": text(one, "attribute")}
        if action == "no-op":
            yield dict(one)
        elif action == "delete":
            yield {**place, "present": False}
        else:
            yield {**place, "present": True, "omitted": _NOT_KNOWN}
