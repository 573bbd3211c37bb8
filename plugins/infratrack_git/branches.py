"""Which ref stands for the protected branch. Pure.

Where there is a remote, merged means merged *there*: only remote-tracking branches count, since a local branch can hold
commits that nobody has reviewed. The branch that happens to be checked out is taken only where there is no remote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Ref(Struct, frozen=True):
    """A ref with the commit behind it; `target` is what a symbolic ref points to, else empty."""

    name: str
    commit: str
    target: str = ""


class Checkout(Struct, frozen=True):
    """What was read of a repository before any question is asked."""

    head: str
    current: str | None
    """The branch that is checked out; None when HEAD is detached."""
    shallow: bool
    boundary: frozenset[str]
    """Where a shallow clone was cut: these commits seem to touch every path."""
    remotes: tuple[str, ...]
    refs: Mapping[str, Ref]
    tags_fetched: bool
    """False when a remote is set up not to bring tags."""
    default_branch: str | None = None
    """What the CI provider says the default branch is."""
    version: str | None = None


class Unresolved(Struct, frozen=True):
    """There is no such branch here, and why."""

    reason: str


def read_refs(output: bytes) -> dict[str, Ref]:
    """Refs from `git for-each-ref --format='%(refname)%1f%(objectname)%1f%(symref)'`."""
    refs: dict[str, Ref] = {}
    for line in output.decode(errors="replace").split("\n"):
        parts = line.split("\x1f")
        if len(parts) == 3:  # noqa: PLR2004 -- fields of the format
            refs[parts[0]] = Ref(*parts)
    return refs


def protected_branch(checkout: Checkout, asked: str = "") -> Ref | Unresolved:
    """The ref of the branch asked for, else of the protected branch: the remote's default, else what is checked out."""
    remote = _remote(checkout.remotes)
    if asked:
        return _named(checkout, remote, asked)
    if remote is None:
        return _only_local(checkout)
    head = checkout.refs.get(f"refs/remotes/{remote}/HEAD")
    if head is not None and head.target in checkout.refs:
        return checkout.refs[head.target]
    if checkout.default_branch:
        return _named(checkout, remote, checkout.default_branch)
    return Unresolved(
        f"this clone does not know which branch is the default of {remote}: name `branch` in the criterion, "
        f"or run git remote set-head {remote} --auto"
    )


def _remote(remotes: Sequence[str]) -> str | None:
    if "origin" in remotes:
        return "origin"
    return remotes[0] if len(remotes) == 1 else None


def _named(checkout: Checkout, remote: str | None, branch: str) -> Ref | Unresolved:
    if remote is None:
        found = checkout.refs.get(f"refs/heads/{branch}")
        return found or Unresolved(f"there is no branch {branch} here")
    found = checkout.refs.get(f"refs/remotes/{remote}/{branch}")
    return found or Unresolved(f"{remote}/{branch} is not in this clone: fetch it, or check the branch's name")


def _only_local(checkout: Checkout) -> Ref | Unresolved:
    current = checkout.refs.get(f"refs/heads/{checkout.current}")
    if current is not None:
        return current
    local = [ref for name, ref in checkout.refs.items() if name.startswith("refs/heads/")]
    if len(local) == 1:
        return local[0]
    return Unresolved("HEAD is detached and there is no remote: name `branch` in the criterion")
