"""The observer `git`: asks the repository what the project's criteria want to know."""

from __future__ import annotations

from typing import Any, Final

from infratrack.api import Collected, InputError, Instant, ObserveContext, Subject, format_instant
from infratrack_git.branches import Checkout, Ref, Unresolved, protected_branch
from infratrack_git.client import GitClient, GitFailed
from infratrack_git.evidence import GIT_OBSERVATION
from infratrack_git.observed_changes import look_for_changes
from infratrack_git.parse import Commit, newest_by_trailer, newest_tag
from infratrack_git.questions import MergedQuestion, TaggedQuestion, merged_questions, tagged_questions

_MICROSECONDS: Final = 1_000_000
_LAST_SECOND: Final = 253_402_300_799
"""9999-12-31T23:59:59Z: a commit may claim any time."""


class GitObserver:
    """Looks at branches and tags; leaves commit ids and times, and nobody's name unless asked who changed what."""

    name: Final = "git"

    def observe(self, context: ObserveContext) -> Collected:
        """Answer every question that the project asks, or look for commits that no run contains.

        InputError when this is no repository with a commit.
        """
        if context.target is not None:
            raise InputError("the observer git takes no TARGET", "leave it out: it looks at the project's repository")
        client = GitClient(context.folder, context.environment)
        checkout = client.checkout()
        if context.changelog:
            return look_for_changes(context, client, checkout)
        questions = merged_questions(context.wanted.get("git.merged", ()))
        answers = _Answers(client, checkout, sorted({one.trailer.key for one in questions if one.trailer}))
        merged = [answers.merged(question) for question in questions]
        tagged = [answers.tagged(question) for question in tagged_questions(context.wanted.get("git.tagged", ()))]
        branch = protected_branch(checkout)
        return Collected(
            predicate_type=GIT_OBSERVATION,
            result={
                "head": checkout.head,
                "currentBranch": checkout.current,
                "shallow": checkout.shallow,
                "protectedBranch": {"ref": branch.name, "commit": branch.commit} if isinstance(branch, Ref) else None,
                "merged": merged,
                "tagged": tagged,
            },
            tool="git",
            tool_version=checkout.version,
            subjects=(Subject("commit", {"gitCommit": checkout.head}),),
            missing={_label(answer): answer["reason"] for answer in (*merged, *tagged) if answer["found"] is None},
            outcome="succeeded",
        )


class _Answers:
    """Answers to questions, each with what it rests on; a question that git cannot answer gets the reason instead."""

    def __init__(self, client: GitClient, checkout: Checkout, trailer_keys: list[str]) -> None:
        self._client = client
        self._checkout = checkout
        self._trailer_keys = trailer_keys
        self._by_trailer: dict[str, dict[str, Commit]] = {}
        """One log a branch answers all questions about trailers."""

    def merged(self, question: MergedQuestion) -> dict[str, Any]:
        """Whether a commit with the trailer, or on the path, is on the branch: the newest one."""
        answer: dict[str, Any] = {"branch": question.branch or None, "ref": None, "found": None}
        answer |= {"trailer": str(question.trailer)} if question.trailer else {"path": question.path}
        branch = protected_branch(self._checkout, question.branch)
        if isinstance(branch, Unresolved):
            return answer | {"reason": branch.reason}
        try:
            if question.trailer:
                commit = self._trailers(branch).get(question.trailer.subject)
            else:
                commit = self._client.newest_on_path(self._checkout, branch, question.path)
        except GitFailed as error:
            return answer | {"ref": branch.name, "reason": error.reason}
        facts = {"commit": commit.id, "at": _instant(commit.seconds)} if commit else {}
        complete = not self._checkout.shallow
        return answer | {"ref": branch.name, "found": commit is not None, "complete": complete, **facts}

    def tagged(self, question: TaggedQuestion) -> dict[str, Any]:
        """Whether a tag matches, on the branch if one is named: the newest one."""
        answer: dict[str, Any] = {"tag": question.tag, "branch": question.branch or None, "ref": None, "found": None}
        branch = protected_branch(self._checkout, question.branch) if question.branch else None
        if isinstance(branch, Unresolved):
            return answer | {"reason": branch.reason}
        answer["ref"] = branch.name if branch else None
        try:
            tag = newest_tag(self._client.tags(branch), question.tag)
        except GitFailed as error:
            return answer | {"reason": error.reason}
        facts = {"name": tag.name, "commit": tag.commit, "at": _instant(tag.seconds)} if tag else {}
        complete = self._checkout.tags_fetched and not self._checkout.shallow
        return answer | {"found": tag is not None, "complete": complete, **facts}

    def _trailers(self, branch: Ref) -> dict[str, Commit]:
        if branch.name not in self._by_trailer:
            commits = self._client.commits_with_trailers(branch, self._trailer_keys)
            self._by_trailer[branch.name] = newest_by_trailer(commits)
        return self._by_trailer[branch.name]


def _instant(seconds: int) -> str:
    return format_instant(Instant(min(seconds, _LAST_SECOND) * _MICROSECONDS))


def _label(answer: dict[str, Any]) -> str:
    kind = next(kind for kind in ("trailer", "path", "tag") if kind in answer)
    return f"git {kind} {answer[kind]}"
