"""`infratrack observe git --changelog`: commits to the protected branch under declared paths that no run contains."""

from __future__ import annotations

import re
from typing import Final

from msgspec import structs

from infratrack.api import Change, Collected, InputError, ObserveContext, Subject, changes_result, still_unrecorded
from infratrack_git.branches import Checkout, Unresolved, protected_branch
from infratrack_git.client import GitClient, GitFailed
from infratrack_git.unrecorded import GIT_CHANGES, BranchCommit, change_of, declared_paths, instant, short_branch

MOST_COMMITS: Final = 1_000
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ANY_RUN: Final = "a commit counts as recorded once a run contains it, whatever that run did"
_FETCHED: Final = "what was pushed since the last fetch, and what was taken off the branch by force, is not seen"
_NO_RUNS: Final = (
    "no run at any commit is recorded yet, so there is nothing to compare with: --since lists commits anyway"
)


def look_for_changes(context: ObserveContext, client: GitClient, checkout: Checkout) -> Collected:
    """The evidence. InputError when no path is declared, or nobody can tell which branch is the protected one."""
    branch = protected_branch(checkout)
    if isinstance(branch, Unresolved):
        raise InputError(branch.reason)
    declared = declared_paths(context.deliverables, context.pipelines)
    if not declared:
        hint = "name a `directory` or `playbook` in a pipeline or criterion, or a path in git.merged"
        raise InputError("the project declares no path, so no commit concerns it", hint)
    runs = frozenset(commit for commit in context.run_commits() if _COMMIT.fullmatch(commit))
    name = short_branch(branch, checkout.remotes)
    source = f"git {name}"
    try:
        here = client.present(runs)
        commits: list[BranchCommit] = []
        if here or context.since is not None:
            pathspecs = [path.pathspec for path in sorted(declared)]
            commits = client.changes(branch, here, pathspecs, MOST_COMMITS + 1)
        earlier = still_unrecorded((one.predicate for one in context.recorded(GIT_CHANGES)), source)
        explained = _explained(client, earlier, {one.id for one in commits}, here)
    except GitFailed as error:
        raise InputError(f"git could not list the commits of {name}: {error.reason}") from error
    shown = [one for one in commits[:MOST_COMMITS] if one.id not in checkout.boundary]
    if context.since is not None:
        shown = [one for one in shown if instant(one.seconds) >= context.since]
    complete = not checkout.shallow and len(commits) <= MOST_COMMITS and here == runs
    result = changes_result(
        [*(change_of(one, name, declared) for one in shown), *explained],
        source=source,
        since=context.since,
        until=context.at,
        complete=complete,
        blind_spots=_blind_spots(checkout, len(commits), len(runs), len(runs - here)),
    )
    return Collected(
        predicate_type=GIT_CHANGES,
        result=result,
        tool="git",
        tool_version=checkout.version,
        subjects=(Subject("commit", {"gitCommit": branch.commit}),),
        outcome="succeeded",
    )


def _explained(client: GitClient, earlier: dict[str, Change], listed: set[str], runs: frozenset[str]) -> list[Change]:
    """Commits that were in no run when seen last, and that a run contains now."""
    gone = [name for name in earlier if name not in listed and _COMMIT.fullmatch(name)]
    here = client.present(gone)
    outside = client.outside(here, runs)
    return [structs.replace(earlier[name], recorded=True) for name in gone if name in here - outside]


def _blind_spots(checkout: Checkout, found: int, runs: int, missing: int) -> list[str]:
    spots = [_ANY_RUN, _FETCHED]
    if not runs:
        spots.insert(0, _NO_RUNS)
    if checkout.shallow:
        spots.insert(0, "this clone is shallow: commits before it was cut are not seen (fetch-depth 0 brings them)")
    if missing:
        told = "1 commit that a run was made at is" if missing == 1 else f"{missing} commits that runs were made at are"
        spots.append(f"{told} not in this clone: what only they contain counts as unrecorded")
    if found > MOST_COMMITS:
        spots.append(f"only the newest {MOST_COMMITS} commits are listed")
    return spots
