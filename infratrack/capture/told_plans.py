"""Plans that a pipeline wants told: read from JSON, or found in evidence by the digest of a saved file; scrubbed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from infratrack.capture.plan_evidence import plan_evidence
from infratrack.capture.record import LARGEST_FILE, Scope, read_sources
from infratrack.errors import InfratrackError, InputError
from infratrack.evidence.redaction import Scrubber, secrets_in_environment
from infratrack.pipelines.telling import PlanTold
from infratrack.plugin_manager import PluginFailure
from infratrack.progress.foreseen import Foreseen
from infratrack.project.include_files import read_at_most
from infratrack.project.wanted import wanted_facts
from infratrack.values import sha256_digest

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace

_JSON_BEGINS: Final = b"{"
_UNKNOWN: Final = (
    "no evidence tells what is in it; plan under `infratrack run`, or hand over the output of `terraform show -json`"
)


class ReadPlan(Struct, frozen=True):
    """A plan as it is told, and what it lets one foresee."""

    told: PlanTold
    foreseen: tuple[Foreseen, ...] = ()


def read_plan(workspace: Workspace, path: Path, scope: Scope) -> ReadPlan:
    """One plan: JSON that a recorder understands, or a saved plan file of which evidence was left.

    Nothing is executed, and a plan that cannot be told is told as that. Raises IntegrityFailure for a damaged ledger.
    """
    try:
        found = _found(workspace, path, scope)
    except InputError as error:
        said = f"{error.message}; {error.hint}" if error.hint else error.message
        return ReadPlan(PlanTold(path.name, trouble=said))
    if not found:
        return ReadPlan(PlanTold(path.name, trouble=_UNKNOWN))
    pieces = [_looked_ahead(workspace, kind, predicate) for kind, predicate in found]
    foreseen = tuple(one for _, one in pieces if one is not None)
    told = PlanTold(
        source=path.name,
        summary="; ".join(summary for summary, _ in pieces),
        scope=", ".join(one.scope for one in foreseen),
        changes=tuple(change for one in foreseen for change in one.changes),
        foreseeable=bool(foreseen),
    )
    return ReadPlan(told, foreseen)


def _found(workspace: Workspace, path: Path, scope: Scope) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """What the file holds as (predicate type, predicate) of the evidence that it would make or has made."""
    content = _content(path)
    if not content.lstrip().startswith(_JSON_BEGINS):
        recorded = plan_evidence(workspace, sha256_digest(content))
        return [] if recorded is None else [(recorded.predicate_type, recorded.predicate)]
    wanted = wanted_facts(workspace.project)
    (understood,) = read_sources([path], workspace.plugins, wanted=wanted, scope=scope, stdin=BytesIO())
    found = []
    for one in understood.collected:
        # What stands in a comment must have passed what evidence passes.
        keep = [workspace.project.id, one.predicate_type]
        scrubber = Scrubber(one.secrets | frozenset(secrets_in_environment(workspace.environ)), keep)
        run = {"tool": one.tool, "outcome": one.outcome or "succeeded"}
        plain = msgspec.to_builtins({"run": run, "result": one.result, **one.extra})
        found.append((one.predicate_type, scrubber.json(plain)))
    return found


def _content(path: Path) -> bytes:
    try:
        content = read_at_most(path, LARGEST_FILE)  # which never waits: a named pipe can stand there as well
    except ValueError as error:
        raise InputError("it cannot be read: not a path") from error
    if len(content) > LARGEST_FILE:
        raise InputError(f"it is larger than {LARGEST_FILE >> 20} MiB")
    return content


def _looked_ahead(workspace: Workspace, kind: str, predicate: Mapping[str, Any]) -> tuple[str, Foreseen | None]:
    evidence_type = workspace.plugins.evidence_types.get(kind)
    if evidence_type is None:
        return f"evidence of type {kind}", None
    try:
        return evidence_type.summary(predicate), evidence_type.foreseen(predicate)
    except (PluginFailure, InfratrackError) as failure:
        return str(failure), None
