"""A state as facts: which addresses are there, and no value that nobody asked for. Pure.

The *state digest* is made to chain runs (lineage, serial, digest). It covers lineage, serial, and of every object its
address, kind, provider and status; of every output its name. It covers no attribute value: state is full of secrets of
few bits, and a plain hash over everything else that is known would let anybody try them out.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from infratrack.api import Digest, InputError, sha256_digest
from infratrack_terraform.addresses import LONGEST_ADDRESS, resource_address
from infratrack_terraform.documents import (
    ModuleValues,
    RawInstance,
    RawResource,
    RawState,
    ResourceValue,
    StateDocument,
    Values,
    decode,
)
from infratrack_terraform.masking import Json, Revealed, collect_leaves, collect_masked, reveal, worth_hiding
from infratrack_terraform.plan import check_fact, collect_values
from infratrack_terraform.wanted import WantedValues, kept_value

_STATE_VERSION: Final = 4
_HINT: Final = "expected the output of terraform state pull or terraform show -json"


class Instance(Struct, frozen=True):
    """One managed object. `fingerprint` is a keyed hash of its attributes: it only tells changed from unchanged."""

    type: str
    provider: str
    tainted: bool
    deposed: bool
    fingerprint: bytes


class StateFacts(Struct, frozen=True):
    """Everything that is kept of a state; values in `outputs` and `attributes` only where they are wanted."""

    terraform_version: str
    serial: int | None
    lineage: str | None
    digest: Digest | None
    instances: Mapping[str, Instance]
    outputs: tuple[dict[str, Any], ...]
    checks: tuple[dict[str, Any], ...]
    attributes: tuple[dict[str, Any], ...]
    secrets: frozenset[str]
    masked: int


NO_STATE: Final = StateFacts("", None, None, None, {}, (), (), (), frozenset(), 0)
"""What `state pull` answers before anything was applied: nothing."""


def read_raw_state(content: bytes, name: str, wanted: WantedValues, key: bytes) -> StateFacts:
    """Facts of a state file; empty content is a state that does not exist yet. `key` is for this run's fingerprints.

    Attribute values are never taken from here: only `show -json` knows which ones a provider calls sensitive.
    """
    if not content.strip():
        return NO_STATE
    document = decode(content, RawState, name)
    if document.version != _STATE_VERSION:
        raise InputError(f"{name}: it is a state file of version {document.version}", "version 4 can be read")
    found: set[str] = set()
    names: set[str] = set()
    masked = 0
    instances: dict[str, Instance] = {}
    for resource in document.resources:
        names.update((resource.type, resource.name))
        for instance in resource.instances:
            if isinstance(instance.index_key, str):
                names.add(instance.index_key)
            masked += _collect_sensitive(instance, found)
            if resource.mode == "managed":
                _add(instances, _address(resource, instance, name), _instance(resource, instance, key))
    for output in document.outputs.values():
        if output.sensitive:
            masked += collect_leaves(output.value, found)
    secrets = worth_hiding(found, names)
    return StateFacts(
        terraform_version=document.terraform_version[:64],
        serial=document.serial,
        lineage=document.lineage[:128],
        digest=_digest(document, instances),
        instances=instances,
        outputs=tuple(
            _output(label, output.value, wanted, secrets, sensitive=output.sensitive)
            for label, output in sorted(document.outputs.items())
        ),
        checks=tuple(
            {
                "address": check.config_addr[:LONGEST_ADDRESS],
                "kind": check.object_kind[:64],
                "status": check.status[:16],
            }
            for check in document.check_results or ()
        ),
        attributes=(),
        secrets=secrets,
        masked=masked,
    )


def read_shown_state(content: bytes, name: str, wanted: WantedValues, key: bytes) -> StateFacts:
    """Facts of `terraform show -json` of a state: no serial or lineage, but sensitivity as providers tell it."""
    document = decode(content, StateDocument, name)
    values = document.values or Values()
    found: set[str] = set()
    masked = collect_values(values, found)
    resources = all_resources(values.root_module)
    names = {text for one in resources for text in (one.type, one.name, one.index) if isinstance(text, str)}
    secrets = worth_hiding(found, names)
    instances: dict[str, Instance] = {}
    attributes: list[dict[str, Any]] = []
    for one in resources:
        if one.mode != "managed":
            continue
        if not one.address or len(one.address) > LONGEST_ADDRESS:
            raise InputError(f"{name}: a resource has an address of {len(one.address)} characters", _HINT)
        fingerprint = _keyed(key, msgspec.json.encode(one.values))
        _add(
            instances,
            one.address,
            Instance(one.type, one.provider_name, one.tainted, bool(one.deposed_key), fingerprint),
        )
        if not one.deposed_key:
            attributes.extend(
                {
                    "address": one.address,
                    "attribute": path,
                    **kept_value(reveal(one.values, one.sensitive_values, path), secrets),
                }
                for path in wanted.of(one.address)
            )
    return StateFacts(
        terraform_version=document.terraform_version[:64],
        serial=None,
        lineage=None,
        digest=None,
        instances=instances,
        outputs=tuple(
            _output(label, output.value, wanted, secrets, sensitive=output.sensitive)
            for label, output in sorted(values.outputs.items())
        ),
        checks=tuple(check_fact(check) for check in document.checks or ()),
        attributes=tuple(attributes),
        secrets=secrets,
        masked=masked,
    )


def all_resources(root: ModuleValues) -> list[ResourceValue]:
    """The resources of a module and of all modules in it."""
    found: list[ResourceValue] = []
    waiting = [root]
    while waiting:
        module = waiting.pop()
        found.extend(module.resources)
        waiting.extend(module.child_modules)
    return found


def _address(resource: RawResource, instance: RawInstance, name: str) -> str:
    address = resource_address(resource.module, resource.mode, resource.type, resource.name, instance.index_key)
    if not address or len(address) > LONGEST_ADDRESS:
        raise InputError(f"{name}: a resource has an address of {len(address)} characters", _HINT)
    return address


def _instance(resource: RawResource, instance: RawInstance, key: bytes) -> Instance:
    provider = resource.provider.removeprefix('provider["').removesuffix('"]')
    fingerprint = _keyed(key, bytes(instance.attributes))
    return Instance(resource.type, provider, instance.status == "tainted", bool(instance.deposed), fingerprint)


def _add(instances: dict[str, Instance], address: str, instance: Instance) -> None:
    """Deposed objects share the address of the one that replaces them: the current object speaks for it."""
    if not instance.deposed or address not in instances:
        instances[address] = instance


def _keyed(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")


def _collect_sensitive(instance: RawInstance, found: set[str]) -> int:
    """Strings under the paths that the state file calls sensitive; a path that leads nowhere hides everything."""
    paths = instance.sensitive_attributes
    if not paths:
        return 0
    attributes = msgspec.json.decode(instance.attributes)
    if not isinstance(paths, list):
        return collect_leaves(attributes, found)
    masked = 0
    for path in paths:
        part = attributes
        for step in path if isinstance(path, list) else [None]:
            part = _step(part, step)
            if part is UNSET:
                part = attributes
                break
        masked += collect_masked(part, mask=True, into=found)
    return masked


def _step(part: Json, step: Json) -> Json:
    """One step down: `{"type": "get_attr", "value": "input"}` or `{"type": "index", "value": {"value": 0, …}}`."""
    where = step.get("value") if isinstance(step, dict) else None
    if isinstance(where, dict):
        where = where.get("value")
    if isinstance(part, dict) and set(part) == {"value", "type"} and where not in part:
        part = part["value"]  # a dynamically typed attribute stands beside its type
    if isinstance(part, dict) and isinstance(where, str):
        return part.get(where, UNSET)
    if isinstance(part, list) and isinstance(where, int) and 0 <= where < len(part):
        return part[where]
    return UNSET


def _output(
    name: str, value: Json, wanted: WantedValues, secrets: frozenset[str], *, sensitive: bool
) -> dict[str, Any]:
    if sensitive:
        return {"name": name, "sensitive": True}
    if name in wanted.outputs and value is not UNSET:
        return {"name": name, "now": kept_value(Revealed(present=True, value=value), secrets)}
    return {"name": name}


def _digest(document: RawState, instances: Mapping[str, Instance]) -> Digest:
    objects = [
        [address, one.type, one.provider, one.tainted, one.deposed] for address, one in sorted(instances.items())
    ]
    return sha256_digest(msgspec.json.encode([document.lineage, document.serial, objects, sorted(document.outputs)]))
