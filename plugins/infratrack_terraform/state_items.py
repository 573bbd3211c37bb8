"""The items that a state holds for a mapping: an output's list, or the instances of a type of resource. Pure.

Nothing that Terraform calls sensitive becomes an item: such an output is refused, and of a resource the attribute is
left out, as is any text that repeats a secret (providers copy secrets into attributes that no mask covers).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import UNSET, UnsetType

from infratrack.api import InputError
from infratrack_terraform.documents import ModuleValues, RawOutput
from infratrack_terraform.masking import Json, hides, holds_secret
from infratrack_terraform.state import all_resources

_MAP_HINT: Final = "make a list of it: value = [for name, one in … : merge(one, { name = name })]"
_HIDDEN: Final = object()


def output_items(outputs: Mapping[str, RawOutput], name: str) -> tuple[Any, ...]:
    """The list that an output holds. InputError where there is no such output, or it is sensitive or no list."""
    output = outputs.get(name)
    if output is None:
        raise InputError(f"Terraform has no output {name[:80]!r}", _nearest(name, outputs, "outputs"))
    if output.sensitive:
        hint = "a CMDB is read by many: give an output of its own to what belongs there, without the secret"
        raise InputError(f"the Terraform output {name[:80]!r} is sensitive", hint)
    if not isinstance(output.value, list):
        kind = "an object" if isinstance(output.value, dict) else "no list"
        hint = _MAP_HINT if isinstance(output.value, dict) else "give it a list of objects"
        raise InputError(f"the Terraform output {name[:80]!r} is {kind}; a mapping needs a list of objects", hint)
    return tuple(output.value)


def resources_of(root: ModuleValues, kind: str, secrets: frozenset[str]) -> tuple[dict[str, Any], ...]:
    """The managed instances of a type of resource, by address: their attributes, and `address`."""
    found = []
    for one in all_resources(root):
        if one.mode == "managed" and one.type == kind and not one.deposed_key and isinstance(one.values, dict):
            shown = _shown(one.values, _mask(one.sensitive_values), secrets)
            found.append({**(shown if isinstance(shown, dict) else {}), "address": one.address})
    return tuple(sorted(found, key=lambda item: str(item["address"])))


def _mask(mask: Json | UnsetType) -> Json:
    """Terraform before 0.14 writes no mask: then everything is hidden."""
    return True if mask is UNSET else mask


def _shown(value: Json, mask: Json, secrets: frozenset[str]) -> Any:  # noqa: ANN401 -- JSON
    """A value without what its mask hides and without secrets; a list that hides anything is hidden as a whole."""
    if isinstance(value, dict) and isinstance(mask, dict | None):
        cover = mask or {}
        parts = {name: _shown(part, cover.get(name), secrets) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part is not _HIDDEN}
    if hides(mask):
        if not isinstance(value, list) or not isinstance(mask, list):
            return _HIDDEN
        # Objects in a list (blocks) may hide members of theirs; a hidden entry hides how many there are, too.
        entries = [_shown(part, cover, secrets) for part, cover in zip(value, _as_long(mask, value), strict=True)]
        return _HIDDEN if any(entry is _HIDDEN for entry in entries) else entries
    if isinstance(value, list):
        return _HIDDEN if holds_secret(value, secrets) else value
    return _HIDDEN if isinstance(value, str) and holds_secret(value, secrets) else value


def _as_long(mask: list[Json], value: list[Json]) -> list[Json]:
    return mask[: len(value)] + [None] * (len(value) - len(mask))


def _nearest(name: str, known: Iterable[str], what: str) -> str:
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1)
    asked = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{asked}its {what}: {', '.join(names[:12])[:500]}" if names else f"it has no {what}; was it all destroyed?"
