"""References to records that are renamed: a record is known by its key, and so is what refers to it.

A plan sees three names of one record: its desired key, the live one, and the one that evidence knows. References are
compared under the desired names, so that a rename is one difference, and not one more for all that refers to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field, structs

from infratrack.reconciliation.canonical import canonical, same_value
from infratrack.reconciliation.records import Base, Fields


class Renames:
    """Records by a key that is not the one they are to have."""

    def __init__(self) -> None:
        self._by_value: dict[tuple[str, bytes], list[tuple[str, Fields, Fields]]] = defaultdict(list)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._by_value)

    def add(self, type_name: str, old: Fields, new: Fields) -> None:
        """A record is called `old`, and is to be called `new`."""
        for name, value in old.items():
            if name in new and not same_value(value, new[name]):
                self._by_value[name, canonical(value)].append((type_name, old, new))

    def followed(self, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
        """A value as it reads once what it refers to carries its new key."""
        if not self._by_value:
            return value
        if isinstance(value, (list, tuple)):
            return [self.followed(one) for one in value]
        if not isinstance(value, Mapping):
            return value
        kind = value.get("type")
        for name, part in value.items():
            for type_name, old, new in self._by_value.get((name, canonical(part)), ()):
                refers = [one for one in value if one != "type" or "type" in old]
                if kind in {None, type_name} and all(
                    one in old and one in new and same_value(old[one], value[one]) for one in refers
                ):
                    return {**value, **{one: new[one] for one in refers}}
        return {name: self.followed(part) for name, part in value.items()}


class Following(Struct, frozen=True):
    """How live values, and those that evidence knows, read under the desired names."""

    live: Renames = field(default_factory=Renames)
    known: Renames = field(default_factory=Renames)

    def __bool__(self) -> bool:
        """Whether anything is called differently."""
        return bool(self.live) or bool(self.known)

    def base(self, base: Base) -> Base:
        """What evidence knows of a record, under the desired names."""
        if not self.known:
            return base
        return renamed_base(base, self.known)


def renamed_base(base: Base, renames: Renames) -> Base:
    """What is known of a record, its references under new names."""
    return structs.replace(
        base,
        key={name: renames.followed(value) for name, value in base.key.items()},
        fields={name: renames.followed(value) for name, value in base.fields.items()},
        intended={name: tuple(map(renames.followed, values)) for name, values in base.intended.items()},
    )
