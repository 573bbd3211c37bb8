"""What a statement says: the members that every predicate of ours carries, as frozen values.

On the wire the names are camelCase and every member is written, `null` where nothing is known. The same common part
(`RunPredicate`) carries run starts, ends, sign-offs and key entries, so that all evidence is ordered, linked and
pinned alike; what differs stands in `result`:

- `SIGNOFF`: `{"deliverable": id, "decision": "accepted" | "reopened", "comment": text}`
- `KEY`: `{"keyid": hex, "action": "revoke" | "end", "reason": text}`
- `TOMBSTONE`: `{"digest": "sha256:…", "reason": text}` (a blob that was removed on purpose)
- `ENDORSEMENT`: what an issuer of identity tokens vouches for, see `infratrack.evidence.identity.endorsement`
- `RUN_START`: `{}` or `{"unseen": {"predicateType": …, "result": …}}`, what to record should nobody see the end; its
  `run` has no outcome, exit code or `finishedAt` yet.

The format is `docs/formats.md`; in-toto's Statement v1 and ResourceDescriptor are at github.com/in-toto/attestation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from infratrack.values import IDENTIFIER_PATTERN, Digest

RUN_START: Final = "urn:infratrack:run-start:v1"
COMMAND: Final = "urn:infratrack:evidence:command:v1"
SIGNOFF: Final = "urn:infratrack:signoff:v1"
KEY: Final = "urn:infratrack:key:v1"
TOMBSTONE: Final = "urn:infratrack:tombstone:v1"
ENDORSEMENT: Final = "urn:infratrack:endorsement:v1"

_VERSION: Final = re.compile(r"v[0-9][0-9.]*")

UNCLASSIFIED: Final = "unclassified"
"""What an unnamed system, or its environment, is called."""

DIGEST_ONLY: Final = "infratrack.digestOnly"
"""Annotation of an artifact whose content is not kept on purpose."""

Outcome = Literal["succeeded", "failed", "canceled", "indeterminate"]
Identifier = Annotated[str, Meta(pattern=IDENTIFIER_PATTERN)]
Sha256Hex = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
DigestText = Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}$")]
Count = Annotated[int, Meta(ge=0)]


class Run(Struct, frozen=True, rename="camel"):
    """One execution. Instants are RFC 3339 text; `finished_at` is None when the end was not seen (indeterminate)."""

    id: Identifier
    """UUIDv7, made at the edge."""
    tool: str | None = None
    tool_version: str | None = None
    argv: tuple[str, ...] = ()
    exit_code: int | None = None
    outcome: Outcome | None = None
    """None in a run's start only."""
    started_at: str | None = None
    finished_at: str | None = None
    lost_at: str | UnsetType = UNSET
    """Only where nobody saw the end: when the run was found to be over. By then it had ended."""


class Actor(Struct, frozen=True, rename="camel"):
    """Who says to have done it. A claim: roles resolve from the key that signed."""

    kind: Literal["person", "machine"]
    id: str
    via: str | None = None
    """The way the actor was told: a CI provider, `login` for user@host."""


class Ci(Struct, frozen=True, rename="camel"):
    """The pipeline that ran."""

    provider: str
    run_url: str | None = None
    job: str | None = None
    attempt: int | None = None


class GitState(Struct, frozen=True, rename="camel"):
    """The checkout that the command ran in; `remote` holds no credentials."""

    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    remote: str | None = None


class Links(Struct, frozen=True, rename="camel"):
    """What the evidence belongs to."""

    project: str
    deliverables: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    change: str | None = None
    system: str = UNCLASSIFIED
    environment: Literal["production", "preproduction", "unclassified"] = UNCLASSIFIED


class DefinitionPin(Struct, frozen=True, rename="camel"):
    """The project definition that held: its commit and the digest of its document."""

    commit: str | None = None
    digest: DigestText | None = None


class Seen(Struct, frozen=True, rename="camel"):
    """The newest checkpoint known when the run started; `root` is base64 as in the checkpoint."""

    origin: str
    size: Count
    root: str


class Artifact(Struct, frozen=True, rename="camel", omit_defaults=True):
    """An in-toto ResourceDescriptor; the content lies in the blob store under its SHA-256."""

    name: str
    digest: Mapping[str, str]
    media_type: str | None = None
    annotations: Mapping[str, Any] | None = None

    @property
    def blob(self) -> Digest | None:
        """The blob's digest; None when the artifact has no SHA-256."""
        sha256 = self.digest.get("sha256")
        return None if sha256 is None else Digest(f"sha256:{sha256}")

    @property
    def digest_only(self) -> bool:
        """Whether the content is declared not to be kept."""
        return self.annotations is not None and self.annotations.get(DIGEST_ONLY) is True


class RedactionNote(Struct, frozen=True, rename="camel"):
    """Which rules removed secrets, how many places they masked, and what was left out (names only)."""

    rules: str
    masked: Count = 0
    dropped: tuple[str, ...] = ()


class RunPredicate(Struct, frozen=True, rename="camel"):
    """The common part of every predicate. Reading foreign predicates leaves None where a member is absent."""

    run: Run | None = None
    actor: Actor | None = None
    ci: Ci | None = None
    git: GitState | None = None
    links: Links | None = None
    definition: DefinitionPin | None = None
    seen: Seen | None = None
    artifacts: tuple[Artifact, ...] = ()
    redaction: RedactionNote | None = None
    labels: Mapping[str, str] = {}
    """`run --label K=V`."""
    missing: Mapping[str, str] = {}
    """Facts that could not be read, each with the reason."""


COMMON_PART: Final[tuple[type[Struct], ...]] = (
    RunPredicate, Run, Actor, Ci, GitState, Links, DefinitionPin, Seen, Artifact, RedactionNote,
)  # fmt: skip
"""Every kind of value in the common part."""


def artifact(name: str, digest: Digest, media_type: str, *, digest_only: bool = False) -> Artifact:
    """Name a blob as a ResourceDescriptor; `digest_only` declares that its content is not kept."""
    annotations = {DIGEST_ONLY: True} if digest_only else None
    return Artifact(name, {"sha256": digest.removeprefix("sha256:")}, media_type, annotations)


def short_name(predicate_type: str) -> str:
    """What people call a kind of evidence: the last part of its name before the version.

    `terraform-apply` of `urn:infratrack:evidence:terraform-apply:v1`, `test-result` of in-toto's
    `https://in-toto.io/attestation/test-result/v0.1`.
    """
    parts = [part for part in re.split("[:/]", predicate_type) if part]
    if len(parts) > 1 and _VERSION.fullmatch(parts[-1]):
        parts.pop()
    return parts[-1] if parts else predicate_type
