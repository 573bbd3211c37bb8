"""A bare repository of our own, and git in it. Nothing here knows what a ledger is."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from infratrack.errors import Unreachable
from infratrack.evidence.durable_files import reaching
from infratrack.ledger.storage.git import answers
from infratrack.ledger.storage.git.environment import Settings, own_environment
from infratrack.ledger.storage.git.objects import GitObject, read_batch, read_sizes
from infratrack.ledger.storage.git.plumbing import DEADLINE_SECONDS, Ended, TooMuch, run_git

REMOTE: Final = "ledger"
"""What our repository calls the remote."""

LARGEST_FETCH: Final = 1 << 31
"""Bytes (2 GiB) that one repository of ours may grow to; a remote that sends more is stopped."""

_BULK_SECONDS: Final = 900.0
_AT_ONCE: Final = 1 << 25
"""Bytes (32 MiB) of objects read at a time."""


class Repository:
    """A bare repository in a folder of ours."""

    def __init__(self, folder: Path, environ: Mapping[str, str], url: str, settings: Settings) -> None:
        self.folder = folder
        self._environ = environ
        self._address = [(f"remote.{REMOTE}.url", url)]
        self._settings = settings
        self._configuration = folder / "infratrack.gitconfig"

    def make(self, object_format: str) -> None:
        """Make it (`sha1` or `sha256`), unless it is there. Raises Unreachable when it cannot be."""
        if (self.folder / "HEAD").exists():
            return
        with reaching(self.folder, "made"):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A remote that is a local folder runs a git of its own, which sees no settings but those of this file.
            trusted = [value for name, value in self._settings if name == "safe.directory"]
            self._configuration.write_text("".join(f"[safe]\n\tdirectory = {_quoted(value)}\n" for value in trusted))
        ended = self.git(["init", "--quiet", "--bare", "--template=", f"--object-format={object_format}"])
        if ended.code != 0:
            words = answers.said(ended, ())
            raise Unreachable(
                f"{self.folder} could not be made a Git repository: {words}", answers.what_is_missing(words)
            )

    def git(  # noqa: PLR0913 -- what a command needs, all by keyword
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes = b"",
        more: Settings = (),
        extra: Mapping[str, str] | None = None,
        deadline: float = DEADLINE_SECONDS,
        watch: Callable[[], None] | None = None,
    ) -> Ended:
        """Run git in this repository; `more` are settings, `extra` variables for this one command.

        Raises as `run_git` does.
        """
        settings = [pair for pair in self._settings if pair[0] != "safe.directory"]
        environment = own_environment(
            self._environ, [*settings, *more], repository=str(self.folder), configuration=str(self._configuration)
        )
        environment |= extra or {}
        return run_git(
            arguments, folder=self.folder, environment=environment, stdin=stdin, deadline=deadline, watch=watch
        )

    def fetch(self, wanted: Collection[str], *, filtered: str | None, depth: int | None, lasting: bool) -> Ended:
        """Fetch a refspec to a depth, or objects by id. With a filter, what the server leaves out stays out.

        The filter stands in the environment of this one command: for all others the repository knows of no server
        that could be asked for missing objects, so that none of them fetches by itself.
        """
        more = [*self._address, ("fetch.unpackLimit", "1" if filtered else "100")]
        if filtered is not None:
            more += [(f"remote.{REMOTE}.promisor", "true"), (f"remote.{REMOTE}.partialCloneFilter", filtered)]
        if not lasting or depth is None:
            # Nothing is said of what is here already: the server would leave out what lies below a commit that we have.
            more.append(("fetch.negotiationAlgorithm", "noop"))
        return self.git(
            [
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                "--auto-maintenance" if lasting else "--no-auto-maintenance",
                "--refmap=",
                *([f"--depth={depth}"] if depth else []),
                "--stdin",
                REMOTE,
            ],
            stdin="".join(f"{one}\n" for one in wanted).encode(),
            more=more,
            deadline=_BULK_SECONDS if lasting or filtered is None else DEADLINE_SECONDS,
            watch=self._watch_growth,
        )

    def push(self, commit: str, ref: str, expected: str | None) -> Ended:
        """Push a commit to a ref that must hold `expected` now (None: that must not be there)."""
        return self.git(
            [
                "push",
                "--porcelain",
                "--no-verify",
                f"--force-with-lease={ref}:{expected or ''}",
                REMOTE,
                f"{commit}:{ref}",
            ],
            more=self._address,
        )

    def ask(self, ref: str) -> Ended:
        """`git ls-remote` for one ref."""
        return self.git(["ls-remote", "--quiet", REMOTE, ref], more=self._address)

    def object_format(self) -> str:
        """The kind of the remote's object ids, `sha1` or `sha256`, as its greeting says (gitprotocol-v2(5))."""
        traced = self.git(["ls-remote", "--quiet", REMOTE, "HEAD"], more=self._address, extra={"GIT_TRACE_PACKET": "2"})
        return "sha256" if b"< object-format=sha256\n" in traced.errors else "sha1"

    def objects(self, names: Sequence[str]) -> list[GitObject | None]:
        """Objects by id or by name, in order; None for what is not here. TooMuch for those beyond 256 MiB together."""
        if not names:
            return []
        return read_batch(self.git(["cat-file", "--batch", "--buffer"], stdin=_lines(names)).output)

    def sizes(self, names: Sequence[str]) -> list[int | None]:
        """The sizes of objects in bytes, in order; None for what is not here."""
        if not names:
            return []
        return read_sizes(self.git(["cat-file", "--batch-check", "--buffer"], stdin=_lines(names)).output)

    def many_objects(self, names: Sequence[str], largest: int) -> dict[str, GitObject]:
        """All of these objects that are here, read piece by piece; TooMuch when one has more than `largest` bytes."""
        found: dict[str, GitObject] = {}
        piece: list[str] = []
        weight = 0
        for name, size in zip(names, self.sizes(names), strict=True):
            if size is None:
                continue
            if size > largest:
                raise TooMuch(
                    f"a file on the ledger's branch has {size} bytes, more than the {largest} that a ledger writes",
                    "look at what was written to the branch; it is not the work of infratrack",
                )
            if weight + size > _AT_ONCE:
                found |= {one.object_id: one for one in self.objects(piece) if one is not None}
                piece, weight = [], 0
            piece.append(name)
            weight += size
        return found | {one.object_id: one for one in self.objects(piece) if one is not None}

    def _watch_growth(self) -> None:
        size = 0
        try:
            with os.scandir(self.folder / "objects" / "pack") as files:
                size = sum(file.stat().st_size for file in files)
        except OSError:  # nothing there yet, or a file that just got its final name
            return
        if size > LARGEST_FETCH:
            raise TooMuch(
                f"the Git server sent more than {LARGEST_FETCH >> 30} GiB",
                "look at what was written to the branch; it is not the work of infratrack",
            )


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
