"""A job as AWX's API tells it, and its events, brought into our events. Pure.

AWX keeps the events that ansible-runner sent (`event`, `event_data`, `created`), so they are read as those are. Of the
job itself only an allow-list is read: never its variables, its environment, its command line or its output.
The API: https://docs.ansible.com/automation-controller/latest/html/controllerapi/api_ref.html
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from infratrack.api import InputError, Instant, Outcome, parse_instant
from infratrack_ansible import runner_artifacts
from infratrack_ansible.events import RunFacts
from infratrack_ansible.playbook_paths import name_of, scope_of
from infratrack_ansible.runner_artifacts import CommandFile

ENDED: Final = frozenset({"successful", "failed", "error", "canceled"})
_CHECK: Final[Mapping[str, bool]] = {"run": False, "check": True}
_JOB: Final = re.compile(r"[1-9][0-9]{0,17}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LONGEST: Final = 1_024


class AwxJob(Struct, frozen=True):
    """What is kept of a job."""

    number: int
    status: str
    stored: bool
    """Whether AWX has stored all of its events."""
    command: CommandFile
    """Where it ran, whether it was a check run, whether tasks were left out."""
    template: str
    inventory: str
    limit: str
    tags: tuple[str, ...]
    skip_tags: tuple[str, ...]
    revision: str
    """The commit of its project; empty where AWX has none."""
    started: Instant | None
    finished: Instant | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED

    @property
    def outcome(self) -> Outcome:
        """How it ended. A canceled job, and one that AWX lost, may have gone on: nobody saw its end."""
        return runner_artifacts.STATUS_OUTCOMES.get(self.status, "indeterminate")


def job_number(text: str) -> int:
    """The number of a job as written; InputError for anything else."""
    if not _JOB.fullmatch(text):
        raise InputError(f"{text[:80]!r} is not the number of a job", "it stands in the job's address: …/jobs/…/4711")
    return int(text)


def read_job(document: Any, number: int) -> AwxJob:  # noqa: ANN401 -- decoded JSON of any shape
    """The job that the API tells of; InputError when it tells of something else."""
    job = document if isinstance(document, Mapping) else {}
    if job.get("type") != "job" or job.get("id") != number or not isinstance(job.get("status"), str):
        raise InputError(f"AWX does not tell of a job {number}", "is there another server at that address?")
    summary = _mapping(job.get("summary_fields"))
    tags, skip_tags = _list(job.get("job_tags")), _list(job.get("skip_tags"))
    some = (bool(tags) and "all" not in tags) or bool(skip_tags) or bool(_text(job.get("start_at_task")))
    revision = _text(job.get("scm_revision"))
    return AwxJob(
        number=number,
        status=job["status"],
        stored=job.get("event_processing_finished") is not False,
        command=CommandFile(_text(job.get("job_cwd")), _CHECK.get(_text(job.get("job_type"))), some),
        template=_text(_mapping(summary.get("job_template")).get("name")),
        inventory=_text(_mapping(summary.get("inventory")).get("name")),
        limit=_text(job.get("limit")),
        tags=tags,
        skip_tags=skip_tags,
        revision=revision if _COMMIT.fullmatch(revision) else "",
        started=_instant(job.get("started")),
        finished=_instant(job.get("finished")),
    )


class JobRun:
    """Takes a job's events, page by page; `facts` tells what they say."""

    def __init__(self, job: AwxJob, folder: str, keep_name: Callable[[str], bool]) -> None:
        """`folder` is the folder of the project that the job's own folder is; `keep_name`: see `runner_artifacts`."""
        self._job = job
        self._folder = folder
        self._keep_name = keep_name
        self._seen: set[str] = set()
        self._last = 0
        self.run = RunFacts(self._name, knows_removed=False)
        self.lost = 0
        """How many events AWX numbered and does not have."""

    def feed(self, page: Any) -> bool:  # noqa: ANN401 -- decoded JSON of any shape
        """Take one page of events; whether there may be more. InputError when they do not follow those before."""
        events = _mapping(page).get("results")
        if not isinstance(events, list):
            raise InputError("AWX tells a job's events in a form that is not known", "which version is it?")
        for event in events:
            counter = _mapping(event).get("counter")
            if not isinstance(counter, int) or isinstance(counter, bool) or counter <= self._last:
                raise InputError("AWX tells a job's events out of order", "ask again; if it stays so, report it")
            self.lost += counter - self._last - 1
            self._last = counter
            created = _instant(event.get("created"))
            for ours in runner_artifacts.events_of(event, self._job.command, self._keep_name, self._seen):
                self.run.feed({**ours, "created": None if created is None else created / 1_000_000})
        return bool(events)

    @property
    def last(self) -> int:
        """The number of the last event that was taken."""
        return self._last

    def missing(self) -> dict[str, str]:
        """What is not known, and why."""
        return dict(self._missing())

    def given(self, server: str) -> dict[str, Any]:
        """What the job says of itself, as members of the facts."""
        job = self._job
        told: dict[str, Any] = {"job": {"server": server, "id": job.number}}
        if job.template:
            told["job"]["template"] = job.template
        if job.revision:
            told["job"]["revision"] = job.revision
        lists = {"inventory": [job.inventory], "tags": list(job.tags), "skipTags": list(job.skip_tags)}
        told |= {member: texts for member, texts in lists.items() if any(texts)}
        return told | ({"limit": job.limit} if job.limit else {})

    def _missing(self) -> Iterator[tuple[str, str]]:
        yield "taskNames", "AWX tells them templated; only names that a criterion asks for are kept"
        if self._job.command.check is None:
            yield "checkMode", "the job does not say whether it was a check run"
        if not self.run.started:
            yield "playbooks", "the job ended before it started a playbook, or AWX has deleted its events"
        elif not self.run.complete:
            yield "hosts", "the run ended before its closing statistics: what came of its hosts is not known"
        if self.lost:
            yield "tasks", f"{self.lost} of the job's events are not there"

    def _name(self, path: str) -> str:
        name = name_of(path, self._job.command.folder)
        if self._folder == "." or scope_of(name) == name:  # elsewhere, or of a collection
            return name
        return posixpath.normpath(posixpath.join(self._folder, name))


def _list(value: Any) -> tuple[str, ...]:  # noqa: ANN401 -- decoded JSON of any shape
    return tuple(part for part in (part.strip() for part in _text(value).split(",")) if part)


def _instant(value: Any) -> Instant | None:  # noqa: ANN401 -- decoded JSON of any shape
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except InputError:
        return None


def _text(value: Any) -> str:  # noqa: ANN401 -- decoded JSON of any shape
    """A text on one line, cut; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in value[:_LONGEST])


def _mapping(value: Any) -> Mapping[str, Any]:  # noqa: ANN401 -- decoded JSON of any shape
    return value if isinstance(value, Mapping) else {}
