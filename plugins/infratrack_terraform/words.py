"""Terraform evidence read as words: what a plan, an apply or a state says of each address. Pure.

The predicate is hostile input: whatever is not of the expected shape says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infratrack.api import SUBJECT_SEPARATOR, Word
from infratrack_terraform.plan import action_of

RESOURCE: Final = "terraform.resource"
ROOT: Final = "terraform.root"
OUTPUT: Final = "terraform.output"
CHECK: Final = "terraform.check"
ATTRIBUTE: Final = "terraform.attribute"
ROOT_NAME: Final = "root"

_PENDING: Final = {
    "no-op": "none", "create": "create", "update": "update", "delete": "delete", "replace": "replace",
    "forget": "update", "unknown": "unknown",
}  # fmt: skip
_PRESENCES: Final = frozenset({"present", "absent", "tainted", "unknown"})
_OUTCOMES: Final = frozenset({"succeeded", "failed", "canceled", "indeterminate"})
_STATUSES: Final = frozenset({"pass", "fail", "error", "unknown"})
_VALUE_MEMBERS: Final = ("sensitive", "value", "omitted")


def member(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A member that is an object; empty where it is not."""
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def items(value: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The objects in a member that is a list."""
    found = value.get(name)
    if isinstance(found, Sequence) and not isinstance(found, str | bytes):
        yield from (one for one in found if isinstance(one, Mapping))


def text(value: Mapping[str, Any], name: str) -> str:
    """A member that is a text; empty where it is not."""
    found = value.get(name)
    return found if isinstance(found, str) else ""


def count(value: Mapping[str, Any], name: str) -> int | None:
    """A member that is a number of something; None where it is not."""
    found = value.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def scope_of(result: Mapping[str, Any]) -> str:
    """Where addresses are unique: the root folder, and the workspace where it is not `default`."""
    workspace = text(result, "workspace")
    root = text(result, "root") or "."
    return root if workspace in {"", "default"} else f"{root}#{workspace}"


def plan_words(predicate: Mapping[str, Any]) -> list[Word]:
    """What a plan says: of each address in it what is there and what is pending, of drift, outputs and checks."""
    result = member(predicate, "result")
    scope = scope_of(result)
    outcome = text(member(predicate, "run"), "outcome")
    whole = outcome == "succeeded" and result.get("errored") is not True
    words = [Word(ROOT, scope, ROOT_NAME, _plan_root(result, outcome, whole=whole))]
    if not whole:
        return words
    drift = {text(one, "address"): action_of(action_list(one)) for one in items(result, "drift")}
    states: dict[str, dict[str, Any]] = {}
    for one in items(result, "resources"):
        address = text(one, "address")
        if not address or text(one, "mode") == "data":
            continue
        if one.get("deposed") is True:
            states.setdefault(address, {"presence": "present", "pending": "none"})
            if states[address]["pending"] == "none":
                states[address]["pending"] = "update"
            continue
        previous = states.get(address)
        states[address] = _planned(one, leftover=previous is not None)
        if text(result, "mode") == "destroy" and states[address]["pending"] == "delete":
            states[address]["asked"] = "destroy"
    said = "none" if isinstance(result.get("drift"), Sequence) else "unknown"
    for address, action in drift.items():
        states.setdefault(address, {"presence": "absent" if action == "delete" else "present"})
    for address, value in states.items():
        value["drift"] = "drifted" if address in drift else said
        words.append(Word(RESOURCE, scope, address, value))
    words.extend(_output_words(result, scope))
    words.extend(_check_words(result, scope))
    words.extend(_attribute_words(result, scope))
    return words


def _plan_root(result: Mapping[str, Any], outcome: str, *, whole: bool) -> dict[str, Any]:
    changes = count(result, "changes") if whole else None
    complete = whole and result.get("complete") is not False and result.get("targeted") is not True
    pending = result.get("pending") if whole else None
    converged: bool | None = None
    if text(result, "mode") == "destroy":
        converged = None  # what it would take to remove everything says nothing of what is left to build
    elif changes or pending is True:
        converged = False
    elif (changes == 0 or pending is False) and complete and text(result, "mode") == "normal":
        converged = True
    return {
        "of": "plan",
        "outcome": outcome if outcome in _OUTCOMES else "indeterminate",
        "complete": complete,
        "converged": converged,
        "changes": changes,
        "drifted": count(result, "drifted") if whole else None,
        "deletes": count(result, "deletes") if whole else None,
    }


def action_list(one: Mapping[str, Any]) -> list[str]:
    """The member `actions` of a fact: Terraform's own list."""
    actions = one.get("actions")
    return [action for action in actions if isinstance(action, str)] if isinstance(actions, list | tuple) else []


def _planned(one: Mapping[str, Any], *, leftover: bool) -> dict[str, Any]:
    action = "unknown" if one.get("deferred") is True else action_of(action_list(one))
    pending = _PENDING.get(action, "unknown")
    if pending == "none" and (one.get("importing") is True or leftover):
        pending = "update"
    tainted = text(one, "reason") == "replace_because_tainted"
    presence = "absent" if action == "create" else "tainted" if tainted else "present"
    return {"presence": "unknown" if action == "unknown" else presence, "pending": pending}


def apply_words(predicate: Mapping[str, Any]) -> list[Word]:
    """What an apply says: of each address that it touched what is there now and what is still pending."""
    result = member(predicate, "result")
    scope = scope_of(result)
    outcome = text(member(predicate, "run"), "outcome")
    words = [Word(ROOT, scope, ROOT_NAME, _apply_root(result, outcome))]
    refresh_only = text(result, "mode") == "refresh-only"
    for one in items(result, "resources"):
        address = text(one, "address")
        if not address:
            continue
        words.append(Word(RESOURCE, scope, address, _refreshed(one) if refresh_only else _applied(one)))
        previous = text(one, "previousAddress")
        if previous and text(one, "result") in {"applied", "unchanged"} and outcome == "succeeded":
            words.append(Word(RESOURCE, scope, previous, {"presence": "absent", "pending": "none", "deleted": False}))
    words.extend(_output_words(result, scope))
    words.extend(_check_words(result, scope))
    words.extend(_attribute_words(result, scope))
    return words


def _apply_root(result: Mapping[str, Any], outcome: str) -> dict[str, Any]:
    complete = result.get("complete") is not False and result.get("targeted") is not True
    converged: bool | None = None
    changes = count(result, "changes")
    drifted: int | None = None
    if outcome == "succeeded":
        drifted = 0 if complete else None
        if text(result, "mode") == "destroy":
            converged = False if complete else None
        elif complete and text(result, "mode") == "normal":
            converged = True
    elif outcome == "failed" or (outcome == "canceled" and changes):
        converged = False
    return {
        "of": "apply",
        "outcome": outcome if outcome in _OUTCOMES else "indeterminate",
        "mode": text(result, "mode") or "normal",
        "complete": complete,
        "converged": converged,
        "changes": changes,
        "drifted": drifted,
        "deletes": count(result, "deletes"),
    }


def _presence(one: Mapping[str, Any]) -> str:
    presence = text(one, "presence")
    return presence if presence in _PRESENCES else "unknown"


def _refreshed(one: Mapping[str, Any]) -> dict[str, Any]:
    """A refresh writes into the state what the world is like: it changes nothing there, and deletes nothing."""
    return {"presence": _presence(one), "drift": "none"}


def _applied(one: Mapping[str, Any]) -> dict[str, Any]:
    action, presence = text(one, "action"), _presence(one)
    match text(one, "result"):
        case "applied":
            deleted = action in {"delete", "replace"}
            return {"presence": presence, "pending": "none", "drift": "none", "deleted": deleted}
        case "unchanged":
            return {"presence": presence, "pending": "none", "drift": "none", "deleted": False}
        case "failed":
            pending = {"absent": "create", "tainted": "replace"}.get(presence) or _PENDING.get(action, "unknown")
            destroyed = action == "replace" and presence == "absent"
            return {"presence": presence, "pending": pending, "deleted": destroyed, "failed": True}
        case "notReached":
            return {"presence": presence, "pending": _PENDING.get(action, "unknown")}
        case _:
            return {"presence": "unknown", "pending": "unknown", "drift": "unknown"}


def state_words(predicate: Mapping[str, Any]) -> list[Word]:
    """What a state says: which addresses are there. Of what is pending or has drifted it says nothing."""
    result = member(predicate, "result")
    scope = scope_of(result)
    words = [
        Word(RESOURCE, scope, text(one, "address"), {"presence": _presence(one)})
        for one in items(result, "resources")
        if text(one, "address")
    ]
    words.extend(_output_words(result, scope))
    words.extend(_check_words(result, scope))
    words.extend(_attribute_words(result, scope))
    return words


def _output_words(result: Mapping[str, Any], scope: str) -> Iterator[Word]:
    for one in items(result, "outputs"):
        name = text(one, "name")
        if not name:
            continue
        now = member(one, "now")
        if now:
            value = _value(now)
        else:
            gone = one.get("removed") is True or action_of(action_list(one)) == "create"
            value = {"present": not gone}
            if one.get("sensitive") is True:
                value["sensitive"] = True
        yield Word(OUTPUT, scope, name, value)


def _check_words(result: Mapping[str, Any], scope: str) -> Iterator[Word]:
    for one in items(result, "checks"):
        if text(one, "address"):
            status = text(one, "status")
            yield Word(CHECK, scope, text(one, "address"), {"status": status if status in _STATUSES else "unknown"})


def _attribute_words(result: Mapping[str, Any], scope: str) -> Iterator[Word]:
    for one in items(result, "attributes"):
        address, attribute = text(one, "address"), text(one, "attribute")
        if address and attribute:
            yield Word(ATTRIBUTE, scope, f"{address}{SUBJECT_SEPARATOR}{attribute}", _value(one))


def _value(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"present": one.get("present") is True} | {name: one[name] for name in _VALUE_MEMBERS if name in one}
