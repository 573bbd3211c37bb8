"""Which pull request and which commit a pipeline is about, read from its environment. Pure.

Sources: GitHub's documentation of default variables and of the `pull_request` event, GitLab's of predefined variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from infratrack.errors import InputError

Provider = Literal["github", "gitlab"]
GITHUB_API: Final = "https://api.github.com"
GITLAB_API: Final = "https://gitlab.com/api/v4"
LARGEST_NUMBER: Final = 10**12
_REPOSITORY: Final = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9._-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PULL_REF: Final = re.compile(r"refs/pull/([0-9]{1,12})/(?:merge|head)")
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_ADDRESS: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,39}\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]{0,500})?"
)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Place(Struct, frozen=True):
    """Where to tell: the repository (its path or number), the pull request, the commit. None: this is about none."""

    provider: Provider
    api: str
    repository: str
    number: int | None = None
    commit: str | None = None
    commit_repository: str = ""
    """Where the commit's pipeline ran: the fork, for a merge request from one."""
    fork: bool = False
    """Whether the pull request comes from another repository: then its jobs have no secrets."""


def github_place(environ: Mapping[str, str], event: Any, number: int | None = None) -> Place:  # noqa: ANN401 -- hostile JSON
    """The place as GitHub Actions tells it; `event` is the content of GITHUB_EVENT_PATH, None where there is none.

    `number` is what a person said. InputError where the environment names no repository.
    """
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        raise InputError("GITHUB_REPOSITORY does not name a repository", "set it to OWNER/NAME, as GitHub Actions does")
    pull = _member(event, "pull_request")
    told = number
    if told is None:
        told = _whole(pull.get("number"))
    if told is None and "pull_request" in _member(event, "issue"):
        told = _whole(_member(event, "issue").get("number"))
    if told is None:
        found = _PULL_REF.fullmatch(environ.get("GITHUB_REF", ""))
        told = int(found[1]) if found else None
    head = _member(pull, "head")
    own, base = (_member(one, "repo").get("full_name") for one in (head, _member(pull, "base")))
    return Place(
        provider="github",
        api=api_address(environ.get("GITHUB_API_URL") or GITHUB_API, "GITHUB_API_URL"),
        repository=repository,
        number=told,
        # The commit under GITHUB_SHA is a merge that GitHub made up for the pull request.
        commit=_commit(head.get("sha")) or _commit(environ.get("GITHUB_SHA")),
        commit_repository=repository,
        fork=bool(pull) and own != base,
    )


def gitlab_place(environ: Mapping[str, str], number: int | None = None) -> Place:
    """The place as GitLab CI/CD tells it. InputError where the environment names no project."""
    own = environ.get("CI_PROJECT_ID", "")
    target = environ.get("CI_MERGE_REQUEST_PROJECT_ID") or own
    if not _NUMBER.fullmatch(own) or not _NUMBER.fullmatch(target):
        raise InputError("CI_PROJECT_ID does not name a project", "set it to the project's number, as GitLab does")
    source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID") or target
    told = environ.get("CI_MERGE_REQUEST_IID", "")
    head = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA")
    return Place(
        provider="gitlab",
        api=api_address(environ.get("CI_API_V4_URL") or GITLAB_API, "CI_API_V4_URL"),
        repository=target,
        number=number if number is not None else int(told) if _NUMBER.fullmatch(told) else None,
        commit=_commit(head),
        commit_repository=own,
        fork=source != target,
    )


def provider_of(environ: Mapping[str, str]) -> Provider | None:
    """The forge whose pipeline this is; None outside of both."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    return "gitlab" if environ.get("GITLAB_CI") == "true" else None


def api_address(url: str, name: str) -> str:
    """The address of an API without its last slash. InputError where a token must not be sent to it."""
    found = _ADDRESS.fullmatch(url)
    if found is None or (found["scheme"] == "http" and found["host"] not in _LOOPBACK):
        raise InputError(f"{name} is no address that a token may be sent to", "write https://HOST/PATH")
    return url.rstrip("/")


def _member(value: Any, name: str) -> Mapping[str, Any]:  # noqa: ANN401 -- hostile JSON
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST_NUMBER else None


def _commit(value: object) -> str | None:
    return value if isinstance(value, str) and _COMMIT.fullmatch(value) else None
