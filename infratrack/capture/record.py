"""`infratrack record`: what other systems left, in files, folders or behind an API → facts, by the plugins.

Everything is read before anything is signed, so that a bad file leaves nothing half-recorded.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from infratrack.errors import InfratrackError, InputError
from infratrack.hookspecs import Collected, JobContext, JobSystem, Recorder, RecordSource, Wanted
from infratrack.plugin_manager import PluginFailure, Plugins, guarded

LARGEST_FILE: Final = 512 << 20
DETECT_SECONDS: Final = 30.0
READ_SECONDS: Final = 300.0
JOB_SECONDS: Final = 900.0
STANDARD_INPUT: Final = Path("-")
_WORKSPACE: Final = re.compile(r"[A-Za-z0-9_.~$&+=:@-]{1,255}")
"""What Terraform takes: nothing that a URL would escape."""


class Understood(Struct, frozen=True):
    """What one source holds: by which recorder it was read, and the facts."""

    path: Path
    recorder: str
    collected: tuple[Collected, ...]


class Scope(Struct, frozen=True):
    """What sources are about: a folder relative to the project folder and, for Terraform, a workspace."""

    folder: str = "."
    workspace: str = "default"


def scope_named(directory: str | None, workspace: str | None, here: str) -> Scope:
    """The scope that a person named; `here` is the current folder. InputError for what can be no scope."""
    if directory is not None:
        folder = posixpath.normpath(directory)
        if not directory or not directory.isprintable() or folder.startswith(("/", "../")) or folder == "..":
            raise InputError(
                f"--directory {directory[:80]!r} is no folder of the project", "write it relative to the project folder"
            )
        here = folder
    if workspace is not None and not _WORKSPACE.fullmatch(workspace):
        raise InputError(
            f"--workspace {workspace[:80]!r} is no name of a Terraform workspace",
            "`terraform workspace show` tells the name",
        )
    return Scope(here, workspace or "default")


def read_sources(
    paths: Sequence[Path], plugins: Plugins, *, wanted: Wanted, scope: Scope, stdin: BinaryIO
) -> list[Understood]:
    """Read every source; InputError names the first that cannot be read or that no recorder understands."""
    return [_understood(_source(path, wanted, scope, stdin), plugins) for path in paths]


def read_job(system: JobSystem, context: JobContext) -> Understood:
    """The facts of a job. What the system raises for people passes through; InputError when the plugin fails."""
    try:
        found = tuple(guarded(lambda: system.read(context), JOB_SECONDS, f"reading the job from {system.name}"))
    except PluginFailure as failure:
        raise InputError(f"nothing was recorded: {failure}", "this is a fault of the plugin") from failure
    if not found or not all(isinstance(one, Collected) for one in found):
        raise InputError(f"{system.name} handed over no facts", "this is a fault of the plugin")
    return Understood(Path(f"{system.name} {context.job}"), f"{system.name} job", found)


def _source(path: Path, wanted: Wanted, scope: Scope, stdin: BinaryIO) -> RecordSource:
    if path == STANDARD_INPUT:
        content = _read(stdin, "standard input")
        return RecordSource(Path("standard input"), content, wanted, scope.folder, scope.workspace)
    try:
        if path.is_dir():
            return RecordSource(path, None, wanted, scope.folder, scope.workspace)
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) and not stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                raise InputError(
                    f"{path} is not a file or folder", "name what another system left, or - for its output"
                )
            return RecordSource(path, _read(file, str(path)), wanted, scope.folder, scope.workspace)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise InputError(f"{path} cannot be read: {reason}", "check the path") from error


def _read(file: BinaryIO, name: str) -> bytes:
    content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise InputError(f"{name} is larger than {LARGEST_FILE >> 20} MiB", "record a smaller part of it")
    return content


def _understood(source: RecordSource, plugins: Plugins) -> Understood:
    for name, recorder in plugins.recorders.items():
        if _detects(recorder, source, name):
            return Understood(source.path, name, _facts(recorder, source, name))
    known = "; ".join(sorted(plugins.recorders)) or "nothing: no plugin is installed"
    raise InputError(f"{source.path} holds nothing that infratrack understands", f"understood are: {known}")


def _detects(recorder: Recorder, source: RecordSource, name: str) -> bool:
    try:
        return bool(guarded(lambda: recorder.detect(source), DETECT_SECONDS, f"the recorder of {name}"))
    except (PluginFailure, InfratrackError):
        return False


def _facts(recorder: Recorder, source: RecordSource, name: str) -> tuple[Collected, ...]:
    try:
        found = tuple(guarded(lambda: recorder.read(source), READ_SECONDS, f"the recorder of {name}"))
    except PluginFailure as failure:
        raise InputError(
            f"{source.path} cannot be read as {name}: {failure}", "this is a fault of the plugin"
        ) from failure
    if not found or not all(isinstance(one, Collected) for one in found):
        raise InputError(f"{source.path} was taken for {name}, but holds no facts", "record what holds some")
    return found
