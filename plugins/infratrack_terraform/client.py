"""Calls Terraform's read-only commands: `show -json` and `state pull`, through a pipe and with a time limit.

What they print is full of secrets: it stays in memory, and nothing of it goes into a message.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

from msgspec import Struct

from infratrack.api import Digest
from infratrack_terraform.command_line import TOOLS, helper_environment
from infratrack_terraform.plan_file import LARGEST_FILE, PlanFile, describe_plan_file

BINARY_HINT: Final = "install Terraform or OpenTofu, or: pip install 'infratrack[terraform-binary]'"


class Unread(Exception):
    """A fact could not be read; the text says why, and holds no secret."""


class Terraform(Struct, frozen=True):
    """Where and how Terraform is called: `folder` is where the command ran, `chdir` its -chdir."""

    tool: str
    folder: Path
    environment: Mapping[str, str]
    chdir: str | None = None

    @property
    def root(self) -> Path:
        """The root module's folder."""
        return self.folder / self.chdir if self.chdir else self.folder

    @property
    def data_folder(self) -> Path:
        """Where `init` puts what it fetched."""
        return self.root / self.environment.get("TF_DATA_DIR", ".terraform")

    def workspace(self) -> str:
        """The workspace that is chosen by the environment or by `workspace select`."""
        chosen = self.environment.get("TF_WORKSPACE", "").strip()
        if chosen:
            return chosen
        with contextlib.suppress(OSError, UnicodeError):
            chosen = (self.data_folder / "environment").read_bytes()[:256].decode().strip()
        return chosen or "default"

    def plan_file(self, name: str) -> tuple[PlanFile, bytes]:
        """What a saved plan says of itself, and its bytes. Raises Unread."""
        try:
            content = self._read(name)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "it is no file"
            raise Unread(f"the plan file {PurePath(name).name[:80]} cannot be read: {reason}") from None
        return describe_plan_file(content), content

    def same_plan(self, name: str, digest: Digest) -> None:
        """Raises Unread unless the bytes of a saved plan are still those of `digest`."""
        if self.plan_file(name)[0].digest != digest:
            raise Unread("the plan file was replaced while the command ran")

    def show_plan(self, name: str, seconds: float) -> bytes:
        """`terraform show -json` of a saved plan. Raises Unread."""
        return self.call(["show", "-json", "-no-color", name], "terraform show -json of the plan", seconds)

    def show_state(self, seconds: float) -> bytes:
        """`terraform show -json` of the state. Raises Unread."""
        return self.call(["show", "-json", "-no-color"], "terraform show -json of the state", seconds)

    def pull_state(self, seconds: float) -> bytes:
        """`terraform state pull`: the raw state, empty when there is none yet. Raises Unread."""
        return self.call(["state", "pull"], "terraform state pull", seconds)

    def state_file(self, name: str) -> bytes:
        """A state file that the command line names (-state); empty when there is none yet. Raises Unread."""
        try:
            return self._read(name)
        except FileNotFoundError:
            return b""
        except OSError:
            raise Unread(f"the state file {PurePath(name).name[:80]} cannot be read") from None

    def _read(self, name: str) -> bytes:
        """A file that the command line names; OSError for what is no file, or too large to be one of Terraform's."""
        path = self.root / name
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_FILE:
                raise OSError(0, "no file")
            return path.read_bytes()
        except ValueError as error:  # a null byte in the name
            raise OSError(0, "no file name") from error

    def call(self, arguments: Sequence[str], what: str, seconds: float) -> bytes:
        """Standard output of a read-only call. Raises Unread when it fails or takes too long."""
        options = [f"-chdir={self.chdir}"] if self.chdir else []
        try:
            process = subprocess.Popen(
                [self.tool, *options, *arguments],
                cwd=self.folder,
                env=helper_environment(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError):
            raise Unread(f"{what} could not be started") from None
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Unread(f"{what} took longer than {seconds:.0f} s") from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        if process.returncode:
            raise Unread(f"{what} ended with exit code {process.returncode}")
        return output


def find_tool(environment: Mapping[str, str], folder: Path, typed: str | None = None) -> str | None:
    """The Terraform or OpenTofu that was typed, else the first on PATH; None where there is none."""
    search = environment.get("PATH", os.defpath)
    if typed is not None and PurePath(typed).name in TOOLS:
        found = str(folder / typed) if os.sep in typed else shutil.which(typed, path=search)
        if found:
            return found
    return next((found for name in ("terraform", "tofu") if (found := shutil.which(name, path=search))), None)
