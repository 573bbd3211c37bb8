"""The pipeline step `ansible.playbook`: runs a playbook through ansible-runner and follows it with our callback.

Ansible-runner by itself writes task results and the whole environment to disk, so it is held on a short lead: no
settings or variable files, event data left out (the facts come from our callback instead), no output file, and the
`command` file is a pipe that nobody keeps. It runs in a folder of its own inside the step's scratch folder.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import shlex
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from infratrack.api import Collected, InputError, Outcome, StepContext, StepEnd, parse_duration
from infratrack_ansible.collector import callback_environment, collected, unseen_run
from infratrack_ansible.command_line import parse_arguments, secret_values
from infratrack_ansible.events import RunFacts, decode_lines
from infratrack_ansible.files import read_lines
from infratrack_ansible.live import LiveEvents
from infratrack_ansible.playbook_paths import name_of
from infratrack_ansible.step_schema import SCHEMA, inventories, options, told_argv

STOPPED: Final = 254
"""What ansible-runner returns after a timeout or a cancel: only the process group was killed."""
NOT_FOUND: Final = 127
SECOND: Final = 1_000_000


class AnsiblePlaybook:
    """Runs one playbook; leaves the same evidence as `infratrack run -- ansible-playbook` does."""

    name: Final = "ansible.playbook"
    schema: Final = SCHEMA

    def unseen(self, context: StepContext) -> Collected:
        """Should nobody see the end: that this playbook ran; which hosts it reached is not known."""
        argv = told_argv(context.parameters)
        path = name_of(posixpath.join(context.parameters.get("directory", "."), argv[-1]), "")
        return unseen_run([path], parse_arguments(argv[1:]), secrets=_secrets(context.parameters))

    def run(self, context: StepContext) -> StepEnd:
        """Run the playbook to its end. A folder or playbook that is not there is an InputError."""
        parameters = context.parameters
        directory = _inside(context.folder, parameters.get("directory", "."))
        if not (directory / parameters["playbook"]).is_file():
            raise InputError(
                f"playbook {parameters['playbook']!r} is not a file in {directory}",
                "paths in a step are relative to its directory",
            )
        argv = told_argv(parameters)
        private = Path(tempfile.mkdtemp(prefix="ansible-", dir=context.scratch))
        try:
            events = private / "events.jsonl"
            live = LiveEvents(events, context.report, lambda path: name_of(path, str(context.folder.resolve())))
            status, code = _play(context, directory, private, live)
            run = RunFacts(lambda path: name_of(path, str(context.folder.resolve())))
            for event in decode_lines(read_lines(events)):
                run.feed(event)
        finally:
            shutil.rmtree(private, ignore_errors=True)
        outcome, message = _ending(status, code, run, argv[-1])
        facts = collected(run, parse_arguments(argv[1:]), secrets=_secrets(parameters))
        return StepEnd(code, outcome, argv, facts, message)


def _secrets(parameters: Mapping[str, Any]) -> frozenset[str]:
    """The values of extra variables whose name sounds secret."""
    extra_vars = parameters.get("extra_vars", {})
    return frozenset[str]().union(*(secret_values(name, value) for name, value in extra_vars.items()))


def _play(context: StepContext, directory: Path, private: Path, live: LiveEvents) -> tuple[str, int]:
    """Run ansible-runner; its status and code."""
    try:
        from ansible_runner import Runner, RunnerConfig  # noqa: PLC0415 -- only this step needs it
    except ImportError as error:
        raise InputError(
            "the step ansible.playbook needs ansible-runner", "pip install 'infratrack[ansible]'"
        ) from error

    program = _program(context.environment)
    if program is None:
        context.report("ansible-playbook: command not found")
        return "failed", NOT_FOUND
    environment = {**context.environment, **callback_environment(live.path, context.environment, directory)}
    config = _config(RunnerConfig, context.parameters, directory, private, environment)
    config.prepare()
    config.command[0] = program
    config.suppress_output_file = True  # prepare() forgets `settings` where there is no settings file
    config.suppress_ansible_output = True
    config.pexpect_timeout = 1  # seconds between two looks at the cancel
    for name in set(os.environ) - set(environment):  # prepare() starts from our own environment, not the step's
        if config.env.get(name) == os.environ[name]:
            del config.env[name]
    canceled = live.with_progress(context.canceled)
    with _kept_by_nobody(Path(config.artifact_dir) / "command"):
        runner = Runner(config, event_handler=live.handle, cancel_callback=canceled)
        status, code = runner.run()
    live.follow()
    return str(status), int(code if code is not None else STOPPED)


def _config(
    runner_config: Any,  # noqa: ANN401 -- ansible-runner ships no types
    parameters: Mapping[str, Any],
    directory: Path,
    private: Path,
    environment: Mapping[str, str],
) -> Any:  # noqa: ANN401 -- likewise
    timeout = parse_duration(parameters["timeout"]) // SECOND if "timeout" in parameters else None
    found = [
        str(directory / inventory) if (directory / inventory).exists() else inventory
        for inventory in inventories(parameters)
    ]
    return runner_config(
        private_data_dir=str(private),
        project_dir=str(directory),
        ident="run",
        playbook=parameters["playbook"],
        inventory=found or None,
        limit=parameters.get("limit"),
        tags=",".join(parameters.get("tags", [])) or None,
        skip_tags=",".join(parameters.get("skip_tags", [])) or None,
        extravars=parameters.get("extra_vars"),
        verbosity=parameters.get("verbosity"),
        cmdline=shlex.join(options(parameters)) or None,
        envvars=dict(environment),
        timeout=max(1, timeout) if timeout is not None else None,
        suppress_env_files=True,
        omit_event_data=True,
        quiet=True,
    )


def _ending(status: str, code: int, run: RunFacts, playbook: str) -> tuple[Outcome, str]:
    """The outcome, and why it is not success. A run without closing statistics is never a success."""
    if status in ("timeout", "canceled"):
        reason = "ran out of time" if status == "timeout" else "was canceled"
        return "indeterminate", f"{playbook} {reason} and was killed: nobody knows how far its hosts got"
    if code == NOT_FOUND and not run.started:
        return "failed", "ansible-playbook was not found on PATH"
    if code != 0:
        return "failed", f"ansible-playbook {playbook} ended with exit code {code}"
    if not run.started or not run.complete:
        return "indeterminate", f"ansible-playbook {playbook} ended without its closing statistics"
    return "succeeded", ""


def _program(environment: Mapping[str, str]) -> str | None:
    """`ansible-playbook` on the step's PATH, else the one installed beside infratrack."""
    beside = Path(sys.executable).parent
    return shutil.which("ansible-playbook", path=environment.get("PATH")) or shutil.which(
        "ansible-playbook", path=str(beside)
    )


@contextlib.contextmanager
def _kept_by_nobody(path: Path) -> Iterator[None]:
    """Make a file that ansible-runner insists on writing a pipe, and read it empty: it holds the whole environment."""
    os.mkfifo(path, 0o600)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    ended = threading.Event()

    def drain() -> None:
        while not ended.is_set():
            try:
                if not os.read(reading, 1 << 16):
                    ended.wait(0.02)
            except BlockingIOError:
                ended.wait(0.02)

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        os.close(reading)


def _inside(folder: Path, directory: str) -> Path:
    root = folder.resolve()
    try:
        found = (root / directory).resolve()
        inside = found.is_relative_to(root) and found.is_dir()
    except (OSError, RuntimeError, ValueError):
        inside = False
    if not inside:
        raise InputError(f"step directory {directory[:80]!r} is not a folder inside the project", f"looked in {root}")
    return found
