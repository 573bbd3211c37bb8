"""The storage interface over a branch of a Git remote.

Appending is compare-and-swap: the work runs on the newest state, becomes a commit, and is pushed only if the branch is
still where it was; otherwise it runs again. Many entries are read from a local copy, which appending never needs.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Final

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.ledger.merkle import Place
from infratrack.ledger.storage.git import layout
from infratrack.ledger.storage.git.branch import Branch
from infratrack.ledger.storage.git.memory import Memory
from infratrack.ledger.storage.git.remote import GitRemote
from infratrack.ledger.storage.git.seen import check_grown, gone
from infratrack.ledger.storage.git.writer import BranchWriter
from infratrack.ledger.storage.interface import Head, LedgerReader, LedgerWriter, Result, StoredEntry

if TYPE_CHECKING:
    from infratrack.ledger.storage.git.copy import LocalCopy

FRESH_SECONDS: Final = 3.0
"""For so long the branch is taken to be where it was seen."""
GIVE_UP_SECONDS: Final = 300.0
"""So long an appender tries while others are faster."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0


class GitStorage:
    """A ledger's storage on a branch; `memory` is what this machine remembers of it."""

    def __init__(self, remote: GitRemote, memory: Memory) -> None:
        self._remote: Final = remote
        self._memory: Final = memory
        self._turn: Final = RLock()
        self._branch: Branch | None = None
        self._asked = 0.0
        self._copy: LocalCopy | None = None
        self._beside: Final[dict[str, bytes]] = {}

    @property
    def name(self) -> str:
        """The branch and its remote, as they may be shown."""
        return self._remote.name

    def is_there(self) -> bool:
        """Whether there is such a branch. IntegrityFailure when it was there and is gone, or was pushed over.

        InputError for a branch that holds something else, Unreachable when the remote cannot be asked.
        """
        with self._turn:
            return self._newest() is not None

    def create(self, origin: str) -> None:
        """Begin a log, unless somebody else did."""
        with self._turn, self._memory.alone():
            branch = self._newest()
            if branch is None:
                new = self._remote.commit(None, {layout.ORIGIN: layout.write_origin(origin)}, "An empty log")
                if self._remote.push(new, None):
                    self._keep(Branch(self._remote, new))
                    return
                if self._newest() is None:
                    raise Unreachable(
                        f"the server refused to begin {self.name}",
                        "name another branch in `ledger`: beside `one/two` there can be none called `one`",
                    )

    def head(self) -> Head:
        """See LedgerReader."""
        with self._turn:
            return self._now().head()

    def count(self) -> int:
        """See LedgerReader."""
        with self._turn:
            return self._now().count()

    def keys(self) -> Mapping[str, bytes]:
        """See LedgerReader."""
        with self._turn:
            return self._now().keys()

    def indexes_of(self, digests: Collection[bytes]) -> Mapping[bytes, int]:
        """See LedgerReader."""
        with self._turn:
            return self._now().indexes_of(digests)

    def leaves(self, indexes: Collection[int]) -> Mapping[int, bytes]:
        """See LedgerReader."""
        with self._turn:
            return self._copied().leaves(indexes)

    def hashes(self, wanted: Collection[Place]) -> Mapping[Place, bytes]:
        """See LedgerReader."""
        with self._turn:
            return self._copied().hashes(wanted)

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """See LedgerReader."""
        with self._turn:
            return self._copied().entries(start, stop)

    def write(
        self,
        work: Callable[[LedgerWriter], Result],
        *,
        digests: Collection[bytes] = (),
        keyids: Collection[str] = (),
    ) -> Result:
        """See LedgerStorage: again from the newest state whenever somebody else was faster."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        pause = _FIRST_PAUSE
        with self._turn, self._memory.alone():
            # What was asked a moment ago is good enough to try with: a push onto anything else is refused.
            branch = self._fresh() or self._newest()
            while True:
                if branch is None:
                    raise InputError(f"{self.name} is not there", "open the ledger again; the first evidence makes it")
                branch.expect(digests, keyids, self._beside)
                writer = BranchWriter(branch)
                result = work(writer)
                there = branch.read(self._beside)
                files = writer.files() | {path: one for path, one in self._beside.items() if path not in there}
                if not files:
                    self._beside.clear()
                    return result
                new = self._remote.commit(branch.tip, files, writer.summary())
                if self._remote.push(new, branch.tip):
                    self._beside.clear()
                    self._keep(Branch(self._remote, new))
                    return result
                if time.monotonic() > give_up:
                    raise Unreachable(
                        f"others wrote to {self.name} faster for {GIVE_UP_SECONDS:.0f} s",
                        "try again; the evidence waits on this machine",
                    )
                time.sleep(random.uniform(0, pause))  # noqa: S311 -- so that those who wait do not come together again
                pause = min(pause * 2, _LONGEST_PAUSE)
                branch = self._newest()

    def put_with_next_write(self, path: str, content: bytes) -> None:
        """Keep a file that goes to the branch with the next write, unless one is there under this path."""
        with self._turn:
            self._beside[path] = content

    def file(self, path: str) -> bytes | None:
        """A file of the branch, or one that goes there with the next write; None when there is none."""
        with self._turn:
            return self._beside.get(path) or self._now().file(path)

    def files(self, folder: str) -> Mapping[str, bytes]:
        """All files below a folder of the branch, by whole path."""
        with self._turn:
            return self._now().below(folder)

    def damage(self) -> Sequence[str]:
        """See LedgerStorage."""
        from infratrack.ledger.storage.git.derived import differences  # noqa: PLC0415 -- only for verification

        with self._turn:
            try:
                return differences(self._now(), self._copied())
            except IntegrityFailure as error:
                return [error.message]

    def close(self) -> None:
        """Close the copy and throw away what was fetched."""
        with self._turn:
            if self._copy is not None:
                self._copy.close()
                self._copy = None
            self._branch = None
            self._remote.close()

    def _now(self) -> Branch:
        """The branch as it was a moment ago."""
        branch = self._fresh() or self._newest()
        if branch is None:
            raise InputError(f"{self.name} is not there", "the first evidence makes it: `infratrack run -- COMMAND`")
        return branch

    def _fresh(self) -> Branch | None:
        """The branch if it was asked for a moment ago, and no other process of this machine saw another one since."""
        branch = self._branch
        fresh = time.monotonic() - self._asked < FRESH_SECONDS
        return branch if branch and fresh and self._memory.tip() == branch.tip.commit else None

    def _newest(self) -> Branch | None:
        """Ask the remote; IntegrityFailure when the branch is not one that what was seen before has grown to."""
        tip = self._remote.tip()
        seen = self._memory.seen()
        if tip is None:
            if seen is not None:
                raise gone(seen, self._memory.forget)
            return None
        branch = self._branch
        if branch is None or branch.tip.commit != tip.commit:
            branch = Branch(self._remote, tip)
            if seen is None and not branch.read([layout.ORIGIN, layout.CHECKPOINT]):
                raise InputError(
                    f"{self.name} is there and holds something else than a ledger", "name another branch in `ledger`"
                )
            if seen is not None:
                check_grown(branch, branch.head(), seen, self._memory.forget)
        self._keep(branch)
        return branch

    def _keep(self, branch: Branch) -> None:
        self._branch, self._asked = branch, time.monotonic()
        self._memory.keep(branch.tip.commit, branch.head())

    def _copied(self) -> LedgerReader:
        """The local copy, brought up to the branch."""
        from infratrack.ledger.storage.git.copy import LocalCopy  # noqa: PLC0415 -- brings SQL along

        branch = self._now()
        if self._copy is None:
            self._copy = LocalCopy(self._memory.copy_path)
        return self._copy.as_of(branch)
