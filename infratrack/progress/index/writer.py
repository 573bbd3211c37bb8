"""Writes facts into the index, keeping the words of each subject sorted as evidence is ordered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import structs

from infratrack.evidence.identity.endorsement import Endorsed
from infratrack.evidence.identity.runner import Runner
from infratrack.evidence.trust import KeyEntry
from infratrack.progress.index.projection import EvidenceFacts
from infratrack.progress.index.store import KNOWN, FactsIndex, pack, unpack

Subject = tuple[str, str, str]
DocumentOf = Callable[[str], bytes | None]


class _Said(NamedTuple):
    """One word on its way into a history; sorts as evidence is ordered."""

    instant: int
    run: str
    payload: str
    entry: int
    value: int


class IndexWriter:
    """Adds pieces of evidence to an index, within the caller's transaction; `size` is the ledger's, with them."""

    def __init__(self, index: FactsIndex, size: int, document_of: DocumentOf) -> None:
        self._index = index
        self._size = size
        self._document_of = document_of
        self._execute = index.connection.execute
        self._many = index.connection.executemany
        self._names: dict[str, int] = {}
        self._values: dict[tuple[str, bytes], int] = {}
        self._definitions: set[str] = set()

    def add(self, facts: Sequence[EvidenceFacts]) -> None:
        """Add evidence that the index does not have yet."""
        self._many(
            "INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [self._evidence_row(one) for one in facts],
        )
        self._many(
            "INSERT OR REPLACE INTO verified VALUES (?, ?)", [(one.digest, one.keyid) for one in facts if one.checked]
        )
        self._many(
            "INSERT INTO link VALUES (?, ?, ?, ?)",
            [(deliverable, one.entry, one.instant, one.outcome) for one in facts for deliverable in one.deliverables],
        )
        self._many(
            "INSERT INTO signoff VALUES (?, ?, ?, ?)",
            [
                (one.entry, one.signed.deliverable, one.signed.decision, one.signed.comment)
                for one in facts
                if one.signed
            ],
        )
        self._many(
            "INSERT INTO key_entry VALUES (?, ?, ?, ?)",
            [(one.entry, *one.key_entry, one.keyid) for one in facts if one.key_entry],
        )
        self._many(
            "INSERT INTO endorsement VALUES (?, ?, ?, ?)",
            [(one.entry, *_endorsement_row(one.endorsed)) for one in facts if one.endorsed],
        )
        self._add_twins(facts)
        self._add_definitions(facts)
        self._add_words(facts)

    def _evidence_row(self, one: EvidenceFacts) -> tuple[object, ...]:
        return (
            one.entry, one.digest, one.payload, self._name(one.predicate_type), self._name(one.keyid),
            self._name(one.project), self._name(one.definition), one.state, one.instant, one.recorded, one.run,
            one.outcome, one.commit, one.actor, one.run_url, one.problem,
        )  # fmt: skip

    def _name(self, text: str) -> int:
        number = self._names.get(text)
        if number is None:
            self._execute("INSERT OR IGNORE INTO name (text) VALUES (?)", (text,))
            number = int(self._execute("SELECT id FROM name WHERE text = ?", (text,)).fetchone()[0])
            self._names[text] = number
        return number

    def _add_twins(self, facts: Sequence[EvidenceFacts]) -> None:
        """Note payloads that stand in the ledger more than once: they count once."""
        first, last = facts[0].entry, facts[-1].entry
        self._execute(
            "INSERT OR IGNORE INTO twin SELECT o.payload, o.entry FROM evidence n"
            " JOIN evidence o ON o.payload = n.payload WHERE n.entry BETWEEN ? AND ?"
            " AND EXISTS (SELECT 1 FROM evidence x WHERE x.payload = n.payload AND x.entry <> n.entry)",
            (first, last),
        )

    def _add_definitions(self, facts: Sequence[EvidenceFacts]) -> None:
        for digest in {one.definition for one in facts} - self._definitions - {""}:
            self._definitions.add(digest)
            if self._index.definition(digest) is None:
                document = self._document_of(digest)
                if document is not None:
                    self._execute("INSERT INTO definition VALUES (?, ?)", (digest, document))

    def _add_words(self, facts: Sequence[EvidenceFacts]) -> None:
        said: dict[Subject, list[_Said]] = {}
        for one in sorted(facts, key=lambda one: one.order):
            for kind, scope, name, value in one.words:
                word = _Said(*one.order, one.entry, self._value(kind, value))
                said.setdefault((kind, scope, name), []).append(word)
        for subject, words in said.items():
            self._extend(self._subject(subject), words)

    def _value(self, kind: str, json: bytes) -> int:
        number = self._values.get((kind, json))
        if number is None:
            self._execute("INSERT OR IGNORE INTO value (kind, json) VALUES (?, ?)", (kind, json))
            query = "SELECT id FROM value WHERE kind = ? AND json = ?"
            number = int(self._execute(query, (kind, json)).fetchone()[0])
            self._values[kind, json] = number
        return number

    def _subject(self, subject: Subject) -> int:
        self._execute(
            "INSERT INTO subject (kind, scope, name, changed) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, scope, name) DO UPDATE SET changed = excluded.changed",
            (*subject, self._size),
        )
        query = "SELECT id FROM subject WHERE kind = ? AND scope = ? AND name = ?"
        return int(self._execute(query, subject).fetchone()[0])

    def _extend(self, subject: int, words: list[_Said]) -> None:
        """Add words, already in order, to a subject's history."""
        query = "SELECT instants, entries, value_ids FROM history WHERE subject = ?"
        found = self._execute(query, (subject,)).fetchone()
        instants, entries, values = (unpack(packed) for packed in found or (b"", b"", b""))
        late = len(instants)
        while late and instants[late - 1] >= words[0].instant:
            late -= 1
        if late < len(instants):
            known = self._known(instants[late:], entries[late:], values[late:])
            # Sorting is stable and the value is no part of the key: what one piece of evidence says keeps its order.
            words = sorted(known + words, key=lambda word: word[:4])
            del instants[late:], entries[late:], values[late:]
        instants.extend(word.instant for word in words)
        entries.extend(word.entry for word in words)
        values.extend(word.value for word in words)
        self._execute(
            "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)", (subject, pack(instants), pack(entries), pack(values))
        )

    def _known(self, instants: Sequence[int], entries: Sequence[int], values: Sequence[int]) -> list[_Said]:
        """Words that the history has already, with the run and payload that break ties."""
        ties: dict[int, tuple[str, str]] = {}
        for entry in set(entries):
            ties[entry] = self._execute("SELECT run, payload FROM evidence WHERE entry = ?", (entry,)).fetchone()
        return [
            _Said(instant, *ties[entry], entry, value)
            for instant, entry, value in zip(instants, entries, values, strict=True)
        ]


def _endorsement_row(endorsed: Endorsed) -> tuple[str, str, str]:
    """What trust is decided by. Which run it was stands in the evidence; without it, jobs of one kind are one text."""
    kind = structs.replace(endorsed.runner, commit="", run="", attempt="", actor="")
    return endorsed.keyid, endorsed.authority, msgspec.json.encode(kind).decode()


def endorsements(index: FactsIndex, size: int) -> list[tuple[int, Endorsed]]:
    """The endorsements among the first `size` entries whose signature fits, in the order of the ledger."""
    runners: dict[str, Runner] = {}
    found = []
    query = (
        "SELECT entry, keyid, authority, runner FROM endorsement JOIN evidence USING (entry)"
        " WHERE entry < ? AND state = ? ORDER BY entry"
    )
    for entry, keyid, authority, text in index.rows(query, size, KNOWN):
        if text not in runners:
            runners[text] = msgspec.json.decode(text, type=Runner)
        found.append((entry, Endorsed(keyid, authority, runners[text])))
    return found


def key_entries(index: FactsIndex) -> list[KeyEntry]:
    """Key entries in the order of the ledger."""
    return [KeyEntry(*row) for row in index.rows("SELECT entry, keyid, action, signer FROM key_entry ORDER BY entry")]
