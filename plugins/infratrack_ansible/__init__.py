"""Ansible: what ansible-playbook did on which host, criteria on it, a pipeline step, and records of earlier runs."""

from __future__ import annotations

from pathlib import Path

from infratrack.api import Collector, Criterion, EvidenceType, JobSystem, Proposal, Recorder, Source, StepType, hookimpl


@hookimpl
def infratrack_criteria() -> list[Criterion]:
    """`ansible.succeeded`, `ansible.task_ok`, `ansible.idempotent`, `ansible.check_clean`."""
    from infratrack_ansible.criteria import CRITERIA  # noqa: PLC0415 -- loaded when asked for

    return list(CRITERIA)


@hookimpl
def infratrack_evidence_types() -> list[EvidenceType]:
    """What a run of ansible-playbook leaves."""
    from infratrack_ansible.evidence import AnsibleRun  # noqa: PLC0415 -- loaded when asked for

    return [AnsibleRun()]


@hookimpl
def infratrack_collectors() -> list[Collector]:
    """Follows `ansible-playbook`."""
    from infratrack_ansible.collector import AnsibleCollector  # noqa: PLC0415 -- loaded when asked for

    return [AnsibleCollector()]


@hookimpl
def infratrack_steps() -> list[StepType]:
    """The step `ansible.playbook`."""
    from infratrack_ansible.steps import AnsiblePlaybook  # noqa: PLC0415 -- loaded when asked for

    return [AnsiblePlaybook()]


@hookimpl
def infratrack_recorders() -> list[Recorder]:
    """Artifact folders of ansible-runner, output of the json callback, our own event lines."""
    from infratrack_ansible.recorders import (  # noqa: PLC0415 -- loaded when asked for
        EventLinesRecorder,
        JsonCallbackRecorder,
        RunnerFolderRecorder,
    )

    return [RunnerFolderRecorder(), JsonCallbackRecorder(), EventLinesRecorder()]


@hookimpl
def infratrack_job_systems() -> list[JobSystem]:
    """`awx`."""
    from infratrack_ansible.awx import AwxJobs  # noqa: PLC0415 -- loaded when asked for

    return [AwxJobs()]


@hookimpl
def infratrack_sources() -> list[Source]:
    """`ansible.facts`."""
    from infratrack_ansible.sources import FactsSource  # noqa: PLC0415 -- loaded when asked for

    return [FactsSource()]


@hookimpl
def infratrack_proposals(folder: Path) -> list[Proposal]:
    """A deliverable and a pipeline for each playbook found."""
    from infratrack_ansible.proposals import propose  # noqa: PLC0415 -- loaded when asked for

    return propose(folder)
