"""Which ref says whom to trust: the one asked for, else the protected branch of the remote. Pure.

Only remote-tracking refs stand for what is protected on the server: a local branch or a tag of the same name may hold
what nobody has reviewed. So short names are looked up among the remote's branches, and never guessed any further.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from infratrack.errors import InputError

POLICY_REF_VARIABLE: Final = "INFRATRACK_POLICY_REF"
WORKING_TREE: Final = "."
"""Asked for in place of a ref: the files as they lie here."""
FORMAT: Final = "%(refname) %(objectname) %(*objectname) %(symref)"
"""What `git for-each-ref` is asked to print for `read_refs`."""

_BRANCHES: Final = "refs/remotes/"
_USUAL: Final = ("main", "master")
_NAME: Final = re.compile(r"(?![-/.])(?!.*(?:\.\.|//|@\{|\.lock$|/$|\.$))[^\x00-\x20\x7f~^:?*\[\\]{1,250}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FIELDS: Final = 4
_HOW: Final = f"say which ref is protected with --policy-ref or {POLICY_REF_VARIABLE}"


class Ref(Struct, frozen=True):
    """A ref: the commit behind it (tags followed), and what it points to if it is symbolic (else empty)."""

    commit: str
    target: str = ""


class Told(Struct, frozen=True):
    """What the CI system says: whether there is one, the branch a pull request goes to, the default branch."""

    in_ci: bool = False
    target: str | None = None
    default: str | None = None


class Known(Struct, frozen=True):
    """What the repository knows: its remotes and its refs by full name."""

    remotes: Sequence[str] = ()
    refs: Mapping[str, Ref] = {}


class Protected(Struct, frozen=True):
    """The ref that says whom to trust (its full name, or a commit id as given) and the commit behind it."""

    name: str
    commit: str

    @property
    def short(self) -> str:
        """How people call it."""
        return spoken_ref(self.name)


def names_a_commit(asked: str | None) -> bool:
    """Whether what was asked for is the whole id of a commit, which no ref can be made to mean something else."""
    return asked is not None and _COMMIT.fullmatch(asked) is not None


def spoken_ref(ref: str) -> str:
    """How people call a ref: `origin/main`; a commit by its first digits."""
    if _COMMIT.fullmatch(ref):
        return ref[:12]
    for folder in (_BRANCHES, "refs/heads/", "refs/tags/"):
        ref = ref.removeprefix(folder)
    return ref


def read_refs(output: bytes) -> dict[str, Ref]:
    """Refs from what `git for-each-ref` prints by `FORMAT`."""
    refs: dict[str, Ref] = {}
    for line in output.decode(errors="replace").split("\n"):
        parts = line.split(" ")
        if len(parts) == _FIELDS:
            name, commit, followed, target = parts
            refs[name] = Ref(followed or commit, target)
    return refs


def asked_patterns(asked: str | None, remotes: Iterable[str]) -> tuple[str, ...]:
    """Which refs have to be known to choose: patterns for `git for-each-ref`.

    InputError where what was asked for cannot be the name of a ref.
    """
    if asked is None:
        return (_BRANCHES,)
    if _COMMIT.fullmatch(asked):
        return ()
    if not _NAME.fullmatch(asked):
        raise InputError(f"{asked[:80]!r} is not the name of a ref", "write it like origin/main or refs/tags/v1")
    return tuple(_candidates(asked, remotes))


def choose(asked: str | None, told: Told, known: Known) -> Protected | None:
    """The protected ref; None where no remote is known, so that only the working tree can say whom to trust.

    InputError, naming the fetch to add, where the ref is not in this clone, or where it cannot be told which it is.
    """
    if asked is not None:
        return _asked_for(asked, known)
    if not known.remotes:
        return None
    remote = _remote(known.remotes)
    branches = {name for name in known.refs if name.startswith(f"{_BRANCHES}{remote}/")}
    named = told.target or told.default
    if named is not None:
        return _branch(remote, named, known)
    head = known.refs.get(f"{_BRANCHES}{remote}/HEAD")
    if head is not None and head.target in branches:
        return Protected(head.target, known.refs[head.target].commit)
    usual = [name for name in (f"{_BRANCHES}{remote}/{one}" for one in _USUAL) if name in branches]
    if len(usual) == 1:
        return Protected(usual[0], known.refs[usual[0]].commit)
    if not branches and not told.in_ci:
        return None  # a remote that was written down and never spoken to
    raise InputError(
        f"it cannot be told which branch of {remote} is protected, so nothing says whom this project trusts; {_HOW}",
        f"for example {POLICY_REF_VARIABLE}={remote}/main; in CI, fetch that branch after the checkout",
    )


def _asked_for(asked: str, known: Known) -> Protected:
    if _COMMIT.fullmatch(asked):
        return Protected(asked, asked)
    for name in _candidates(asked, known.remotes):
        if name in known.refs:
            return Protected(name, known.refs[name].commit)
    remote, branch = _split(asked, known.remotes)
    if remote is None or asked.startswith("refs/"):
        raise InputError(f"there is no ref {asked} in this clone", "check the name, and fetch it first")
    return _branch(remote, branch, known)


def _candidates(asked: str, remotes: Iterable[str]) -> list[str]:
    """The full names that what was asked for may stand for."""
    if asked.startswith("refs/"):
        return [asked]
    listed = list(remotes)
    remote, branch = _split(asked, listed)
    return [f"refs/heads/{asked}"] if remote is None else [f"{_BRANCHES}{remote}/{branch}"]


def _split(asked: str, remotes: Sequence[str]) -> tuple[str | None, str]:
    """Remote and branch of a short name; no remote where there is none."""
    for remote in sorted(remotes, key=len, reverse=True):
        if asked.startswith(f"{remote}/"):
            return remote, asked.removeprefix(f"{remote}/")
    return (_remote(remotes), asked) if remotes else (None, asked)


def _remote(remotes: Sequence[str]) -> str:
    if "origin" in remotes:
        return "origin"
    if len(remotes) > 1:
        listed = ", ".join(sorted(remotes)[:10])
        raise InputError(f"it cannot be told which remote says whom to trust: {listed}", f"{_HOW}: REMOTE/BRANCH")
    return remotes[0]


def _branch(remote: str, branch: str, known: Known) -> Protected:
    name = f"{_BRANCHES}{remote}/{branch}"
    if name in known.refs:
        return Protected(name, known.refs[name].commit)
    refspec = shlex.quote(f"+refs/heads/{branch}:{name}")
    # The fetch stands in the message: around a command only that is said.
    raise InputError(
        f"{remote}/{branch} is not in this clone, so nothing says whom this project trusts; fetch it first: "
        f"git fetch --no-tags --depth=1 {shlex.quote(remote)} {refspec}",
        "add that to the job, after its checkout; a checkout of all branches does as well",
    )
