"""Batches of one kind of write sent to the server: adaptive in size, the guilty singled out, nothing sent twice."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec
from msgspec import Struct

from infratrack.api import Unreachable, WriteOutcome
from infratrack_netbox.arrangement import Item
from infratrack_netbox.batches import Pace, after_failure, after_success, settling
from infratrack_netbox.exchange import Answer, Disturbed
from infratrack_netbox.refusals import blamed, sentence

LONGEST_WAIT: Final = 60.0
"""Seconds that a server's `Retry-After` is heeded for."""
_TRIES: Final = 6
"""Waits in a row after which a server that never has time counts as not reachable."""
_ALONE: Final = 3
"""Tries of one record alone whose answer gets lost, before that is the record's error."""
_LOST_IN_A_ROW: Final = 3
"""Records alone whose answers got lost, one after the other, after which the server counts as not reachable."""
_STALE: Final = 5
_HEADER: Final = 4000
"""Characters of `If-Match`; many servers take 8,190 for a header."""
_BODY: Final = 2 * 1024 * 1024
_FIRST_BACKOFF: Final = 0.5
_RETRY_STATUSES: Final = frozenset({429})
_FOR_A_WHILE: Final = frozenset({502, 503, 504})


class Entry(Struct, frozen=True):
    """One record in a batch."""

    item: Item
    body: Mapping[str, Any]
    id: str = ""
    version: str = ""
    """Its ETag; empty where the server has none."""
    live: Mapping[str, Any] | None = None
    """The record as it was read just before."""


class Result(Struct, frozen=True):
    """What came of one entry. `request`: the server's id of the request that wrote."""

    entry: Entry
    outcome: WriteOutcome
    id: str = ""
    request: str = ""
    reason: str = ""


class Work(Protocol):
    """One kind of write of one type of records."""

    @property
    def name(self) -> str:
        """By which its pace is remembered."""

    @property
    def separate(self) -> bool:
        """Whether a refusal says more about a record that is asked for alone."""

    def request(self, entries: Sequence[Entry]) -> tuple[str, str, Any]:
        """Method, path and body."""

    def done(self, entries: Sequence[Entry], answer: Answer) -> list[str] | None:
        """The ids of the records, in the order of the entries; None where the answer does not fit what was sent."""

    def look(self, entries: Sequence[Entry]) -> list[Result | None]:
        """What is really there, after an answer was lost; None for what has not been done. Unreachable."""

    def again(self, entries: Sequence[Entry]) -> list[Entry | Result]:
        """Read anew what changed since it was read: entries to send, or what became of them. Unreachable."""


class _Attempt(Struct, frozen=True):
    kind: Literal["done", "refused", "stale", "busy", "lost"]
    seconds: float = 0.0
    ids: Sequence[str] = ()
    request: str = ""
    status: int = 0
    body: Any = None
    reason: str = ""
    wait: float | None = None


class _Queue:
    """Groups of entries still to be sent, and what was refused for now."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.groups: deque[list[Entry]] = deque([list(entries)] if entries else [])
        self.refused: list[Result] = []
        self.progress = False
        """Whether anything was written since a record was last refused a second time."""
        self.stale = 0
        self.alone: dict[int, int] = {}
        """Item number → tries alone whose answers got lost."""
        self.lost: set[int] = set()
        """Item numbers of what was sent, not answered and not done when it was looked up; it may yet happen."""

    def take(self, most: Callable[[Sequence[Entry]], int]) -> list[Entry]:
        group = self.groups.popleft()
        size = most(group)
        if group[size:]:
            self.groups.appendleft(group[size:])
        return group[:size]

    def put_back(self, *groups: Sequence[Entry]) -> None:
        self.groups.extendleft(list(group) for group in reversed(groups) if group)


class Sender(Protocol):
    """What is needed of the client."""

    def send(self, method: str, path: str, body: object = None, *, if_match: Sequence[str] = ()) -> Answer:
        """Exactly one request."""


class Delivery:
    """Sends batches, and remembers the pace of each kind of write for the whole run."""

    def __init__(self, client: Sender, timeout: float, canceled: Callable[[], bool]) -> None:
        self._client = client
        self._timeout = timeout
        self._canceled = canceled
        self._paces: dict[str, Pace] = {}
        self._waits = 0
        self._lost = 0

    def size(self, name: str) -> int:
        """How many records the next batch of this kind should have."""
        return self._paces.get(name, Pace()).size

    def carry(self, work: Work, entries: Sequence[Entry]) -> Iterator[list[Result]]:
        """Send them all; yields what became of them request by request. What is not yielded was not reached.

        Raises Unreachable, after what is then not known was yielded as `unknown`.
        """
        queue = _Queue(entries)
        while queue.groups or queue.refused:
            if self._canceled() or (not queue.groups and not _another_round(queue, work)):
                yield queue.refused
                return
            if not queue.groups:
                _requeue(queue, work)
            taken = queue.take(lambda group: self._most(work, group))
            yield from self._step(work, taken, queue)

    def _most(self, work: Work, group: Sequence[Entry]) -> int:
        """How many of a group go into the next request: as the pace says, and as header and body have room."""
        header = body = 0
        for count, entry in enumerate(group[: self.size(work.name)]):
            header += len(entry.version) + 2
            body += len(msgspec.json.encode(entry.body)) + 1
            if count and (header > _HEADER or body > _BODY):
                return count
        return min(len(group), self.size(work.name))

    def _step(self, work: Work, taken: list[Entry], queue: _Queue) -> Iterator[list[Result]]:
        attempt = self._attempt(work, taken)
        if attempt.kind == "done":
            pace = self._paces.get(work.name, Pace())
            self._paces[work.name] = after_success(pace, len(taken), attempt.seconds, self._timeout / 3)
            self._waits = self._lost = queue.stale = 0
            queue.progress = True
            pairs = zip(taken, attempt.ids, strict=True)
            yield [Result(entry, "written", one, attempt.request) for entry, one in pairs]
        elif attempt.kind in {"refused", "stale"} and any(entry.item.number in queue.lost for entry in taken):
            yield from self._came_late(work, taken, queue)
        elif attempt.kind == "refused":
            yield _refused(work, taken, queue, attempt)
        elif attempt.kind == "stale":
            yield from self._stale(work, taken, queue)
        elif attempt.kind == "busy":
            self._wait(attempt)
            queue.put_back(taken)
        else:
            yield from self._lost_answer(work, taken, queue, attempt)

    def _attempt(self, work: Work, taken: Sequence[Entry]) -> _Attempt:
        method, path, body = work.request(taken)
        versions = tuple(dict.fromkeys(entry.version for entry in taken if entry.version))
        guarded = versions if all(entry.version for entry in taken) else ()
        started = time.monotonic()
        try:
            answer = self._client.send(method, path, body, if_match=guarded)
        except Disturbed as error:
            kind: Literal["lost", "busy"] = "lost" if error.maybe_done else "busy"
            return _Attempt(kind, time.monotonic() - started, reason=error.reason)
        seconds = time.monotonic() - started
        if answer.ok:
            ids = work.done(taken, answer)
            if ids is None:
                return _Attempt("lost", seconds, reason="its answer does not fit what it was sent")
            return _Attempt("done", seconds, ids, answer.request_id)
        return _judged(answer, seconds)

    def _wait(self, attempt: _Attempt) -> None:
        """Wait as long as the server asks, within bounds; Unreachable when it never has time."""
        self._waits += 1
        if self._waits > _TRIES:
            raise Unreachable(
                f"NetBox takes no more writes: {attempt.reason}", "run the sync again later: it finishes the rest"
            )
        seconds = attempt.wait if attempt.wait is not None else _FIRST_BACKOFF * 2**self._waits
        time.sleep(min(LONGEST_WAIT, seconds))

    def _stale(self, work: Work, taken: Sequence[Entry], queue: _Queue) -> Iterator[list[Result]]:
        """Somebody changed one of them: go on with those whose fields concerned are as they were."""
        queue.stale += 1
        if queue.stale > _STALE:
            reason = "somebody keeps changing it: NetBox refused to overwrite it each time"
            yield [Result(entry, "moved", entry.id, reason=reason) for entry in taken]
            return
        fresh = work.again(taken)
        moved = [one for one in fresh if isinstance(one, Result)]
        if moved:
            yield moved
        queue.put_back([one for one in fresh if isinstance(one, Entry)])

    def _lost_answer(self, work: Work, taken: list[Entry], queue: _Queue, attempt: _Attempt) -> Iterator[list[Result]]:
        """Look what is really there before anything is sent again; then in smaller batches, down to one record."""
        pace = self._paces.get(work.name, Pace())
        self._paces[work.name] = after_failure(pace, len(taken))
        rest = yield from self._looked_up(work, taken, queue, attempt.reason)
        if rest and attempt.status != 500:  # noqa: PLR2004 -- a 500 is the server's end of it
            time.sleep(settling(pace, len(taken), self._timeout))
            rest = yield from self._looked_up(work, rest, queue, attempt.reason)
        queue.lost |= {entry.item.number for entry in rest}
        if len(taken) > 1 or not rest:
            queue.put_back(rest)
            return
        yield from self._alone(rest[0], queue, attempt)

    def _came_late(self, work: Work, taken: list[Entry], queue: _Queue) -> Iterator[list[Result]]:
        """It is refused because an earlier request, whose answer was lost, was carried out after it was looked up."""
        queue.lost -= {entry.item.number for entry in taken}  # once: what is then refused again is refused
        queue.put_back((yield from self._looked_up(work, taken, queue, "NetBox refused it after an answer was lost")))

    def _looked_up(
        self, work: Work, taken: Sequence[Entry], queue: _Queue, reason: str
    ) -> Generator[list[Result], None, list[Entry]]:
        """Yields what was done after all, and returns what was not. Unreachable, after what is not known was told."""
        try:
            found = work.look(taken)
        except Unreachable as error:
            reason = f"{reason}, and what is there now cannot be read"
            yield [Result(entry, "unknown", entry.id, reason=reason) for entry in taken]
            raise error from None
        known = [one for one in found if one is not None]
        if known:
            queue.progress = True
            yield known
        return [entry for entry, one in zip(taken, found, strict=True) if one is None]

    def _alone(self, entry: Entry, queue: _Queue, attempt: _Attempt) -> Iterator[list[Result]]:
        """One record alone, whose answer got lost and which is not written."""
        tries = queue.alone[entry.item.number] = queue.alone.get(entry.item.number, 0) + 1
        if attempt.status in _FOR_A_WHILE or attempt.wait is not None:
            self._wait(attempt)
        elif attempt.status == 0 and tries < _ALONE:
            time.sleep(_FIRST_BACKOFF * tries)
        else:
            yield [Result(entry, "failed", entry.id, reason=f"NetBox did not carry it out: {attempt.reason}")]
            self._lost += attempt.status == 0
            if self._lost >= _LOST_IN_A_ROW:
                raise Unreachable(
                    f"NetBox takes no more writes: {attempt.reason}", "run the sync again later: it finishes the rest"
                )
            return
        queue.put_back([entry])


def _judged(answer: Answer, seconds: float) -> _Attempt:
    """What an answer that is no success means."""
    status = answer.status
    words = sentence(status, answer.body)
    if status == 412:  # noqa: PLR2004 -- precondition failed
        return _Attempt("stale", seconds)
    if status in _RETRY_STATUSES:
        return _Attempt("busy", seconds, status=status, reason=f"it answered {status}", wait=answer.retry_after)
    if status >= 500:  # noqa: PLR2004 -- the server's own errors
        said = f"it answered {status}" if answer.body is None else f"it answered {status}: {words}"
        return _Attempt("lost", seconds, status=status, reason=said, wait=answer.retry_after)
    if status == 401 or status < 400:  # noqa: PLR2004 -- unauthorized; redirects
        raise Unreachable(
            f"NetBox refuses the token ({status}): {words}" if status == 401 else f"NetBox sends elsewhere ({status})",  # noqa: PLR2004
            "check NETBOX_TOKEN and `url`, and run the sync again: it finishes the rest",
        )
    return _Attempt("refused", seconds, request=answer.request_id, status=status, body=answer.body)


def _refused(work: Work, taken: list[Entry], queue: _Queue, attempt: _Attempt) -> list[Result]:
    """Single out the guilty, and send the others again; returns those that are refused for good."""
    words = sentence(attempt.status, attempt.body)
    guilty = blamed(attempt.status, attempt.body, [entry.id for entry in taken])
    if len(taken) == 1:
        guilty = {0: guilty.get(0, words)}
    if guilty:
        for place, reason in guilty.items():
            queue.refused.append(Result(taken[place], "failed", taken[place].id, reason=reason))
        queue.put_back([entry for place, entry in enumerate(taken) if place not in guilty])
        return []
    if attempt.status == 403:  # noqa: PLR2004 -- the token may not do this at all
        return [Result(entry, "failed", entry.id, reason=words) for entry in taken]
    half = len(taken) // 2
    queue.put_back(taken[:half], taken[half:])
    return []


_MOST_ALONE: Final = 10


def _another_round(queue: _Queue, work: Work) -> bool:
    """Whether what was refused deserves another try: others were written since, which may have been in its way."""
    if queue.progress:
        return True
    return (
        work.separate
        and len(queue.refused) <= _MOST_ALONE
        and not all(one.entry.item.number in queue.alone for one in queue.refused)
    )


def _requeue(queue: _Queue, work: Work) -> None:
    entries = [one.entry for one in queue.refused]
    queue.refused = []
    queue.progress = False
    if work.separate and len(entries) <= _MOST_ALONE:
        for entry in entries:
            queue.alone.setdefault(entry.item.number, 0)
        queue.put_back(*([entry] for entry in entries))
    else:
        queue.put_back(entries)
