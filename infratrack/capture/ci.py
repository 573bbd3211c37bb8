"""Which pipeline is running, and who is behind it, read from the environment's well-known variables. Pure.

Sources: the providers' documentation of predefined variables for GitHub Actions, GitLab CI/CD, Jenkins, Azure Pipelines
and CircleCI. `actor` is a claim; what counts is the key that signs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from msgspec import Struct

from infratrack.evidence.predicates import Actor, Ci

LONGEST_VALUE: Final = 1_000
Environ = Mapping[str, str]


class Surroundings(Struct, frozen=True):
    """Where a command runs: the actor, the pipeline (None on somebody's own machine) and the branch it was told."""

    actor: Actor
    ci: Ci | None = None
    branch: str | None = None


def surroundings(environ: Environ, *, login: str, host: str) -> Surroundings:
    """Read the environment; outside any known CI system the actor is the person `login@host`."""
    for detected, read in _PROVIDERS:
        if detected(environ):
            return read(environ)
    return Surroundings(Actor("person", f"{login}@{host}", "login"))


def _github(environ: Environ) -> Surroundings:
    server, repository, run = (_value(environ, f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    url = f"{server}/{repository}/actions/runs/{run}" if server and repository and run else None
    attempt = _count(environ, "GITHUB_RUN_ATTEMPT")
    if url and attempt:
        url = f"{url}/attempts/{attempt}"
    login = _value(environ, "GITHUB_TRIGGERING_ACTOR") or _value(environ, "GITHUB_ACTOR")
    branch = _value(environ, "GITHUB_HEAD_REF")
    if branch is None and _value(environ, "GITHUB_REF_TYPE") == "branch":
        branch = _value(environ, "GITHUB_REF_NAME")
    return _in_ci("github", login, url, _value(environ, "GITHUB_JOB"), attempt, branch)


def _gitlab(environ: Environ) -> Surroundings:
    url = _value(environ, "CI_JOB_URL") or _value(environ, "CI_PIPELINE_URL")
    branch = _value(environ, "CI_COMMIT_BRANCH") or _value(environ, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")
    return _in_ci("gitlab", _value(environ, "GITLAB_USER_LOGIN"), url, _value(environ, "CI_JOB_NAME"), None, branch)


def _jenkins(environ: Environ) -> Surroundings:
    branch = _value(environ, "CHANGE_BRANCH") or _value(environ, "BRANCH_NAME")
    login = _value(environ, "BUILD_USER_ID") or _value(environ, "CHANGE_AUTHOR")
    return _in_ci("jenkins", login, _value(environ, "BUILD_URL"), _value(environ, "JOB_NAME"), None, branch)


def _azure(environ: Environ) -> Surroundings:
    server = (_value(environ, "SYSTEM_COLLECTIONURI") or "").rstrip("/")
    team_project, build = _value(environ, "SYSTEM_TEAMPROJECT"), _value(environ, "BUILD_BUILDID")
    url = f"{server}/{team_project}/_build/results?buildId={build}" if server and team_project and build else None
    login = _value(environ, "BUILD_REQUESTEDFOREMAIL") or _value(environ, "BUILD_REQUESTEDFOR")
    branch = (_value(environ, "SYSTEM_PULLREQUEST_SOURCEBRANCH") or _value(environ, "BUILD_SOURCEBRANCH") or "").strip()
    job = _value(environ, "SYSTEM_JOBDISPLAYNAME") or _value(environ, "AGENT_JOBNAME")
    attempt = _count(environ, "SYSTEM_JOBATTEMPT")
    heads = "refs/heads/"
    named = branch.removeprefix(heads) if branch.startswith(heads) else None
    return _in_ci("azure-pipelines", login, url, job, attempt, named)


def _circleci(environ: Environ) -> Surroundings:
    login, url = _value(environ, "CIRCLE_USERNAME"), _value(environ, "CIRCLE_BUILD_URL")
    return _in_ci("circleci", login, url, _value(environ, "CIRCLE_JOB"), None, _value(environ, "CIRCLE_BRANCH"))


_PROVIDERS: Final[tuple[tuple[Callable[[Environ], bool], Callable[[Environ], Surroundings]], ...]] = (
    (lambda environ: environ.get("GITHUB_ACTIONS") == "true", _github),
    (lambda environ: environ.get("GITLAB_CI") == "true", _gitlab),
    (lambda environ: environ.get("TF_BUILD", "").lower() == "true", _azure),
    (lambda environ: environ.get("CIRCLECI") == "true", _circleci),
    # Last, because other systems set JENKINS_URL for their own purposes; a build has both.
    (lambda environ: bool(environ.get("JENKINS_URL")) and bool(environ.get("BUILD_URL")), _jenkins),
)


def _in_ci(  # noqa: PLR0913, PLR0917 -- one line for each provider that says it all
    provider: str, login: str | None, url: str | None, job: str | None, attempt: int | None, branch: str | None
) -> Surroundings:
    """A bot, or nobody in particular, is a machine; a login is the person who set the pipeline going."""
    kind: Literal["person", "machine"] = "machine" if login is None or login.endswith("[bot]") else "person"
    return Surroundings(Actor(kind, login or provider, provider), Ci(provider, url, job, attempt), branch)


def _value(environ: Environ, name: str) -> str | None:
    """A variable's value without the ends' white space; None when it is not set or empty."""
    return environ.get(name, "").strip()[:LONGEST_VALUE] or None


def _count(environ: Environ, name: str) -> int | None:
    text = environ.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 -- far from any run
