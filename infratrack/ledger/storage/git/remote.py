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

from infratrack.errors import Unreachable
from infratrack.evidence.redaction.urls import strip_credentials
from infratrack.ledger.storage.git import answers
from infratrack.ledger.storage.git.cache import Cache
from infratrack.ledger.storage.git.credentials import secrets_of, without_password
from infratrack.ledger.storage.git.environment import Settings
from infratrack.ledger.storage.git.fetched import Fetched
from infratrack.ledger.storage.git.importing import commit_stream
from infratrack.ledger.storage.git.objects import is_object_id
from infratrack.ledger.storage.git.plumbing import Ended
from infratrack.ledger.storage.git.refs import check_url, full_ref
from infratrack.ledger.storage.git.session import Session
from infratrack.ledger.storage.git.trees import below, file_ids

_TIP: Final = "refs/infratrack/tip"


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
        bare, given = without_password(check_url(url))
        settings = [*settings, *given]
        self._secrets = secrets_of(url, settings)
        self._ref = full_ref(ref)
        self.name = answers.shown(f"{self._ref} at {strip_credentials(bare)}", self._secrets)
        """The branch and its remote as they may be shown."""
        self._session = Session(cache, environ, bare, settings, say)
        self._fetched = Fetched(self._session, self._refused)

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

    def close(self) -> None:
        """Throw away what was fetched."""
        self._session.close()
        self._fetched.forget()

    def tip(self) -> Tip | None:
        """Ask the remote for the branch's newest commit; None when the branch is not there."""
        while True:
            ended = self._session.fetch([f"+{self._ref}:{_TIP}"], self._session.mode.tip_filter, depth=1)
            refusal = answers.refusal_of(ended)
            if refusal in {None, "filter ignored"}:
                if refusal is not None:
                    self._session.was_whole()
                self._session.settled()
                return self._read_tip(_TIP)
            if not self._another_way(refusal):
                if refusal == "no ref":
                    return None
                raise self._refused("read", ended)

    def read(self, tip: Tip, paths: Collection[str]) -> Mapping[str, bytes]:
        """The contents of files by path; those that are not there are left out.

        Name all that is wanted at once, also what `commit` is going to write: a fetch serves one level of folders.
        IntegrityFailure for what only somebody else can have put there: links, submodules, folders in place of files.
        """
        return self._fetched.contents(file_ids(self._fetched.find(tip.tree, paths, to_read=True)))

    def read_all(self, tip: Tip, folder: str) -> Mapping[str, bytes]:
        """Every file below a folder by its path from the root of the branch, in as few fetches as can be."""
        return self._fetched.contents(self._below(tip, folder, filtered=None))

    def names(self, tip: Tip, folder: str = "") -> Mapping[str, str]:
        """The path of every file below a folder, from the root of the branch, and its object id; no contents."""
        return self._below(tip, folder, filtered="blob:none")

    def commit(self, base: Tip | None, files: Mapping[str, bytes], message: str) -> Tip:
        """A new commit on top of `base` with new and replaced files; all others stay. It is not on the remote yet.

        Without `base` it has no parent and no other files. Replacing needs no knowledge of what else lies in a folder
        beyond the names; what was never fetched is kept by its id.
        """
        if base is not None:
            self._fetched.bring({base.commit}, depth=1)
            file_ids(self._fetched.find(base.tree, files))  # what is replaced is a file
        branch = f"refs/infratrack/new-{os.getpid()}-{id(self):x}"
        stream = commit_stream(branch=branch, base=base.commit if base else None, files=files, message=message)
        ended = self._session.repository.git(
            ["fast-import", "--quiet", "--done", "--force", "--date-format=now"], stdin=stream
        )
        commit = ended.output.decode(errors="replace").strip()
        if ended.code != 0 or not is_object_id(commit):
            raise Unreachable(
                f"the new commit could not be made: {answers.said(ended, self._secrets)}",
                "see that there is room in INFRATRACK_HOME",
            )
        new = self._read_tip(commit)
        self._session.forget(branch)
        return new

    def push(self, new: Tip, expected: Tip | None) -> bool:
        """Make `new` the branch's tip, if the tip is `expected` (None: there is no such branch) at that instant.

        False: somebody else was faster, and nothing was changed. Unreachable: it was refused, or it cannot be told
        whether it arrived; trying again is safe. Never forced over anything else.
        """
        ended = self._session.repository.push(new.commit, self._ref, expected.commit if expected else None)
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

    def _another_way(self, refusal: answers.Refusal | None) -> bool:
        """Whether there is another way to fetch after a refusal; it is taken next."""
        if refusal == "filter refused":
            return self._session.fall_back()
        if refusal == "damaged":
            self._fetched.forget()
            return self._session.begin_anew()
        if refusal in {"no ref", "format"}:
            # Of an empty remote nothing but its greeting says which kind of ids it has.
            if self._session.is_of_format(self._session.repository.object_format()):
                return False
            self._fetched.forget()
            return True
        return False

    def _read_tip(self, name: str) -> Tip:
        commit, tree = self._fetched.commit(name, self.name)
        return Tip(commit, tree)

    def _below(self, tip: Tip, folder: str, filtered: str | None) -> dict[str, str]:
        tree = self._folder(tip, folder)
        if tree is None:
            return {}
        if not self._session.mode.lasting and below(tree, self._fetched.folders).unread:
            self._must(self._session.fetch([tree], filtered), "read")
        while (found := below(tree, self._fetched.folders)).unread:
            self._fetched.load(found.unread)
        prefix = f"{folder}/" if folder else ""
        return {f"{prefix}{path}": object_id for path, object_id in found.files.items()}

    def _folder(self, tip: Tip, folder: str) -> str | None:
        if not folder:
            return tip.tree
        entry = self._fetched.find(tip.tree, [folder]).get(folder)
        return entry.object_id if entry is not None and entry.kind == "folder" else None

    def _asked(self) -> str | None:
        ended = self._session.repository.ask(self._ref)
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
