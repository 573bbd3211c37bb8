"""Which evidence counts: decided when folding, so that a change of trust needs no second look at any signature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from infratrack.evidence.identity.endorsement import Endorsed
from infratrack.evidence.identity.runner import described
from infratrack.evidence.predicates import SIGNOFF
from infratrack.evidence.trust import Trust, narrow, with_endorsed
from infratrack.progress.index.store import DAMAGED, KNOWN, FactsIndex
from infratrack.progress.index.writer import endorsements, key_entries
from infratrack.progress.status import JOB, OTHER_PROJECT, TWICE, UNREAD_JOB, UNREADABLE, EvidenceCounts
from infratrack.values import Instant


class Counting(Struct, frozen=True):
    """What counts of the ledger's first `size` entries up to `as_of`."""

    size: int
    as_of: Instant
    excluded: Mapping[int, str]
    """Entries that do not count, with the reason: OTHER_PROJECT, UNREADABLE, TWICE, JOB and which, or a key's id."""
    vouched: Mapping[str, int]
    """Digests of the definitions that counted evidence pins, with the first entry that does."""
    counts: EvidenceCounts
    everything: bool
    """Whether there is nothing in the index beyond `size` and `as_of`."""
    trust: Trust
    """Trust with the keys that endorsements brought."""


def what_counts(index: FactsIndex, project_id: str, trust: Trust, size: int, as_of: Instant) -> Counting:
    """Sort all evidence below `size` and up to `as_of` into what counts and what does not."""
    everything = size >= index.size and not index.rows("SELECT 1 FROM evidence WHERE instant > ? LIMIT 1", as_of)
    bounds = "1" if everything else f"entry < {int(size)} AND instant <= {int(as_of)}"
    jobs = endorsements(index, size)
    trust = with_endorsed(trust, jobs)
    strangers = {one.keyid: _job(one) for _, one in jobs if one.keyid not in trust.signers}
    ends = narrow(trust, key_entries(index))
    names: dict[int, str] = dict(index.rows("SELECT id, text FROM name"))
    excluded: dict[int, str] = {}
    vouched: dict[str, int] = {}
    total = 0
    by_reason: Counter[str] = Counter()
    grouped = (
        "SELECT key, project, state, type, definition, COUNT(*), MIN(entry)"  # noqa: S608 -- `bounds` holds numbers only
        f" FROM evidence WHERE {bounds} GROUP BY 1, 2, 3, 4, 5"
    )
    for *group, number, earliest in index.rows(grouped):
        key, project, state, kind, definition = group
        keyid, signs = names[key], names[kind] == SIGNOFF
        reason = ""
        if state == DAMAGED:
            reason = UNREADABLE
        elif names[project] != project_id:
            reason = OTHER_PROJECT
        elif state != KNOWN or keyid not in (trust.people if signs else trust.signers):
            reason = strangers.get(keyid, keyid)
        total += number
        first = earliest
        if reason or keyid in ends.ends or earliest < trust.since.get(keyid, 0):
            members = f"SELECT entry FROM evidence WHERE {bounds} AND key = ? AND project = ? AND state = ? AND type = ? AND definition = ?"  # noqa: S608, E501 -- likewise
            entries = [entry for (entry,) in index.rows(members, *group)]
            out = [entry for entry in entries if reason or not ends.holds(keyid, entry)]
            excluded.update(dict.fromkeys(out, reason or keyid))
            by_reason[reason or keyid] += len(out)
            first = min(set(entries).difference(out), default=-1)
        if first >= 0 and not signs and names[definition]:
            vouched[names[definition]] = min(first, vouched.get(names[definition], first))
    counted = total - by_reason.total()
    _count_once(index, size, excluded)
    troubled = f"SELECT COUNT(*) FROM evidence WHERE {bounds} AND problem <> '' AND state <> ?"  # noqa: S608 -- likewise
    damaged = by_reason.pop(UNREADABLE, 0)
    unreadable = damaged + int(index.rows(troubled, DAMAGED)[0][0])
    other = by_reason.pop(OTHER_PROJECT, 0)
    untrusted = {key: by_reason[key] for key in sorted(by_reason)}
    counts = EvidenceCounts(total, counted, untrusted, other, unreadable, damaged)
    return Counting(size, as_of, excluded, vouched, counts, everything, trust)


def _job(endorsed: Endorsed) -> str:
    """Why the evidence of a job that is not trusted does not count."""
    return UNREAD_JOB if endorsed.unread else JOB + described(endorsed.runner)


def _count_once(index: FactsIndex, size: int, excluded: dict[int, str]) -> None:
    """Of the same payload in several envelopes the first one that counts speaks for all."""
    seen: set[tuple[str, str]] = set()
    for payload, entry in index.rows("SELECT payload, entry FROM twin ORDER BY payload, entry"):
        if entry < size:
            said = (payload, excluded.get(entry, ""))
            if said in seen:
                excluded[entry] = TWICE
            seen.add(said)
