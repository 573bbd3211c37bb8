"""Checks records on every core where that pays: signatures cost a tenth of a millisecond each."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from infratrack.evidence.keys import PublicKey
from infratrack.ledger.check import Record, SoundRecord, check_records

if TYPE_CHECKING:
    from concurrent.futures import Future

PAYS_FROM: Final = 4_000
"""Entries from which on other processes are worth starting."""

Page = Sequence[Record]
Results = list[SoundRecord | str]


def checked_pages(
    pages: Iterable[Page], keys: Mapping[str, PublicKey], expected: int
) -> Iterator[tuple[Page, Results]]:
    """Each page with what `check_records` says of it, in order. `expected` is about how many records will come."""
    raw = {keyid: key.raw for keyid, key in keys.items()}
    workers = os.cpu_count() or 1
    if expected < PAYS_FROM or workers == 1:
        for page in pages:
            yield page, check_records(page, raw)
        return
    yield from _in_processes(pages, raw, workers)


def _in_processes(pages: Iterable[Page], raw: Mapping[str, bytes], workers: int) -> Iterator[tuple[Page, Results]]:
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 -- only for large logs
    from multiprocessing import get_context  # noqa: PLC0415 -- likewise

    # Forked: a spawned process would import the main program once more, whatever that does. The children run this
    # module's pure check and nothing else, so threads of the parent that are not in them are not missed.
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        waiting: deque[tuple[Page, Future[Results]]] = deque()
        for page in pages:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                waiting.append((page, pool.submit(check_records, page, raw)))
            # A bounded queue: the log need not fit into memory.
            if len(waiting) > 4 * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()
