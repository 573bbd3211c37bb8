"""`infratrack record awx JOB`: what a job of AWX did, as the same evidence that a playbook run leaves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from infratrack.api import Collected, InputError, Instant, JobContext, Subject, Unreachable
from infratrack_ansible.awx_client import TOKEN_VARIABLES, Absent, AwxClient
from infratrack_ansible.awx_job import AwxJob, JobRun, job_number, read_job
from infratrack_ansible.collector import DROPPED, span_of
from infratrack_ansible.evidence import ANSIBLE_RUN

STORING_SECONDS: Final = 60.0
"""How long AWX is waited for to store the last events of a job that has ended."""
PAGE: Final = 100
MOST_EVENTS: Final = 2_000_000
_PAUSE: Final = 2.0


class AwxJobs:
    """AWX, and the controller of Ansible Automation Platform."""

    name: Final = "awx"

    def read(self, context: JobContext) -> Sequence[Collected]:
        """The facts of a job that has ended, or InputError: it has not, it is no playbook run, it is not there."""
        number = job_number(context.job)
        client = AwxClient.open(context.environment)
        try:
            job = _ended_job(client, number)
            asked = {str(use.get("task")) for use in context.wanted.get("ansible.task_ok", ())}
            run = JobRun(job, context.folder, asked.__contains__)
            while run.feed(client.get(f"jobs/{number}/job_events/", _after(run.last))):
                if run.last > MOST_EVENTS:
                    raise InputError(f"job {number} has more than {MOST_EVENTS} events", "record its parts")
        finally:
            client.close()
        return [_collected(job, run, client.url, context)]


def _after(counter: int) -> dict[str, str]:
    return {"order_by": "counter", "counter__gt": str(counter), "page_size": str(PAGE)}


def _ended_job(client: AwxClient, number: int) -> AwxJob:
    """The job, once AWX has stored all of its events."""
    deadline = time.monotonic() + STORING_SECONDS
    while True:
        try:
            job = read_job(client.get(f"jobs/{number}/"), number)
        except Absent as error:
            raise InputError(f"there is no job {number} at {client.url}", _other_kind(client, number)) from error
        if not job.ended:
            raise InputError(f"job {number} has not ended, it is {job.status[:20]}", "record it when it has")
        if job.stored:
            return job
        if time.monotonic() > deadline:
            raise Unreachable(f"{client.url} has not stored all events of job {number} yet", "try again later")
        time.sleep(_PAUSE)


def _other_kind(client: AwxClient, number: int) -> str:
    """What to do about a number that is no job's: AWX numbers workflows and updates alike."""
    found: Any = client.get("unified_jobs/", {"id": str(number)})
    results = found.get("results") if isinstance(found, dict) else None
    kinds = [one.get("type") for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    if kinds == ["workflow_job"]:
        return f"{number} is a workflow: record the jobs that it ran, each by its number"
    if kinds and kinds[0] in {"project_update", "inventory_update", "ad_hoc_command", "system_job"}:
        return f"{number} is {kinds[0].replace('_', ' ')}: only runs of playbooks are recorded"
    return f"check the number, and that the token of {TOKEN_VARIABLES[0]} may see it"


def _collected(job: AwxJob, run: JobRun, server: str, context: JobContext) -> Collected:
    facts: dict[str, Any] = {"source": "awx", **run.run.facts(), **span_of(run.run), **run.given(server)}
    if not run.run.started:
        facts["checkMode"] = job.command.check
    subjects = (Subject("commit", {"gitCommit": job.revision}),) if job.revision else ()
    return Collected(
        predicate_type=ANSIBLE_RUN,
        result=facts,
        tool="ansible",
        subjects=subjects,
        missing=run.missing(),
        outcome=job.outcome,
        dropped=DROPPED,
        secrets=frozenset(
            context.environment[name] for name in TOKEN_VARIABLES if context.environment.get(name, "").strip()
        ),
        started_at=_not_later(job.started, context.at),
        finished_at=_not_later(job.finished, context.at),
    )


def _not_later(instant: Instant | None, now: Instant) -> Instant | None:
    """A time that a server's clock has right; None (when it was recorded, then) where it lies in the future."""
    return None if instant is None or instant > now else instant
