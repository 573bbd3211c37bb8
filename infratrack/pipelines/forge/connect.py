"""From an environment to a forge that can be asked: which token, and what to do where there is none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from infratrack.errors import NotAllowed
from infratrack.pipelines.forge.interface import Forge
from infratrack.pipelines.forge.place import Place, Provider

TOKENS: Final[Mapping[Provider, tuple[str, ...]]] = {
    "github": ("GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab": ("INFRATRACK_GITLAB_TOKEN", "GITLAB_TOKEN"),
}
"""Variables that hold a token, the first one that is set counting."""
_PERMISSIONS: Final[Mapping[Provider, str]] = {
    "github": "give the step GITHUB_TOKEN, and the job `permissions: {pull-requests: write, statuses: write}`",
    "gitlab": "make a project access token with the scope `api` and put it into INFRATRACK_GITLAB_TOKEN",
}
FORKED: Final = "this comes from a fork: its jobs have no secrets, and that is as it should be"


@contextlib.contextmanager
def connected(place: Place, environ: Mapping[str, str], now: Callable[[], float]) -> Iterator[Forge]:
    """The forge, for as long as the block lasts. NotAllowed where there is no token, InputError where it is none.

    `now` is the clock, in seconds since 1970.
    """
    from infratrack.pipelines.forge.github import HEADERS as GITHUB_HEADERS  # noqa: PLC0415 -- one forge is asked
    from infratrack.pipelines.forge.github import GitHubForge  # noqa: PLC0415 -- likewise
    from infratrack.pipelines.forge.gitlab import HEADERS as GITLAB_HEADERS  # noqa: PLC0415 -- likewise
    from infratrack.pipelines.forge.gitlab import GitLabForge  # noqa: PLC0415 -- likewise
    from infratrack.pipelines.forge.session import Credential, ForgeSession  # noqa: PLC0415 -- likewise

    token = next((environ[name] for name in TOKENS[place.provider] if environ.get(name)), None)
    if token is None:
        raise NotAllowed(f"there is no token in {' or '.join(TOKENS[place.provider])}", advice(place))
    github = place.provider == "github"
    session = ForgeSession(
        "GitHub" if github else "GitLab",
        place.api,
        Credential("Authorization", "Bearer ", token) if github else Credential("PRIVATE-TOKEN", "", token),
        GITHUB_HEADERS if github else GITLAB_HEADERS,
        now=now,
    )
    with contextlib.closing(session):
        yield GitHubForge(session, place, token) if github else GitLabForge(session, place)


def advice(place: Place) -> str:
    """What to do where a token is missing or may not do it."""
    return FORKED if place.fork else _PERMISSIONS[place.provider]
