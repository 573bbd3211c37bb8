"""Which jobs a project trusts: identities as the project file names them, and whether a job is one of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from msgspec import Struct

from infratrack.errors import InputError
from infratrack.evidence.identity.endorsement import Endorsed
from infratrack.evidence.identity.issuer_keys import read_key_set
from infratrack.evidence.identity.sigstore_root import read_root
from infratrack.project.model import Identity, Project

USUAL_EVENTS: Final = (
    "push", "schedule", "workflow_dispatch", "repository_dispatch", "merge_group", "release", "deployment",
    "web", "api", "trigger", "pipeline", "parent_pipeline",
)  # fmt: skip
"""Events of GitHub and GitLab that only somebody with the right to write can set off, unless an identity names others.

Not among them: pull and merge requests, comments, issues, and whatever runs after those on the default branch, where
the token says `refs/heads/main` although the work is an outsider's.
"""

_WEB_ADDRESS: Final = re.compile("https?://")


class TrustedIdentity(Struct, frozen=True):
    """Jobs whose keys count, and the keys of those who have to have signed for them."""

    name: str
    issuer: str
    authorities: tuple[str, ...]
    """Thumbprints of the issuer's keys, and digests of the parts of a sigstore trusted root, sorted."""
    exact: tuple[tuple[str, str], ...]
    """What a job has to be: words of `Runner` and their values."""
    ref: str = ""
    """The ref, `*` for any run of characters; empty for any ref."""
    events: tuple[str, ...] = USUAL_EVENTS

    def covers(self, endorsed: Endorsed) -> bool:
        """Whether the endorsed key belongs to one of these jobs."""
        runner = endorsed.runner
        needed = endorsed.authority.split()
        if runner.issuer != self.issuer or not needed or not set(needed) <= set(self.authorities):
            return False
        if any(getattr(runner, word) != value for word, value in self.exact):
            return False
        # Through sigstore a job's subject is its workflow, which other repositories and branches can call as well.
        if runner.repository and _WEB_ADDRESS.match(runner.subject) and not self._names_a_place:
            return False
        # An issuer that tells no events tells no refs either: those are known by their subject alone.
        return _fits(self.ref, runner.ref) and (not runner.event or runner.event in self.events)

    @property
    def _names_a_place(self) -> bool:
        """Whether it says which repository, and which ref or environment of it."""
        words = {word for word, _ in self.exact}
        return bool(words & {"repository", "repository_id"}) and bool(self.ref or "environment" in words)


def trusted_identities(project: Project) -> tuple[TrustedIdentity, ...]:
    """The identities as the project file has them; InputError, naming the file, for keys that cannot be used."""
    return tuple(_trusted(identity, project) for identity in project.identities)


def _trusted(identity: Identity, project: Project) -> TrustedIdentity:
    pinned = {*_thumbprints(identity, project), *_root_digests(identity, project)}
    words = ("subject", "repository", "repository_id", "workflow", "environment")
    return TrustedIdentity(
        name=identity.name,
        issuer=identity.issuer,
        authorities=tuple(sorted(pinned)),
        exact=tuple((word, value) for word in words if (value := getattr(identity, word)) is not None),
        ref=identity.ref or "",
        events=identity.events or USUAL_EVENTS,
    )


def _thumbprints(identity: Identity, project: Project) -> tuple[str, ...]:
    """The issuer's keys; InputError, naming the file, when they cannot be used."""
    if identity.issuer_keys is None:
        return ()
    hint = f"write it with `infratrack identity keys {identity.issuer}`"
    return _read(identity, project, identity.issuer_keys, _key_thumbprints, hint)


def _root_digests(identity: Identity, project: Project) -> tuple[str, ...]:
    """The parts of the trusted root; InputError, naming the file, when they cannot be used."""
    if identity.sigstore_root is None:
        return ()
    hint = "write it with `infratrack identity sigstore`"
    return _read(identity, project, identity.sigstore_root, _part_digests, hint)


def _read(
    identity: Identity, project: Project, name: str, read: Callable[[str], tuple[str, ...]], hint: str
) -> tuple[str, ...]:
    owner = f"trust.identities {identity.name!r}"
    text = project.key_files.get(name)
    if text is None:
        raise InputError(f"{owner}: the file of pinned keys {name!r} was not read", hint)
    try:
        return read(text)
    except InputError as error:
        raise InputError(f"{name} ({owner}): {error.message}", error.hint) from error


def _key_thumbprints(text: str) -> tuple[str, ...]:
    return tuple(key.thumbprint for key in read_key_set(text))


def _part_digests(text: str) -> tuple[str, ...]:
    return read_root(text).digests


def _fits(pattern: str, ref: str) -> bool:
    return not pattern or bool(_pattern(pattern).fullmatch(ref))


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))))
