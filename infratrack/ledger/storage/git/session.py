"""The repository that one process works with, and the way it fetches: as thriftily as the server lets it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from infratrack.ledger.storage.git import capabilities
from infratrack.ledger.storage.git.cache import Cache
from infratrack.ledger.storage.git.environment import Settings
from infratrack.ledger.storage.git.plumbing import Ended
from infratrack.ledger.storage.git.repository import Repository


class Session:
    """Opens a repository when the first object is needed; falls back when the server refuses a way to fetch."""

    def __init__(
        self, cache: Cache, environ: Mapping[str, str], url: str, settings: Settings, say: Callable[[str], None]
    ) -> None:
        self._cache = cache
        self._environ = environ
        self._url = url
        self._settings = settings
        self._say = say
        self._repository: Repository | None = None
        self._format = "sha1"
        self.mode = cache.mode()
        self._remembered = self.mode
        self._began_anew = False

    @property
    def repository(self) -> Repository:
        """The repository, made when it is first asked for. Raises Unreachable when it cannot be."""
        if self._repository is None:
            if self.mode.lasting:
                made = self._at_place(self._cache.lasting(self.mode))
                with self._cache.alone():  # half a repository looks like a damaged one
                    made.make(self._format)
            else:
                made = self._at_place(self._cache.session() / "ledger.git")
                made.make(self._format)
            self._repository = made
        return self._repository

    def fetch(self, wanted: Collection[str], filtered: str | None, depth: int | None = None) -> Ended:
        """Fetch refspecs or objects by id; one process at a time where the repository is shared."""
        repository = self.repository
        if self.mode.lasting:
            with self._cache.alone():
                return repository.fetch(wanted, filtered=filtered, depth=depth, lasting=True)
        return repository.fetch(wanted, filtered=filtered, depth=depth, lasting=False)

    def fall_back(self) -> bool:
        """Go on in the next mode, after the server refused this one; False when there is none."""
        following = capabilities.after(self.mode)
        if following is None:
            return False
        if following.lasting:
            self._repository = None
        self.mode = following
        return True

    def begin_anew(self) -> bool:
        """Go on with an empty repository where a lasting one is damaged; False when there is none."""
        if not self.mode.lasting or self._began_anew:
            return False
        self._began_anew = True
        self._cache.discard(self.mode)
        self._repository = None
        return True

    def was_whole(self) -> None:
        """The server ignored the filter: what was fetched is everything, and worth keeping."""
        if not self.mode.lasting:
            self._repository = self._at_place(self._cache.keep(self.repository.folder, capabilities.WHOLE))
        self.mode = capabilities.WHOLE

    def settled(self) -> None:
        """The mode works: the next session begins with it, and the user hears once what it costs."""
        if self.mode != self._remembered:
            self._cache.remember(self.mode)
            self._remembered = self.mode
            if self.mode.told:
                self._say(self.mode.told)

    def is_of_format(self, object_format: str) -> bool:
        """Whether its ids are of this kind (`sha1` or `sha256`); if not, an empty repository that is comes next."""
        if object_format == self._format:
            return True
        if self.mode.lasting:
            self._cache.discard(self.mode)
        self.close()
        self._format = object_format
        return False

    def forget(self, ref: str) -> None:
        """Delete a ref of ours where it would stay for ever; its objects stay for two weeks."""
        if self.mode.lasting:
            with self._cache.alone():
                self.repository.git(["update-ref", "-d", ref])

    def close(self) -> None:
        """Throw away what was fetched for this session only."""
        self._cache.close()
        self._repository = None

    def _at_place(self, folder: Path) -> Repository:
        return Repository(folder, self._environ, self._url, self._settings)
