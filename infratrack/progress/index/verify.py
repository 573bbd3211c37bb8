"""Is the facts index what the ledger says? It is built anew beside, and the two are compared."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from infratrack.evidence.trust import Trust
from infratrack.progress.index.projection import WordsOf
from infratrack.progress.index.refresh import OnProgress, ReadableLedger, refresh
from infratrack.progress.index.schema import COMPARED
from infratrack.progress.index.store import FactsIndex, unpack


class IndexComparison(Struct, frozen=True):
    """How many pieces of evidence and words were compared, and every difference in a sentence (at most a hundred)."""

    evidence: int
    words: int
    differences: tuple[str, ...]


MOST_DIFFERENCES = 100


def compare_index(
    index_path: Path,
    ledger: ReadableLedger,
    trust: Trust,
    types: Mapping[str, WordsOf],
    on_progress: OnProgress | None = None,
) -> IndexComparison | None:
    """Rebuild the index in memory, every signature verified again, and compare; None when there is no index file.

    The index is first brought up to date, so that what differs is wrong and not merely old. Raises IntegrityFailure
    when the ledger no longer begins with what the index was made from.
    """
    if not index_path.exists():
        return None
    kept = refresh(index_path, ledger, trust, types)
    anew = refresh(None, ledger, trust, types, on_progress)
    try:
        words = sum(len(said) for _, said in _words(anew))
        try:
            differences = tuple(itertools.islice(_differences(kept, anew), MOST_DIFFERENCES))
        except (sqlite3.DatabaseError, ValueError) as error:
            differences = (f"the index file is damaged ({str(error)[:200]})",)
        return IndexComparison(anew.size, words, differences)
    finally:
        kept.close()
        anew.close()


def _differences(kept: FactsIndex, anew: FactsIndex) -> Iterator[str]:
    for table, query in COMPARED.items():
        old, new = ({row[:2]: row for row in index.rows(query)} for index in (kept, anew))
        for key in sorted(old.keys() ^ new.keys(), key=str):
            yield f"the index {'has' if key in old else 'lacks'} {table} {key[0]}"
        for key in sorted(old.keys() & new.keys(), key=str):
            if old[key] != new[key]:
                yield f"the index differs from the ledger in {table} {key[0]}"
    old_words, new_words = dict(_words(kept)), dict(_words(anew))
    for subject in sorted(old_words.keys() | new_words.keys()):
        if old_words.get(subject) != new_words.get(subject):
            yield f"the index differs from the ledger in the words about {subject[0]} {subject[2]}"


def _words(index: FactsIndex) -> Iterator[tuple[tuple[str, str, str], list[tuple[int, int, bytes]]]]:
    """Each subject with its words, values written out."""
    values = dict(index.rows("SELECT id, json FROM value"))
    query = "SELECT kind, scope, name, instants, entries, value_ids FROM subject JOIN history ON subject = id"
    for kind, scope, name, instants, entries, value_ids in index.rows(query):
        numbers = (values.get(number, b"") for number in unpack(value_ids))
        yield (kind, scope, name), list(zip(unpack(instants), unpack(entries), numbers, strict=True))
