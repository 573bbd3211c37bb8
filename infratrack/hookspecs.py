"""Every hook that a plugin can implement, and what it hands over.

A plugin is a module named by an entry point in the group `infratrack`. It implements any of these hooks as functions
marked with `infratrack.api.hookimpl`. Each returns a list; an empty list is fine. Hooks are called rarely and
must be quick: heavy imports belong inside the functions of what they return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import pluggy
from msgspec import Struct

from infratrack.evidence.predicates import Outcome
from infratrack.progress.criterion import Criterion, Word
from infratrack.progress.foreseen import Foreseen
from infratrack.project.model import Pipeline, Project
from infratrack.reconciliation.interface import Reconciler, Source
from infratrack.values import Digest, Instant

PROJECT_NAME: Final = "infratrack"
hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)

FactsLevel = Literal["full", "plan", "none"]
Wanted = Mapping[str, tuple[Mapping[str, Any], ...]]
"""Criterion name → the parameters of every use of it in the project: what facts readers will need."""


class ArtifactContent(Struct, frozen=True):
    """Content that goes to the blob store, already free of secrets."""

    name: str
    media_type: str
    content: bytes


class Subject(Struct, frozen=True):
    """What a statement is about: a name and its digests (`{"sha256": hex}`, `{"gitCommit": hex}`)."""

    name: str
    digest: Mapping[str, str]


class Collected(Struct, frozen=True):
    """What a plugin found out. `result` becomes the statement's `result`, after the scrubber has passed over it.

    `secrets` are strings that must appear nowhere (they are used to scrub, and then forgotten). `missing` says, fact by
    fact, what could not be read and why. `outcome` overrides the one derived from the exit code.
    """

    predicate_type: str
    result: Mapping[str, Any]
    tool: str | None = None
    tool_version: str | None = None
    subjects: tuple[Subject, ...] = ()
    artifacts: tuple[ArtifactContent, ...] = ()
    secrets: frozenset[str] = frozenset()
    missing: Mapping[str, str] = {}
    outcome: Outcome | None = None
    extra: Mapping[str, Any] = {}
    """Members beside `result` that a predicate type of the field's own needs (test-result: `passedTests` …)."""
    masked: int = 0
    dropped: tuple[str, ...] = ()
    """What was masked (count) and left out (names) before the scrubber; joins the statement's `redaction`."""
    unreached: str = ""
    """Why part of what an observation is about was not reached: it is left all the same, and `observe` ends with 4."""
    started_at: Instant | None = None
    finished_at: Instant | None = None
    """When it happened, where the source of a record or an observation says so (else: when it was recorded)."""


class CommandContext(Struct, frozen=True):
    """A command that is about to be run by `infratrack run`."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    scratch: Path
    """A private folder (0700) that is deleted afterwards."""
    facts: FactsLevel
    wanted: Wanted
    scope_folder: str
    """`cwd` relative to the project folder, `/`-separated; `.` for the project folder itself."""


class CommandEnd(Struct, frozen=True):
    """How the command ended: the code that infratrack returns, and the outcome read from it."""

    exit_code: int
    outcome: Outcome


class Watch(Protocol):
    """A collector that follows one command."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables to add to the command's environment."""

    @property
    def unseen(self) -> Collected | None:
        """What to record should nobody see the end (killed, machine lost): where the command is, what it may change.

        It is written down before the command starts and becomes evidence with the outcome `indeterminate`. None: a
        plain `command` is recorded. A watch without this member counts as None.
        """

    def finish(self, end: CommandEnd) -> Collected:
        """The facts, after the command ended."""


class Collector(Protocol):
    """Leaves typed evidence for a tool's commands."""

    @property
    def name(self) -> str:
        """The tool (`terraform`), as used by `run --as`."""

    def recognises(self, argv: Sequence[str]) -> bool:
        """Whether this command line is the tool's, and one that leaves typed evidence."""

    def begin(self, context: CommandContext) -> Watch:
        """Called before the command starts. Must not change what the command does."""


class StepContext(Struct, frozen=True):
    """One step of `infratrack deliver`."""

    parameters: Mapping[str, Any]
    folder: Path
    """The project folder."""
    environment: Mapping[str, str]
    scratch: Path
    """A private folder (0700), the same for all steps of a pipeline run, deleted afterwards."""
    handoff: dict[str, Any]
    """What earlier steps of this run leave for later ones, by name (a pinned plan)."""
    wanted: Wanted
    report: Callable[[str], None]
    """Tell the person watching, a line at a time. Must hold no secret: the caller scrubs what it can."""
    canceled: Callable[[], bool]


class StepEnd(Struct, frozen=True):
    """How a step ended and what it left."""

    exit_code: int
    outcome: Outcome
    argv: tuple[str, ...]
    collected: Collected
    message: str = ""
    """Why it did not succeed, in a sentence."""


class StepType(Protocol):
    """A kind of pipeline step.

    It may also offer `unseen(context: StepContext) -> Collected | None`: called before `run`, what to record should
    nobody see the step's end (see `Watch.unseen`).
    """

    @property
    def name(self) -> str:
        """`terraform.plan`, as written in a pipeline's steps."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of the step's parameters, with `description` and `examples`."""

    def run(self, context: StepContext) -> StepEnd:
        """Run the step to its end."""


class RecordSource(Struct, frozen=True):
    """Something that another system left: a file with its content, or a folder (`content` None)."""

    path: Path
    content: bytes | None
    wanted: Wanted
    scope_folder: str
    """The folder that it is about (a Terraform root), relative to the project folder; `.` for itself."""
    workspace: str = "default"
    """The Terraform workspace that it is about."""


class JobContext(Struct, frozen=True):
    """A job that another system ran and that is to be recorded."""

    job: str
    """As named on the command line: a number."""
    environment: Mapping[str, str]
    """Where the system's address and token are found."""
    wanted: Wanted
    folder: str
    """The folder of the project that the job's own folder is, `/`-separated; `.` for the project folder itself."""
    at: Instant
    """Now: nothing has happened later."""


class JobSystem(Protocol):
    """A system that runs jobs and can be asked about them."""

    @property
    def name(self) -> str:
        """As in `infratrack record NAME JOB`."""

    def read(self, context: JobContext) -> Sequence[Collected]:
        """The facts of a job that has ended. InputError for one that has not, or is not there; Unreachable."""


class Recorder(Protocol):
    """Takes what other systems left."""

    @property
    def name(self) -> str:
        """What it takes, for people ("Terraform plan JSON")."""

    def detect(self, source: RecordSource) -> bool:
        """Whether the content is of this kind. Cheap, by content; never raises."""

    def read(self, source: RecordSource) -> Sequence[Collected]:
        """The facts. Bad content is an InputError with file and place."""


class RecordedEvidence(Struct, frozen=True):
    """A piece of evidence that counts: signed by a key that the project trusts, in the project's ledger."""

    digest: Digest
    predicate_type: str
    run: str
    at: Instant
    outcome: str | None
    commit: str | None
    predicate: Mapping[str, Any]
    """The whole predicate. Signed, but still to be read with care."""


def _nothing_recorded(predicate_type: str) -> Sequence[RecordedEvidence]:
    return ()


def _no_commits() -> frozenset[str]:
    return frozenset()


def _say_nothing(text: str) -> None:
    pass


class ObserveContext(Struct, frozen=True):
    """What an observer may look at, and what it is asked."""

    folder: Path
    environment: Mapping[str, str]
    wanted: Wanted
    target: str | None = None
    """What follows the observer's name on the command line: a folder."""
    changelog: bool = False
    """Whether to look for changes that no evidence explains, instead of what the criteria ask."""
    since: Instant | None = None
    """How far back to look for such changes; None: where the last look ended."""
    cmdb: Mapping[str, Mapping[str, Any]] = {}
    """What the project file says under `cmdb`."""
    recorded: Callable[[str], Sequence[RecordedEvidence]] = _nothing_recorded
    """Predicate type → the evidence of that type that counts, oldest first. Raises as opening the ledger does."""
    at: Instant = Instant(0)
    """When this look began: what is found holds until then."""
    run_commits: Callable[[], frozenset[str]] = _no_commits
    """Ids of the commits that evidence of runs which counts was made at; merely looking at something is no run."""
    report: Callable[[str], None] = _say_nothing
    """Tell the person watching, a line at a time."""
    cache: Path | None = None
    """A private folder for what may be forgotten at any time; None: keep nothing."""
    deliverables: Mapping[str, Wanted] = {}
    """Deliverable id → what its own criteria ask: whose records a change concerns."""
    pipelines: tuple[Pipeline, ...] = ()
    sources: Mapping[str, Source] = {}
    """What desired values can be read from, by name: `terraform.output`."""


class Observer(Protocol):
    """Gathers evidence by looking (read-only).

    Its evidence has a name that ends with `-observation` or `-changes` (`urn:infratrack:evidence:git-observation:v1`),
    so that nobody takes a look at a commit for a run of it.
    """

    @property
    def name(self) -> str:
        """As in `infratrack observe NAME`."""

    def observe(self, context: ObserveContext) -> Collected | Sequence[Collected]:
        """Look, and say what was seen: one piece of evidence, or several."""


class EvidenceType(Protocol):
    """A kind of evidence: how it is read as words and told to people."""

    @property
    def predicate_type(self) -> str:
        """The URN or URI."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of the predicate's `result` (or of `extra`, for predicate types of the field's own)."""

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """What the evidence says, subject by subject. Pure. The predicate is hostile input: check what is read."""

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """One line for people."""


class ForeseeingEvidenceType(EvidenceType, Protocol):
    """A kind of evidence that plans something, and can say what would be true once that was carried out."""

    def foreseen(self, predicate: Mapping[str, Any]) -> Foreseen | None:
        """The plan as if carried out exactly; None where this one plans nothing. Pure; the predicate is hostile."""


class Proposal(Struct, frozen=True):
    """What `init` may propose from what it finds in a repository."""

    comment: str
    """Why this is proposed ("infra/ holds Terraform configuration with 3 resources")."""
    deliverable: Mapping[str, Any]
    """A deliverable as it would stand in the project file."""
    pipeline: Mapping[str, Any] | None = None


class LinkSuggestion(Struct, frozen=True):
    """A link that the project file does not have and that what was found suggests."""

    kind: Literal["task_depends", "deliverable_task", "deliverable_criterion"]
    source: str
    """The id of the task or deliverable that would get the link."""
    target: str
    """The task that it would depend on or belong to, or the criterion as it would be written."""
    reason: str
    """What it was seen in, for people."""


class LinkSuggester(Protocol):
    """Proposes links from relationships that a tool knows."""

    @property
    def name(self) -> str:
        """What it looks into: `terraform`, `netbox`."""

    def suggest(self, context: ObserveContext, project: Project) -> Sequence[LinkSuggestion]:
        """Look (read-only), and propose. Unreachable or InputError when it cannot look."""


class Hooks:
    """The hooks. Each is optional."""

    @hookspec
    def infratrack_criteria(self) -> list[Criterion]:
        """Acceptance criteria for `done_when`."""
        raise NotImplementedError

    @hookspec
    def infratrack_evidence_types(self) -> list[EvidenceType]:
        """Kinds of evidence: how each is read as words."""
        raise NotImplementedError

    @hookspec
    def infratrack_collectors(self) -> list[Collector]:
        """Tools whose commands leave typed evidence under `infratrack run`."""
        raise NotImplementedError

    @hookspec
    def infratrack_steps(self) -> list[StepType]:
        """Step types for `infratrack deliver`."""
        raise NotImplementedError

    @hookspec
    def infratrack_recorders(self) -> list[Recorder]:
        """Files that `infratrack record` understands."""
        raise NotImplementedError

    @hookspec
    def infratrack_job_systems(self) -> list[JobSystem]:
        """Systems whose jobs `infratrack record NAME JOB` can record."""
        raise NotImplementedError

    @hookspec
    def infratrack_observers(self) -> list[Observer]:
        """What `infratrack observe` can look at."""
        raise NotImplementedError

    @hookspec
    def infratrack_proposals(self, folder: Path) -> list[Proposal]:
        """Deliverables that `infratrack init` proposes for what it finds in a folder."""
        raise NotImplementedError

    @hookspec
    def infratrack_reconcilers(self) -> list[Reconciler]:
        """CMDBs that `infratrack sync` can bring into agreement."""
        raise NotImplementedError

    @hookspec
    def infratrack_sources(self) -> list[Source]:
        """Where the records that a CMDB should hold come from."""
        raise NotImplementedError

    @hookspec
    def infratrack_links(self) -> list[LinkSuggester]:
        """Who proposes links for `infratrack links suggest`."""
        raise NotImplementedError
