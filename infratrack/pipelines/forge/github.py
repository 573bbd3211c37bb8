"""GitHub: a pull request's comments and a commit's statuses, through the REST API of 2022-11-28."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from infratrack.errors import InputError, Unreachable
from infratrack.pipelines.commit_status import CommitStatus
from infratrack.pipelines.forge.interface import PostedComment, Refused
from infratrack.pipelines.forge.place import Place
from infratrack.pipelines.forge.session import ForgeSession

NAME: Final = "GitHub"
HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
PER_PAGE: Final = 100
MOST_PAGES: Final = 50
_INSTALLATION: Final = "ghs_"
"""How tokens of apps begin, the one of GitHub Actions among them."""


class GitHubForge:
    """One pull request and one commit. Whoever wrote a comment is told by GitHub, not by what it says."""

    name: Final = NAME

    def __init__(self, session: ForgeSession, place: Place, token: str) -> None:
        self._session = session
        self._place = place
        self._installation = token.startswith(_INSTALLATION)
        self._repository = "/repos/" + quote(place.repository)

    def own_comments(self) -> Sequence[PostedComment]:
        """Comments by this token's user, or for an app's token by apps: no person can write as one."""
        author = self._author()
        found = []
        for page in range(1, MOST_PAGES + 1):
            query = {"per_page": str(PER_PAGE), "page": str(page)}
            answer = self._session.ask("GET", f"{self._issue()}/comments", query=query).body
            if not isinstance(answer, list):
                raise Unreachable(f"{NAME} does not answer with a list of comments")
            found += [_comment(one) for one in answer if _is_by(one, author)]
            if len(answer) < PER_PAGE:
                break
        return sorted(found, key=lambda one: one.id)

    def create(self, body: str) -> PostedComment:
        """POST /repos/{owner}/{repo}/issues/{issue_number}/comments."""
        answer = self._session.ask("POST", f"{self._issue()}/comments", body={"body": body}, repeatable=False)
        return _comment(answer.body)

    def update(self, comment: int, body: str) -> None:
        """PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}."""
        self._session.ask("PATCH", f"{self._repository}/issues/comments/{comment}", body={"body": body})

    def delete(self, comment: int) -> None:
        """DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}."""
        self._session.ask("DELETE", f"{self._repository}/issues/comments/{comment}")

    def set_status(self, status: CommitStatus, context: str, page: str | None) -> None:
        """POST /repos/{owner}/{repo}/statuses/{sha}."""
        if self._place.commit is None:
            raise InputError("no commit is known to set a status on", "GITHUB_SHA names it")
        body = {"state": status.state, "description": status.description, "context": context}
        if page is not None:
            body["target_url"] = page
        self._session.ask("POST", f"{self._repository}/statuses/{self._place.commit}", body=body)

    def _issue(self) -> str:
        if self._place.number is None:
            raise InputError("no pull request is known to comment on", "name it with --number")
        return f"{self._repository}/issues/{self._place.number}"

    def _author(self) -> int | None:
        """The number of this token's user; None where it belongs to an app."""
        if self._installation:
            return None
        try:
            user = self._session.ask("GET", "/user").body
        except Refused:
            return None
        number = user.get("id") if isinstance(user, Mapping) else None
        return number if isinstance(number, int) else None


def _is_by(one: Any, author: int | None) -> bool:  # noqa: ANN401 -- a server's answer
    user = one.get("user") if isinstance(one, Mapping) else None
    if not isinstance(user, Mapping):
        return False
    return user.get("type") == "Bot" if author is None else user.get("id") == author


def _comment(one: Any) -> PostedComment:  # noqa: ANN401 -- a server's answer
    number = one.get("id") if isinstance(one, Mapping) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise Unreachable(f"{NAME} answers with something that is no comment")
    body, url = one.get("body"), one.get("html_url")
    return PostedComment(number, body if isinstance(body, str) else "", url if isinstance(url, str) else None)
