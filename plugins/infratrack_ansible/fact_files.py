"""What Ansible left in a file of facts about one host: only facts that are allowed are decoded. Pure.

Two formats are known: what `ansible -m setup --tree` writes (the module's result), and the cache plugin `jsonfile` (the
facts themselves; since ansible-core 2.19 as text under `__payload__`, in a file named `s1_HOST`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from infratrack.api import Instant

CACHE_PREFIX: Final = "s1_"
_DATE: Final = "ansible_date_time"
_SECONDS: Final = 1_000_000
_LATEST: Final = 2**40
"""No instant in seconds is larger: 36,000 years."""


class FactFile(Struct, frozen=True):
    """The allowed facts of one host; `reason` says why there are none. `gathered`: when, as far as the facts say so."""

    facts: dict[str, Any]
    gathered: Instant | None = None
    reason: str = ""


def host_of(file_name: str) -> str:
    """The host that a file is about."""
    return file_name.removeprefix(CACHE_PREFIX)


def read_facts(content: bytes, allowed: Collection[str]) -> FactFile:
    """The allowed facts in the content of a file. Everything else in it is left undecoded."""
    try:
        members = msgspec.json.decode(content, type=dict[str, Raw])
        if "__payload__" in members:
            payload = msgspec.json.decode(members["__payload__"], type=str)
            members = msgspec.json.decode(payload, type=dict[str, Raw])
        if "ansible_facts" in members:
            members = msgspec.json.decode(members["ansible_facts"], type=dict[str, Raw])
        elif _is_true(members.get("unreachable")):
            return FactFile({}, reason="it could not be reached")
        elif _is_true(members.get("failed")):
            return FactFile({}, reason="gathering its facts failed")
        facts = {name: msgspec.json.decode(members[name]) for name in allowed if name in members}
        return FactFile(facts, _gathered(members.get(_DATE)))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return FactFile({}, reason="its file is no JSON with facts")


def _is_true(member: Raw | None) -> bool:
    return member is not None and bytes(member).strip() == b"true"


def _gathered(member: Raw | None) -> Instant | None:
    if member is None:
        return None
    told = msgspec.json.decode(member)
    epoch = told.get("epoch") if isinstance(told, dict) else None
    text = str(epoch) if isinstance(epoch, str | int) and not isinstance(epoch, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) < len(str(_LATEST))):
        return None
    return Instant(int(text) * _SECONDS)
