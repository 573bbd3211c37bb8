"""Which evidence counts: decided when folding, so that a change of trust needs no second look at any signature."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from infratrack.evidence.predicates import SIGNOFF
from infratrack.evidence.trust import Trust, narrow
from infratrack.progress.index.store import DAMAGED, KNOWN, FactsIndex
from infratrack.progress.index.writer import key_entries
from infratrack.progress.status import OTHER_PROJECT, TWICE, UNREADABLE, EvidenceCounts
from infratrack.values import Instant


class Counting(Struct, frozen=True):
    """`excluded`: entries that do not count, each with the reason (OTHER_PROJECT, UNREADABLE, TWICE, or the untrusted key's id).

    `vouched`: digests of the definitions that counted evidence pins. `counts`: the numbers for people.
    """

    excluded: Mapping[int, str]
    vouched: frozenset[str]
    counts: EvidenceCounts


def what_counts(index: FactsIndex, project_id: str, trust: Trust, size: int, as_of: Instant) -> Counting:
    """Sort all evidence below `size` and up to `as_of` into what counts and what does not."""
    narrowed = narrow(trust, key_entries(index))
    everything = size >= index.size and not index.rows("SELECT 1 FROM evidence WHERE instant > ? LIMIT 1", as_of)
    bounds = "1" if everything else f"entry < {int(size)} AND instant <= {int(as_of)}"
    total = counted = other = unreadable = 0
    untrusted: dict[str, int] = {}
    excluded: dict[int, str] = {}
    vouched: set[str] = set()
    names: dict[int, str] = dict(index.rows("SELECT id, text FROM name"))
    query = f"SELECT key, project, state, type, definition, COUNT(*) FROM evidence WHERE {bounds} GROUP BY 1, 2, 3, 4, 5"
    for key, project, state, kind, definition, number in index.rows(query):
        keyid, signs = names[key], names[kind] == SIGNOFF
        total += number
        owners = trust.people if signs else trust.signers
        reason = ""
        if state == DAMAGED:
            reason, unreadable = UNREADABLE, unreadable + number
        elif names[project] != project_id:
            reason, other = OTHER_PROJECT, other + number
        elif state != KNOWN or keyid not in owners:
            reason = keyid
            untrusted[keyid] = untrusted.get(keyid, 0) + number
        if not reason:
            counted += number
            if not signs:
                vouched.add(names[definition])
        if reason or keyid in narrowed.ends:
            group = "key = ? AND project = ? AND state = ? AND type = ? AND definition = ?"
            members = index.rows(
                f"SELECT entry FROM evidence WHERE {bounds} AND {group}", key, project, state, kind, definition
            )
            for (entry,) in members:
                if reason or not narrowed.holds(keyid, entry):
                    excluded[entry] = reason or keyid
                    if not reason:
                        untrusted[keyid] = untrusted.get(keyid, 0) + 1
                        counted -= 1
    _count_once(index, size, excluded)
    problems = index.rows(f"SELECT COUNT(*) FROM evidence WHERE {bounds} AND problem <> '' AND state <> ?", DAMAGED)
    counts = EvidenceCounts(total, counted, dict(sorted(untrusted.items())), other, unreadable + int(problems[0][0]))
    return Counting(excluded, frozenset(vouched - {""}), counts)


def _count_once(index: FactsIndex, size: int, excluded: dict[int, str]) -> None:
    """Of the same payload in several envelopes the first one that counts speaks for all."""
    seen: set[str] = set()
    for payload, entry in index.rows("SELECT payload, entry FROM twin ORDER BY payload, entry"):
        if entry >= size or entry in excluded:
            continue
        if payload in seen:
            excluded[entry] = TWICE
        seen.add(payload)
