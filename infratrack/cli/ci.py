"""`infratrack ci`: writes a working pipeline into a repository."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from infratrack.cli.options import format_option, project_option

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace
    from infratrack.pipelines.init_advice import Advice
    from infratrack.pipelines.init_files import PipelineFile
    from infratrack.pipelines.init_setup import Work

SYSTEMS: Final = ("github", "gitlab", "jenkins", "azure", "atlantis")
WRITTEN, THERE, KEPT = "written", "there", "kept"
_LARGEST_FILE: Final = 1 << 20


@click.group(epilog="Example: infratrack ci init github")
def ci() -> None:
    """Let the pipelines of a CI system take part.

    A pipeline plans, applies, configures and observes through `infratrack run`, and tells what came of it.
    """


@ci.command(
    epilog="""\b
Examples:
  infratrack ci init github
  infratrack ci init gitlab --terraform network --playbook 'site.yml -i inventory.ini'"""
)
@click.argument("system", type=click.Choice(SYSTEMS))
@click.option("--terraform", "roots", metavar="FOLDER", multiple=True, help="A Terraform root to plan and apply.")
@click.option("--playbook", "playbooks", metavar="'FILE ARGUMENTS'", multiple=True, help="A playbook to run.")
@click.option(
    "--observe", "looks", metavar="'NAME TARGET'", multiple=True, help="What to observe.  [default: the roots]"
)
@click.option("--branch", metavar="NAME", help="The branch that is delivered.  [default: the remote's, else main]")
@click.option("--install", "requirement", metavar="SPEC", help="What pip installs.  [default: this version]")
@project_option
@format_option("text", "json")
def init(  # noqa: PLR0913, PLR0917 -- one parameter an option
    system: str,
    roots: tuple[str, ...],
    playbooks: tuple[str, ...],
    looks: tuple[str, ...],
    branch: str | None,
    requirement: str | None,
    project: Path,
    output_format: str,
) -> None:
    """Write a pipeline for SYSTEM into this repository: plan on a pull request, apply on merge, observe, report.

    What to build is what the project's own pipelines name, else the Terraform roots and playbooks that are found. Files
    that are there already stay as they are. Then it says which secrets to set.
    Exit codes: 0 written (or there already), 2 no valid project, nothing to build, or a name that fits in no pipeline,
    4 a file could not be written.
    """
    from infratrack import __version__  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.pipelines.init import pipeline_files  # noqa: PLC0415 -- likewise
    from infratrack.pipelines.init_advice import advice_for, keeps_state  # noqa: PLC0415 -- likewise
    from infratrack.pipelines.init_setup import Work, requirement_for, setup_of  # noqa: PLC0415 -- likewise
    from infratrack.project.protected_ref import WORKING_TREE  # noqa: PLC0415 -- likewise

    workspace = Workspace.open(project, environ={}, policy_ref=WORKING_TREE)  # what is left to do is left to do here
    repository = _repository(workspace.folder)
    found = _found(workspace)
    asked = Work(roots, playbooks, looks)
    work = asked if roots or playbooks else found
    setup = setup_of(
        asked,
        found,
        branch=branch or _default_branch(repository),
        project=workspace.folder.relative_to(repository).as_posix(),
        requirement=requirement if requirement is not None else requirement_for(__version__, work),
    )
    files = pipeline_files(system, setup)
    states = [_write(repository, file) for file in files]
    advice = advice_for(
        system,
        ledger=workspace.project.ledger,
        trusts_somebody=bool(workspace.trust.signers),
        stateless=[root for root in setup.roots if not keeps_state(_terraform_files(workspace.folder / root))],
        key_file=_key_file(),
    )
    if output_format == "json":
        _print_json(files, states, advice)
    else:
        _print_text(files, states, advice)


def _found(workspace: Workspace) -> Work:
    """What the project's pipelines do; where it declares none, what the plugins find in its folder."""
    from infratrack.pipelines.init_setup import work_of_steps  # noqa: PLC0415 -- see above

    declared = [(step.type, step.parameters) for one in workspace.project.pipelines for step in one.steps]
    if declared:
        return work_of_steps(declared)
    proposed = [one.pipeline for one in workspace.plugins.proposals(workspace.folder) if one.pipeline]
    return work_of_steps((kind, step[kind]) for one in proposed for step in one["steps"] for kind in step)


def _terraform_files(root: Path) -> list[str]:
    """What the files of a Terraform root say, as far as they can be read; of each no more than anybody writes."""
    texts = []
    for pattern in ("*.tf", "*.tofu", "*.tf.json", "*.tofu.json"):
        for path in sorted(one for one in root.glob(pattern) if one.is_file()):
            try:
                with path.open("rb") as file:
                    texts.append(file.read(_LARGEST_FILE).decode(errors="replace"))
            except OSError:
                continue
    return texts


def _key_file() -> str:
    """Where `infratrack key new ci` puts the private key on this machine, as a shell takes it."""
    from infratrack.errors import InputError  # noqa: PLC0415 -- see above
    from infratrack.evidence.key_store import home_folder  # noqa: PLC0415 -- likewise
    from infratrack.pipelines.init_advice import KEY_FILE  # noqa: PLC0415 -- likewise

    try:
        return shlex.quote(str(home_folder(os.environ) / "keys" / "ci.pem"))
    except InputError:
        return KEY_FILE


def _repository(folder: Path) -> Path:
    """The top folder of the Git repository that holds the project; the project's own folder where there is none."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _default_branch(repository: Path) -> str:
    """What the remote calls its default branch, as far as a clone knows; `main` otherwise."""
    from infratrack.pipelines.init_setup import DEFAULT_BRANCH  # noqa: PLC0415 -- see above

    prefix = "ref: refs/remotes/origin/"
    try:
        text = (repository / ".git" / "refs" / "remotes" / "origin" / "HEAD").read_text(encoding="utf-8")[:1_000]
    except (OSError, UnicodeDecodeError):
        return DEFAULT_BRANCH
    return text.strip().removeprefix(prefix) if text.startswith(prefix) else DEFAULT_BRANCH


def _write(repository: Path, file: PipelineFile) -> str:
    """Write one file, unless there is one of that name; what became of it."""
    from infratrack.cli.new_file import write_new  # noqa: PLC0415 -- only where something is written
    from infratrack.errors import InputError, Unreachable  # noqa: PLC0415 -- likewise

    path = repository / file.path
    if not path.parent.resolve().is_relative_to(repository):
        raise InputError(
            f"{file.path} would be written outside the repository", "a folder on its way is a symbolic link"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            return THERE if path.read_bytes() == file.text.encode() else KEPT
    except OSError as error:
        raise Unreachable(f"{path} cannot be written: {error.strerror}", "check the folder's permissions") from error
    write_new(path, file.text.encode())
    return WRITTEN


def _print_text(files: Sequence[PipelineFile], states: Sequence[str], advice: Advice) -> None:
    for file, state in zip(files, states, strict=True):
        if state == KEPT:
            click.echo(f"kept {file.path}: it is there already and differs")
        else:
            click.echo(f"wrote {file.path}" if state == WRITTEN else f"{file.path} is there already")
    for file, state in zip(files, states, strict=True):
        if file.entry and state == KEPT:
            click.echo(f"\nAdd this to {file.path}:\n\n{file.text}", nl=False)
    click.echo("\nSecrets to set:")
    for secret in advice.secrets:
        click.echo(f"  {secret.name}: {secret.what}\n    {secret.where}")
    click.echo("\nNext:")
    for step in advice.steps:
        click.echo(f"  {step}")


def _print_json(files: Sequence[PipelineFile], states: Sequence[str], advice: Advice) -> None:
    import msgspec  # noqa: PLC0415 -- only needed here

    rows = [{"path": file.path, "state": state} for file, state in zip(files, states, strict=True)]
    document = {"files": rows, "secrets": advice.secrets, "next": advice.steps}
    click.echo(msgspec.json.format(msgspec.json.encode(document)).decode())
