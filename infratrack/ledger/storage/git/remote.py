"""A branch of a Git remote as a store of files: read some, write some, and replace its tip only if nobody else did.

Objects go through a bare repository of our own (`cache`); nobody's checkout, index, hooks or settings are touched. What
a job fetches does not grow with the branch: the newest commit, then only the folders and files that are asked for, by
their ids.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

from infratrack.errors import IntegrityFailure, Unreachable
from infratrack.evidence.redaction.urls import strip_credentials
from infratrack.ledger.storage.git import answers, capabilities
from infratrack.ledger.storage.git.cache import Cache
from infratrack.ledger.storage.git.credentials import secrets_of, without_password
from infratrack.ledger.storage.git.environment import Settings
from infratrack.ledger.storage.git.importing import commit_stream
from infratrack.ledger.storage.git.objects import TreeEntry, is_object_id, read_tree, tree_of_commit
from infratrack.ledger.storage.git.plumbing import Ended
from infratrack.ledger.storage.git.refs import check_url, full_ref
from infratrack.ledger.storage.git.repository import Repository
from infratrack.ledger.storage.git.trees import DEEPEST, below, find

LARGEST_FILE: Final = 1 << 26
"""Bytes (64 MiB) of one file on the branch."""

_ANCESTORS: Final = 256
"""How many commits are looked through for an older one; each costs some 250 bytes."""
_TIP: Final = "refs/infratrack/tip"
_BY_HAND: Final = "somebody wrote to the ledger's branch by hand: restore it from an export or a mirror"


class Tip(Struct, frozen=True):
    """The ids of a branch's newest commit and of its root tree."""

    commit: str
    tree: str


class GitRemote:
    """One branch of one remote. Raises Unreachable for whatever the server refuses, with its words."""

    def __init__(  # noqa: PLR0913, PLR0917 -- `open` is for others
        self,
        url: str,
        ref: str,
        cache: Cache,
        settings: Settings,
        environ: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self._url, given = without_password(check_url(url))
        self._settings = [*settings, *given]
        self._secrets = secrets_of(url, self._settings)
        self._ref = full_ref(ref)
        self._cache = cache
        self._environ = environ
        self._say = say
        self._mode = cache.mode()
        self._repository: Repository | None = None
        self._format = "sha1"
        self._folders: dict[str, Mapping[str, TreeEntry]] = {}
        self._here: set[str] = set()

    @classmethod
    def open(  # noqa: PLR0913 -- what a remote needs, the rarer things by keyword
        cls,
        url: str,
        ref: str,
        cache: Path,
        *,
        settings: Settings = (),
        report: Callable[[str], None],
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """A branch (`infratrack/ledger`, or a whole `refs/…`) of the remote at a URL; nothing is asked of it yet.

        `settings` is how git reaches it (see `authentication`), `cache` a folder of ours, `environ` this process's
        environment. `report` hears a sentence when the server makes things dearer. InputError for a bad URL or name.
        """
        return cls(url, ref, Cache(cache), settings, os.environ if environ is None else environ, report)

    @property
    def name(self) -> str:
        """The remote and its branch as they may be shown."""
        return answers.shown(f"{self._ref} at {strip_credentials(self._url)}", self._secrets)

    def close(self) -> None:
        """Throw away what was fetched."""
        self._cache.close()
        self._repository = None

    def tip(self) -> Tip | None:
        """Ask the remote for the branch's newest commit; None when the branch is not there."""
        while True:
            mode = self._mode
            ended = self._fetch([f"+{self._ref}:{_TIP}"], mode.tip_filter, depth=1)
            match answers.refusal_of(ended):
                case None:
                    return self._read_tip(_TIP)
                case "no ref":
                    return None
                case "format":
                    self._start_again("sha256" if self._format == "sha1" else "sha1")
                case "filter ignored":
                    self._use(capabilities.WHOLE, fetched=True)
                    return self._read_tip(_TIP)
                case "filter refused" if (following := capabilities.after(mode)) is not None:
                    self._use(following)
                case _:
                    raise self._refused("read", ended)

    def read(self, tip: Tip, paths: Collection[str]) -> Mapping[str, bytes]:
        """The contents of files by path; those that are not there are left out.

        IntegrityFailure for what only somebody else can have put there: links, submodules, folders in place of files.
        """
        files = {path: entry.object_id for path, entry in self._find(tip, paths).items() if _is_file(path, entry)}
        return self._contents(files)

    def listing(self, tip: Tip, folder: str) -> Mapping[str, str]:
        """The names in a folder (empty: the root) and their object ids; nothing when there is no such folder."""
        tree = self._folder(tip, folder)
        if tree is None:
            return {}
        self._load({tree})
        return {name: entry.object_id for name, entry in self._folders[tree].items()}

    def read_all(self, tip: Tip, folder: str) -> Mapping[str, bytes]:
        """Every file below a folder by its path from the root of the branch, in as few fetches as can be."""
        tree = self._folder(tip, folder)
        if tree is None:
            return {}
        if tree not in self._folders and self._mode.more_filter is not None and self._missing({tree}):
            self._must(self._fetch([tree], None, depth=None), "read")
        while (found := below(tree, self._folders)).unread:
            self._load(found.unread)
        prefix = f"{folder}/" if folder else ""
        return self._contents({f"{prefix}{path}": object_id for path, object_id in found.files.items()})

    def commit(self, base: Tip | None, files: Mapping[str, bytes], message: str) -> Tip:
        """A new commit on top of `base` with new and replaced files; all others stay. It is not on the remote yet.

        Without `base` it has no parent and no other files. Replacing needs no knowledge of what else lies in a folder
        beyond the names; what was never fetched is kept by its id.
        """
        if base is not None:
            self._bring({base.commit}, depth=1)
            for path, entry in self._find(base, files).items():
                _is_file(path, entry)
        repository = self._opened()
        branch = f"refs/infratrack/new-{os.getpid()}-{id(self):x}"
        stream = commit_stream(branch=branch, base=base.commit if base else None, files=files, message=message)
        ended = repository.git(["fast-import", "--quiet", "--done", "--force", "--date-format=now"], stdin=stream)
        commit = ended.output.decode(errors="replace").strip()
        if ended.code != 0 or not is_object_id(commit):
            raise Unreachable(
                f"the new commit could not be made: {answers.said(ended, self._secrets)}",
                "see that there is room in INFRATRACK_HOME",
            )
        return self._read_tip(commit)

    def push(self, new: Tip, expected: Tip | None) -> bool:
        """Make `new` the branch's tip, if the tip is `expected` (None: there is no such branch) at that instant.

        False: somebody else was faster, and nothing was changed. Unreachable: it was refused, or it cannot be told
        whether it arrived; trying again is safe. Never forced over anything else.
        """
        ended = self._opened().push(new.commit, self._ref, expected.commit if expected else None)
        result = answers.push_result(ended)
        if result == "done":
            return True
        # The answer may be lost though the push arrived; and a refused one may have been refused for its second try.
        now = self._asked()
        if now == new.commit:
            return True
        if result == "outrun" or now != (expected.commit if expected else None):
            return False
        raise self._refused("written", ended)

    def descends(self, tip: Tip, older_commit: str) -> bool | None:
        """Whether an older commit is among the ancestors of `tip`; None when it cannot be told cheaply."""
        if tip.commit == older_commit:
            return True
        if not self._mode.lasting:
            ended = self._fetch([tip.commit], "tree:0", depth=_ANCESTORS)
            if answers.refusal_of(ended) is not None:
                return None
        repository = self._opened()
        asked = repository.git(["merge-base", "--is-ancestor", older_commit, tip.commit])
        if asked.code == 0:
            return True
        reached = repository.git(["rev-list", "--count", tip.commit]).output.strip()
        return None if self._mode.lasting or not reached.isdigit() or int(reached) >= _ANCESTORS else False

    # -- what is here, and what must be fetched

    def _opened(self) -> Repository:
        if self._repository is None:
            lasting = self._cache.lasting(self._mode)
            folder = lasting if self._mode.lasting else self._cache.session() / "ledger.git"
            self._repository = Repository(folder, self._environ, self._url, self._settings)
            self._repository.make(self._format)
        return self._repository

    def _start_again(self, object_format: str) -> None:
        """Another repository, empty: the remote's objects have ids of another kind."""
        if self._repository is not None and self._mode.lasting:
            self._cache.discard(self._mode)
        self.close()
        self._format = object_format
        self._folders.clear()
        self._here.clear()

    def _use(self, mode: capabilities.FetchMode, *, fetched: bool = False) -> None:
        """Go on in another mode; `fetched`: what was fetched already is all that it would fetch."""
        self._mode = mode
        if mode.told:
            self._say(mode.told)
        if mode.lasting and self._repository is not None:
            if fetched:
                folder = self._cache.keep(self._repository.folder, mode)
                self._repository = Repository(folder, self._environ, self._url, self._settings)
            else:
                self._repository = None
        self._cache.remember(mode)

    def _fetch(self, wanted: Collection[str], filtered: str | None, depth: int | None) -> Ended:
        repository = self._opened()
        if self._mode.lasting:
            with self._cache.alone():
                return repository.fetch(wanted, filtered=filtered, depth=depth, lasting=True)
        return repository.fetch(wanted, filtered=filtered, depth=depth, lasting=False)

    def _read_tip(self, name: str) -> Tip:
        commit, tree = self._opened().objects([name, f"{name}^{{tree}}"])
        if commit is None or commit.type != "commit":
            raise IntegrityFailure(f"{self.name} is no branch of commits", _BY_HAND)
        tip = Tip(commit.object_id, tree_of_commit(commit.content))
        self._here.add(tip.commit)
        if tree is not None:
            self._keep_folder(tip.tree, tree.content)
        return tip

    def _find(self, tip: Tip, paths: Collection[str]) -> Mapping[str, TreeEntry]:
        for _ in range(DEEPEST):
            search = find(tip.tree, paths, self._folders)
            if not search.unread:
                return search.found
            files = {entry.object_id for entry in search.found.values() if entry.kind == "file"}
            self._load(search.unread, beside=files)
        raise IntegrityFailure("the ledger's branch has folders deeper than a ledger's", _BY_HAND)

    def _folder(self, tip: Tip, folder: str) -> str | None:
        if not folder:
            return tip.tree
        entry = self._find(tip, [folder]).get(folder)
        return entry.object_id if entry is not None and entry.kind == "folder" else None

    def _load(self, trees: Collection[str], beside: Collection[str] = ()) -> None:
        """Read trees, fetching those that are not here; `beside` are other objects worth fetching on the same way."""
        unread = [tree for tree in trees if tree not in self._folders]
        self._bring({*unread, *beside})
        for tree, found in zip(unread, self._opened().objects(unread), strict=True):
            if found is None or found.type != "tree":
                raise Unreachable(f"{self.name} lacks a folder that it names", "try again; the branch was rewritten?")
            self._keep_folder(tree, found.content)

    def _keep_folder(self, tree: str, content: bytes) -> None:
        self._folders[tree] = read_tree(content, len(tree) // 2)
        self._here.add(tree)

    def _contents(self, files: Mapping[str, str]) -> Mapping[str, bytes]:
        ids = sorted(set(files.values()))
        self._bring(ids)
        objects = self._opened().many_objects(ids, LARGEST_FILE)
        if len(objects) < len(ids):
            raise Unreachable(f"{self.name} lacks a file that it names", "try again; the branch was rewritten?")
        return {path: objects[object_id].content for path, object_id in files.items()}

    def _missing(self, ids: Collection[str]) -> list[str]:
        unsure = sorted(one for one in ids if one not in self._here)
        sizes = self._opened().sizes(unsure)
        return [one for one, size in zip(unsure, sizes, strict=True) if size is None]

    def _bring(self, ids: Collection[str], depth: int | None = None) -> None:
        """Fetch the objects with these ids that are not here, and nothing below them."""
        missing = self._missing(ids)
        if missing:
            self._must(self._fetch(missing, self._mode.more_filter, depth), "read")
        self._here.update(ids)

    def _asked(self) -> str | None:
        ended = self._opened().ask(self._ref)
        self._must(ended, "asked")
        for line in ended.output.decode(errors="replace").splitlines():
            object_id, _, name = line.partition("\t")
            if name == self._ref and is_object_id(object_id):
                return object_id
        return None

    def _must(self, ended: Ended, doing: str) -> None:
        if ended.code != 0:
            raise self._refused(doing, ended)

    def _refused(self, doing: str, ended: Ended) -> Unreachable:
        words = answers.said(ended, self._secrets)
        return Unreachable(f"the ledger's branch {self.name} could not be {doing}: {words}", answers.what_to_do(words))


def _is_file(path: str, entry: TreeEntry) -> bool:
    if entry.kind != "file":
        raise IntegrityFailure(f"the ledger's branch has a folder where a file must be: {path[:120]!a}", _BY_HAND)
    return True
