"""What a CI system says about branches: where a pull request goes, and which branch is the default. Pure.

Sources: the providers' documentation of predefined variables, and of Atlantis' custom workflows. On GitHub the default
branch stands in the file that describes the event only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from infratrack.project.protected_ref import Told

Environ = Mapping[str, str]
_HEADS: Final = "refs/heads/"
_NO: Final = frozenset({"", "0", "false", "no"})


class _System(Struct, frozen=True):
    """A CI system: how it is known, and the variables that name the target of a pull request and the default branch."""

    detected: Callable[[Environ], bool]
    target: str = ""
    target_is_protected: str = ""
    """`false` here says that anybody who can push may write to the target: it cannot say whom to trust."""
    default: str = ""


_SYSTEMS: Final = (
    # Atlantis is asked first: it may itself run inside of another system.
    _System(lambda environ: bool(environ.get("ATLANTIS_TERRAFORM_VERSION")), "BASE_BRANCH_NAME"),
    _System(lambda environ: environ.get("GITHUB_ACTIONS") == "true", "GITHUB_BASE_REF"),
    _System(
        lambda environ: environ.get("GITLAB_CI") == "true",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
        "CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED",
        "CI_DEFAULT_BRANCH",
    ),
    _System(lambda environ: environ.get("TF_BUILD", "").lower() == "true", "SYSTEM_PULLREQUEST_TARGETBRANCH"),
    # Other systems set JENKINS_URL for their own purposes; a build has both.
    _System(lambda environ: bool(environ.get("JENKINS_URL") and environ.get("BUILD_URL")), "CHANGE_TARGET"),
)


def told_branches(environ: Environ, event: bytes = b"") -> Told:
    """What the environment says; `event` is the content of GitHub's event file.

    A system that says no more than that it is one (`CI`, as most do) is one as well.
    """
    for system in _SYSTEMS:
        if system.detected(environ):
            unprotected = environ.get(system.target_is_protected, "").strip() == "false"
            target = None if unprotected else _branch(environ, system.target)
            return Told(in_ci=True, target=target, default=_branch(environ, system.default) or _default_in(event))
    return Told(in_ci=environ.get("CI", "").strip().lower() not in _NO)


def _branch(environ: Environ, name: str) -> str | None:
    return environ.get(name, "").strip().removeprefix(_HEADS) or None


def _default_in(event: bytes) -> str | None:
    """The repository's default branch in the description of an event; None where it does not say."""
    try:
        said: Any = msgspec.json.decode(event)["repository"]["default_branch"]
    except (msgspec.MsgspecError, RecursionError, KeyError, TypeError, IndexError):
        return None
    return said if isinstance(said, str) and said else None
