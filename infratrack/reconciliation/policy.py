"""What a person decided about a sync: whether to delete, whose conflicts to take, how many deletes are too many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from infratrack.errors import InputError
from infratrack.project.nearest import NearestNames
from infratrack.reconciliation.records import RecordSet

_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3})?) ?%")


class MaxDeletes(Struct, frozen=True):
    """How many deletes and retirements one sync may bring: the larger of a number and a share of the bound records."""

    records: int = 10
    percent: float = 5.0

    @classmethod
    def of(cls, setting: int | str | Mapping[str, float] | None) -> MaxDeletes:
        """What `max_deletes` of the project file says: a number, `"5%"`, both in a mapping, or None for the default."""
        if setting is None:
            return cls()
        if isinstance(setting, Mapping):
            return cls(int(setting.get("records", 0)), float(setting.get("percent", 0)))
        if isinstance(setting, int) and not isinstance(setting, bool) and setting >= 0:
            return cls(setting, 0.0)
        found = _PERCENT.fullmatch(setting) if isinstance(setting, str) else None
        if found is None or float(found[1]) > 100:  # noqa: PLR2004 -- of a hundred
            raise InputError(
                f"max_deletes is {str(setting)[:40]!r}", 'expected a number of records (25) or a share of them ("5%")'
            )
        return cls(0, float(found[1]))

    def allowed(self, bound: int) -> int:
        """How many of so many bound records."""
        return max(self.records, int(bound * self.percent / 100))


class Policy(Struct, frozen=True):
    """What a person decided for one plan."""

    prune: bool = False
    take_ours: frozenset[str] = frozenset()
    """Names of fields whose conflicts and adoptions are decided for the desired value."""
    max_deletes: MaxDeletes = MaxDeletes()


def with_taken(policy: Policy, sets: Sequence[RecordSet], others: Iterable[str] = ()) -> Policy:
    """The policy with every field that `take_ours` means: `custom_fields` is all of them below it.

    InputError for a field that no mapping names.
    """
    if not policy.take_ours:
        return policy
    known = {name for one in sets for record in one.desired for name in (*record.key, *record.fields)} | set(others)
    taken = set(policy.take_ours)
    for name in sorted(policy.take_ours - known):
        below = {one for one in known if one.startswith(f"{name}.")}
        taken |= below
        if below:
            continue
        nearest = NearestNames().to(name, known)
        fields = f"the mappings name {', '.join(sorted(known)[:20])}" if known else "no mapping desires any record"
        raise InputError(
            f"--take-ours {name[:80]!r}: no record has such a field",
            f"did you mean {nearest!r}?" if nearest else fields,
        )
    return structs.replace(policy, take_ours=frozenset(taken))
