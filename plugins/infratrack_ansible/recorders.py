"""What other systems left of Ansible runs, taken by `infratrack record`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from infratrack.api import Collected, InputError, Outcome, RecordSource, Wanted, parse_instant
from infratrack_ansible import json_callback, runner_artifacts
from infratrack_ansible.collector import DROPPED, span_of
from infratrack_ansible.events import RunFacts, decode_lines
from infratrack_ansible.evidence import ANSIBLE_RUN
from infratrack_ansible.files import runner_events, runner_folder, small_file
from infratrack_ansible.playbook_paths import name_of

_EVENT_LINE: Final = b'"event":"start"'
_NAMES: Final = "task names were templated when they were recorded; only names that a criterion asks for are kept"
_CHECK: Final = "the source does not tell whether this was a check run"


class RunnerFolderRecorder:
    """The artifact folder of an ansible-runner run, or the folder above it if it holds just one run."""

    name: Final = "ansible-runner artifact folder"

    def detect(self, source: RecordSource) -> bool:
        """A folder with `job_events` in it, or exactly one such folder below it."""
        return source.content is None and runner_folder(source.path) is not None

    def read(self, source: RecordSource) -> Sequence[Collected]:
        """The run's facts and its outcome from `status` and `rc`; a broken event file is an InputError."""
        folder = runner_folder(source.path)
        if folder is None:
            raise InputError(f"{source.path} holds no job_events", "name the folder artifacts/<ident> of one run")
        command = runner_artifacts.read_command(small_file(folder / "command"))
        run = RunFacts(lambda path: name_of(path, command.folder), knows_removed=False)
        keep, seen = _asked_for(source.wanted), set[str]()
        try:
            for path, content in runner_events(folder):
                event = _decode(content, str(path))
                created = _seconds(event.get("created") if isinstance(event, dict) else None)
                for ours in runner_artifacts.events_of(event, command, keep, seen):
                    run.feed({**ours, "created": created})
        except OSError as error:
            raise InputError(
                f"{folder / 'job_events'} cannot be read: {error.strerror}", "check the folder and its permissions"
            ) from error
        if not run.started:
            raise InputError(
                f"{folder / 'job_events'} holds no playbook_on_start event",
                "expected the events of an ansible-playbook run as ansible-runner leaves them",
            )
        status = (small_file(folder / "status") or b"").strip().decode("ascii", "replace")
        outcome = runner_artifacts.STATUS_OUTCOMES.get(status, "indeterminate")
        return [_collected("runner-artifacts", run, outcome)]


class JsonCallbackRecorder:
    """What `ansible-playbook` prints with ANSIBLE_STDOUT_CALLBACK=ansible.posix.json."""

    name: Final = "ansible-playbook JSON callback output"

    def detect(self, source: RecordSource) -> bool:
        """A JSON document with plays, tasks and stats, perhaps after some warnings."""
        if source.content is None or b'"plays"' not in source.content or b'"stats"' not in source.content:
            return False
        return json_callback.find_document(source.content) is not None

    def read(self, source: RecordSource) -> Sequence[Collected]:
        """The run's facts; the outcome is read from the statistics."""
        document = json_callback.find_document(source.content or b"")
        if document is None:
            raise InputError(
                f"{source.path} is no output of Ansible's json callback", 'expected an object with "plays" and "stats"'
            )
        run = RunFacts(lambda path: "" if path == "?" else name_of(path, ""), knows_removed=False)
        for event in json_callback.events_of(document, _asked_for(source.wanted)):
            run.feed(event)
        hosts = [host for playbook in run.facts()["playbooks"] for host in playbook["hosts"].values()]
        failed = any(host["failed"] or host["unreachable"] for host in hosts)
        missing = {} if json_callback.playbook_of(document) else {"playbook": "the output does not name its playbook"}
        return [_collected("json-callback", run, "failed" if failed else "succeeded", missing)]


class EventLinesRecorder:
    """The event lines of infratrack's own callback."""

    name: Final = "infratrack Ansible event lines"

    def detect(self, source: RecordSource) -> bool:
        """Whether the first line is our start event."""
        beginning = (source.content or b"")[:4096].split(b"\n", 1)[0]
        return beginning.startswith(b"{") and _EVENT_LINE in beginning.replace(b" ", b"")

    def read(self, source: RecordSource) -> Sequence[Collected]:
        """The run's facts; without closing statistics the outcome is indeterminate."""
        run = RunFacts(lambda path: name_of(path, ""))
        for event in decode_lines((source.content or b"").split(b"\n")):
            run.feed(event)
        if not run.started:
            raise InputError(f"{source.path} holds no playbook_on_start event", "the run never started a playbook")
        hosts = [host for playbook in run.facts()["playbooks"] for host in playbook["hosts"].values()]
        failed = any(host["failed"] or host["unreachable"] for host in hosts)
        outcome: Outcome = "failed" if failed else "succeeded"
        return [_collected("callback", run, outcome if run.complete else "indeterminate")]


def _collected(source: str, run: RunFacts, outcome: Outcome, missing: dict[str, str] | None = None) -> Collected:
    facts: dict[str, Any] = {"source": source, **run.facts(), **span_of(run)}
    told = dict(missing or {})
    if facts["checkMode"] is None:
        told["checkMode"] = _CHECK
    if source != "callback":
        told["taskNames"] = _NAMES
    if not run.complete:
        told["hosts"] = "the run ended before its closing statistics: what came of its hosts is not known"
    return Collected(
        predicate_type=ANSIBLE_RUN,
        result=facts,
        tool="ansible",
        tool_version=facts.get("ansibleVersion"),
        missing=told,
        outcome=outcome,
        dropped=DROPPED,
    )


def _asked_for(wanted: Wanted) -> Callable[[str], bool]:
    """Whether a criterion of the project names exactly this task."""
    names = {str(use.get("task")) for use in wanted.get("ansible.task_ok", ())}
    return lambda name: name in names


def _decode(content: bytes, path: str) -> Any:  # noqa: ANN401 -- decoded JSON of any shape
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{path} is not a whole JSON document", "was ansible-runner stopped, or the disk full?"
        ) from error


def _seconds(created: Any) -> float | None:  # noqa: ANN401 -- decoded JSON of any shape
    """An event's time (ISO 8601, UTC where no offset is given) in seconds since 1970; None where there is none."""
    try:
        return parse_instant(created) / 1_000_000 if isinstance(created, str) else None
    except InputError:
        return None
