"""GitLab: a merge request's notes and a commit's statuses, through the REST API v4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infratrack.errors import InputError, Unreachable
from infratrack.pipelines.commit_status import CommitStatus
from infratrack.pipelines.forge.interface import PostedComment
from infratrack.pipelines.forge.place import Place
from infratrack.pipelines.forge.session import ForgeSession

NAME: Final = "GitLab"
HEADERS: Final = {"Accept": "application/json"}
PER_PAGE: Final = 100
MOST_PAGES: Final = 50
_STATES: Final = {"success": "success", "failure": "failed", "error": "failed"}


class GitLabForge:
    """One merge request and one commit."""

    name: Final = NAME

    def __init__(self, session: ForgeSession, place: Place) -> None:
        self._session = session
        self._place = place

    def own_comments(self) -> Sequence[PostedComment]:
        """Notes by this token's user; those that GitLab writes itself are left out."""
        user = self._session.ask("GET", "/user").body
        author = user.get("id") if isinstance(user, Mapping) else None
        if not isinstance(author, int) or isinstance(author, bool):
            raise Unreachable(f"{NAME} does not say whose token this is")
        found = []
        for page in range(1, MOST_PAGES + 1):
            query = {"per_page": str(PER_PAGE), "page": str(page), "sort": "asc", "order_by": "created_at"}
            answer = self._session.ask("GET", self._notes(), query=query).body
            if not isinstance(answer, list):
                raise Unreachable(f"{NAME} does not answer with a list of notes")
            found += [_note(one) for one in answer if _is_by(one, author)]
            if len(answer) < PER_PAGE:
                break
        return sorted(found, key=lambda one: one.id)

    def create(self, body: str) -> PostedComment:
        """POST /projects/:id/merge_requests/:merge_request_iid/notes."""
        return _note(self._session.ask("POST", self._notes(), body={"body": body}, repeatable=False).body)

    def update(self, comment: int, body: str) -> None:
        """PUT /projects/:id/merge_requests/:merge_request_iid/notes/:note_id."""
        self._session.ask("PUT", f"{self._notes()}/{comment}", body={"body": body})

    def delete(self, comment: int) -> None:
        """DELETE /projects/:id/merge_requests/:merge_request_iid/notes/:note_id."""
        self._session.ask("DELETE", f"{self._notes()}/{comment}")

    def set_status(self, status: CommitStatus, context: str, page: str | None) -> None:
        """POST /projects/:id/statuses/:sha."""
        if self._place.commit is None:
            raise InputError("no commit is known to set a status on", "CI_COMMIT_SHA names it")
        body = {"state": _STATES[status.state], "description": status.description, "name": context}
        if page is not None:
            body["target_url"] = page
        path = f"/projects/{self._place.commit_repository}/statuses/{self._place.commit}"
        self._session.ask("POST", path, body=body)

    def _notes(self) -> str:
        if self._place.number is None:
            raise InputError("no merge request is known to comment on", "name it with --number")
        return f"/projects/{self._place.repository}/merge_requests/{self._place.number}/notes"


def _is_by(one: Any, author: int) -> bool:  # noqa: ANN401 -- a server's answer
    user = one.get("author") if isinstance(one, Mapping) else None
    return isinstance(user, Mapping) and user.get("id") == author and one.get("system") is not True


def _note(one: Any) -> PostedComment:  # noqa: ANN401 -- a server's answer
    number = one.get("id") if isinstance(one, Mapping) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise Unreachable(f"{NAME} answers with something that is no note")
    body = one.get("body")
    return PostedComment(number, body if isinstance(body, str) else "")
