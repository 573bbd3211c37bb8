"""A plan's JSON as facts: what is planned for which address, and no value that nobody asked for. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Literal

from msgspec import UNSET, Struct

from infratrack.api import InputError
from infratrack_terraform.addresses import LONGEST_ADDRESS, names_in, resource_address
from infratrack_terraform.documents import (
    Change,
    Check,
    ModuleConfiguration,
    ModuleValues,
    PlanDocument,
    ResourceChange,
    Values,
    decode,
)
from infratrack_terraform.masking import Json, Revealed, collect_leaves, collect_masked, hides, reveal, worth_hiding
from infratrack_terraform.wanted import WantedValues, kept_value

Action = Literal["no-op", "create", "read", "update", "delete", "replace", "forget", "unknown"]
DROPPED: Final = ("configuration", "planned_values", "prior_state", "variables")
_SINGLE: Final[dict[str, Action]] = {
    "no-op": "no-op",
    "create": "create",
    "read": "read",
    "update": "update",
    "delete": "delete",
    "forget": "forget",
}
_WORD: Final = re.compile(r"[a-z][a-z_-]{0,63}")
_VERSION: Final = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?")
_DRIFT_SINCE: Final = (0, 15, 4)
_STATUSES: Final = frozenset({"pass", "fail", "error", "unknown"})


class ResourceFact(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What is planned for one address. `changed` names top-level attributes of updates and replacements."""

    address: str
    type: str
    provider: str
    actions: tuple[str, ...]
    mode: str = "managed"
    reason: str | None = None
    changed: tuple[str, ...] = ()
    previous_address: str | None = None
    deposed: bool = False
    importing: bool = False
    deferred: bool = False

    @property
    def action(self) -> Action:
        """The actions in one word; what is deferred is not known yet."""
        return "unknown" if self.deferred else action_of(self.actions)


class PlanFacts(Struct, frozen=True):
    """Everything that is kept of a plan; `attributes` and the values in `outputs` only where they are wanted."""

    format_version: str
    terraform_version: str
    resources: tuple[ResourceFact, ...]
    drift: tuple[ResourceFact, ...]
    drift_reported: bool
    outputs: tuple[dict[str, Any], ...]
    checks: tuple[dict[str, Any], ...]
    attributes: tuple[dict[str, Any], ...]
    errored: bool | None
    complete: bool | None
    applyable: bool | None
    refresh_only: bool
    sensitive_variables: frozenset[str]
    secrets: frozenset[str]
    masked: int

    def counts(self) -> dict[str, int]:
        """How many managed resources get which action."""
        return dict(Counter(fact.action for fact in self.resources if fact.mode == "managed"))

    @property
    def destroys(self) -> bool:
        """Whether this looks like `plan -destroy`: deletions that no reason in the configuration explains."""
        managed = [fact for fact in self.resources if fact.mode == "managed" and not fact.deposed]
        deleted = [fact for fact in managed if fact.action == "delete"]
        unexplained = any(fact.reason is None for fact in deleted) and version_of(self.terraform_version) >= (1, 1, 0)
        return unexplained and all(fact.action in {"delete", "forget", "no-op"} for fact in managed)


def action_of(actions: Iterable[str]) -> Action:
    """Terraform's list of actions as one word; both orders of create and delete are a replacement."""
    listed = tuple(actions)
    if len(listed) == 1:
        return _SINGLE.get(listed[0], "unknown")
    if set(listed) in ({"create", "delete"}, {"create", "forget"}):
        return "replace"
    return "unknown"


def version_of(text: str) -> tuple[int, int, int]:
    """A version as three numbers; (0, 0, 0) where the text is none."""
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)


def read_plan(content: bytes, name: str, wanted: WantedValues) -> PlanFacts:
    """Facts of `terraform show -json PLAN`; InputError with the place where the document is malformed."""
    document = decode(content, PlanDocument, name)
    try:
        return _facts(document, name, wanted)
    except RecursionError:
        raise InputError(f"{name}: it is nested too deeply", "expected the output of terraform show -json") from None


def _facts(document: PlanDocument, name: str, wanted: WantedValues) -> PlanFacts:
    changes = document.resource_changes or []
    drifts = document.resource_drift or []
    deferred = [entry.resource_change for entry in document.deferred_changes or [] if entry.resource_change]
    found: set[str] = set()
    masked = 0
    names: set[str] = set()
    for entry in (*changes, *drifts, *deferred):
        change = entry.change
        masked += collect_masked(change.before, _mask(change.before_sensitive), found)
        masked += collect_masked(change.after, _mask(change.after_sensitive), found)
        names.update((entry.name, entry.type))
        if isinstance(entry.index, str):
            names.add(entry.index)
    names |= names_in({entry.module_address for entry in (*changes, *drifts, *deferred) if entry.module_address})
    masked += _collect_elsewhere(document, found)
    root = document.configuration.root_module if document.configuration else ModuleConfiguration()
    sensitive_variables = frozenset(key for key, variable in root.variables.items() if variable.sensitive)
    sensitive_outputs = _sensitive_outputs(document, root)
    outputs = document.output_changes or {}
    for key, change in outputs.items():
        if key in sensitive_outputs:
            masked += collect_leaves(change.before, found)
            masked += collect_leaves(None if change.after is UNSET else change.after, found)
    secrets = worth_hiding(found, names)
    facts = tuple(_resource(entry, name) for entry in changes)
    facts += tuple(_resource(entry, name, deferred=True) for entry in deferred)
    version = document.terraform_version
    return PlanFacts(
        format_version=document.format_version[:32],
        terraform_version=version[:64],
        resources=facts,
        drift=tuple(_resource(entry, name) for entry in drifts if action_of(entry.change.actions) != "no-op"),
        drift_reported=bool(drifts) or version_of(version) >= _DRIFT_SINCE,
        outputs=tuple(
            _output(key, change, wanted, secrets, sensitive=key in sensitive_outputs) for key, change in outputs.items()
        ),
        checks=tuple(check_fact(check) for check in document.checks or ()),
        attributes=tuple(fact for entry in changes for fact in _attributes(entry, wanted, secrets)),
        errored=document.errored,
        complete=document.complete,
        applyable=document.applyable,
        refresh_only=_refresh_only(document),
        sensitive_variables=sensitive_variables,
        secrets=secrets,
        masked=masked,
    )


def _refresh_only(document: PlanDocument) -> bool:
    """Whether this looks like `plan -refresh-only`: resources there, and not a word on what shall become of them."""
    if document.resource_changes is not None or document.prior_state is None or document.prior_state.values is None:
        return False
    root = document.prior_state.values.root_module
    return bool(root.resources or root.child_modules)


def _mask(mask: Json) -> Json:
    return None if mask is UNSET else mask


def _collect_elsewhere(document: PlanDocument, found: set[str]) -> int:
    """Masked strings of what is dropped: they can stand in what is kept."""
    masked = 0
    for values in (document.planned_values, document.prior_state.values if document.prior_state else None):
        masked += collect_values(values, found)
    waiting = [document.configuration.root_module] if document.configuration else []
    given = document.variables or {}
    for key, variable in waiting[0].variables.items() if waiting else ():
        if variable.sensitive and key in given:
            masked += collect_leaves(given[key].value, found)
    while waiting:
        module = waiting.pop()
        for variable in module.variables.values():
            if variable.sensitive:
                masked += collect_leaves(variable.default, found)
        waiting.extend(call.module for call in module.module_calls.values() if call.module)
    return masked


def collect_values(values: Values | None, found: set[str]) -> int:
    """Masked strings of a `values` representation, and the values of its sensitive outputs."""
    if values is None:
        return 0
    masked = 0
    for output in values.outputs.values():
        if output.sensitive and output.value is not UNSET:
            masked += collect_leaves(output.value, found)
    waiting: list[ModuleValues] = [values.root_module]
    while waiting:
        module = waiting.pop()
        for resource in module.resources:
            masked += collect_masked(resource.values, _mask(resource.sensitive_values), found)
        waiting.extend(module.child_modules)
    return masked


def _sensitive_outputs(document: PlanDocument, root: ModuleConfiguration) -> frozenset[str]:
    """Outputs that anything in the plan calls sensitive (formats before 0.2 say it in one place only)."""
    sensitive = {key for key, output in root.outputs.items() if output.sensitive}
    if document.planned_values:
        sensitive.update(key for key, output in document.planned_values.outputs.items() if output.sensitive)
    for key, change in (document.output_changes or {}).items():
        if hides(_mask(change.before_sensitive)) or hides(_mask(change.after_sensitive)):
            sensitive.add(key)
    return frozenset(sensitive)


def _resource(entry: ResourceChange, name: str, *, deferred: bool = False) -> ResourceFact:
    address = entry.address or resource_address(
        entry.module_address or "", entry.mode, entry.type, entry.name, entry.index
    )
    if len(address) > LONGEST_ADDRESS:
        raise InputError(f"{name}: a resource has an address of {len(address)} characters", "is this a plan?")
    if not address:
        raise InputError(f"{name}: a resource has neither an address nor a type and name", "is this a plan?")
    change = entry.change
    for action in change.actions:
        if not _WORD.fullmatch(action):
            raise InputError(f"{name}: a resource has an action that is no word", "expected create, update, delete …")
    return ResourceFact(
        address=address,
        type=entry.type,
        provider=entry.provider_name,
        actions=change.actions,
        mode="managed" if entry.mode == "managed" else "data",
        reason=entry.action_reason if entry.action_reason and _WORD.fullmatch(entry.action_reason) else None,
        changed=_changed(change),
        previous_address=entry.previous_address,
        deposed=bool(entry.deposed),
        importing=change.importing is not None,
        deferred=deferred,
    )


def _changed(change: Change) -> tuple[str, ...]:
    """Names of the top-level attributes that an update or a replacement changes."""
    if action_of(change.actions) not in {"update", "replace"}:
        return ()
    before = change.before if isinstance(change.before, dict) else {}
    after = change.after if isinstance(change.after, dict) else {}
    unknown = change.after_unknown if isinstance(change.after_unknown, dict) else {}
    return tuple(
        sorted(
            key for key in {*before, *after, *unknown} if before.get(key) != after.get(key) or hides(unknown.get(key))
        )
    )


def check_fact(check: Check) -> dict[str, Any]:
    """A check's address, kind and status; its messages can hold secrets and are left out."""
    status = check.status if check.status in _STATUSES else "unknown"
    return {"address": check.address.to_display[:LONGEST_ADDRESS], "kind": check.address.kind[:64], "status": status}


def _output(
    name: str, change: Change, wanted: WantedValues, secrets: frozenset[str], *, sensitive: bool
) -> dict[str, Any]:
    """An output's name and actions; what it holds now and shall hold, where that is wanted and not sensitive."""
    fact: dict[str, Any] = {"name": name, "actions": [a for a in change.actions if _WORD.fullmatch(a)]}
    if sensitive:
        return {**fact, "sensitive": True}
    if name in wanted.outputs:
        unmarked = change.before_sensitive is UNSET and change.after_sensitive is UNSET
        known = UNSET if hides(change.after_unknown) else change.after
        now = Revealed(present="create" not in change.actions, sensitive=unmarked, value=change.before)
        then = Revealed(present="delete" not in change.actions, sensitive=unmarked, value=known)
        fact["now"] = kept_value(now, secrets)
        fact["planned"] = kept_value(then, secrets)
    return fact


def _attributes(entry: ResourceChange, wanted: WantedValues, secrets: frozenset[str]) -> list[dict[str, Any]]:
    """Wanted attributes as they are now: a plan says what is there, not what will be."""
    if entry.mode != "managed" or entry.deposed:
        return []
    change = entry.change
    return [
        {
            "address": entry.address,
            "attribute": path,
            **kept_value(reveal(change.before, change.before_sensitive, path), secrets),
        }
        for path in wanted.of(entry.address)
    ]
