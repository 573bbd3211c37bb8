"""What an issuer's token says about the job that asked for it, in one set of words for all issuers. Pure.

Sources: GitHub's documentation of OpenID Connect claims for Actions, GitLab's of ID tokens. Other issuers are known by
their subject only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from infratrack.project.identity_schema import CLAIM_AT_MOST


class Runner(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A job, as its issuer describes it. What the token does not say is empty."""

    issuer: str
    subject: str
    repository: str = ""
    repository_id: str = ""
    ref: str = ""
    """The full name of the ref: `refs/heads/main`."""
    workflow: str = ""
    """The file that defines the job, and its ref: `o/r/.github/workflows/x.yml@refs/heads/main`."""
    environment: str = ""
    event: str = ""
    """What set the job going: `push`, `schedule`, `pull_request` …, in the issuer's words."""
    commit: str = ""
    run: str = ""
    attempt: str = ""
    actor: str = ""


def runner_of(claims: Mapping[str, Any]) -> Runner:
    """The job that verified claims describe."""
    said = _said(claims)
    if said("repository") and said("run_id") and not said("project_path"):
        return Runner(
            issuer=said("iss"),
            subject=said("sub"),
            repository=said("repository"),
            repository_id=said("repository_id"),
            ref=said("ref"),
            workflow=said("job_workflow_ref") or said("workflow_ref"),
            environment=said("environment"),
            event=said("event_name"),
            commit=said("sha"),
            run=said("run_id"),
            attempt=said("run_attempt"),
            actor=said("actor"),
        )
    if said("project_path") and said("pipeline_id") and not said("repository"):
        return Runner(
            issuer=said("iss"),
            subject=said("sub"),
            repository=said("project_path"),
            repository_id=said("project_id"),
            ref=said("ref_path") or _full_ref(said("ref_type"), said("ref")),
            workflow=said("ci_config_ref_uri"),
            environment=said("environment"),
            event=said("pipeline_source"),
            commit=said("sha"),
            run=said("pipeline_id"),
            attempt=said("job_id"),
            actor=said("user_login"),
        )
    return Runner(issuer=said("iss"), subject=said("sub"))


def described(runner: Runner) -> str:
    """A job in a few words for people: the repository and ref, else the subject."""
    return f"{runner.repository} at {runner.ref}" if runner.repository and runner.ref else runner.subject


def _said(claims: Mapping[str, Any]) -> Callable[[str], str]:
    def said(name: str) -> str:
        """A claim as text; nothing for one that is missing, too long, or not fit to be shown."""
        value = claims.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        return value if isinstance(value, str) and len(value) <= CLAIM_AT_MOST and value.isprintable() else ""

    return said


def _full_ref(kind: str, name: str) -> str:
    folder = {"branch": "refs/heads/", "tag": "refs/tags/"}.get(kind)
    return f"{folder}{name}" if folder and name else ""
