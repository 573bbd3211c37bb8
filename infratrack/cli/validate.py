"""`infratrack validate`: everything that is wrong with the project file, or what it holds."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from infratrack.cli.options import format_option, project_option

if TYPE_CHECKING:
    from infratrack.plugin_manager import Plugins
    from infratrack.project.model import CriterionCall, Project
    from infratrack.project.problems import Problem

BAD_INPUT: Final = 2
_PLAIN_LEDGER: Final = re.compile(r"sqlite:///[A-Za-z0-9._/-]+")


@click.command(epilog="Example: infratrack validate --format json")
@project_option
@format_option("text", "json")
def validate(project: Path, output_format: str) -> None:
    """Check infratrack.yaml and the files it includes; list everything that is wrong.

    Each problem has a line of its own: file:line:column, what was found, what was expected and the nearest known name.
    Exit codes: 0 the project is valid, 2 it is not (or there is none).
    """
    from infratrack.plugin_manager import load_plugins  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.project.files import find_project_file  # noqa: PLC0415 -- likewise
    from infratrack.project.problems import ProjectProblems  # noqa: PLC0415 -- likewise

    file = find_project_file(project)
    try:
        found = _load(file, load_plugins())
    except ProjectProblems as wrong:
        _print_problems(wrong.problems, output_format)
        sys.exit(BAD_INPUT)
    _print_valid(found, output_format)


def _load(file: Path, plugins: Plugins) -> Project:
    """Load the project and bind every criterion once."""
    from infratrack.cli.plugin_schemas import plugin_schemas  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.project.bound import check_bound  # noqa: PLC0415 -- likewise
    from infratrack.project.files import load_project  # noqa: PLC0415 -- likewise

    project = load_project(file, plugin_schemas(plugins), plugins.broken)
    check_bound(project, file, _binder(project, file, plugins))
    if not _PLAIN_LEDGER.fullmatch(project.ledger):
        _check_ledger(project, file)
    if project.cmdb:
        _check_mappings(project, file, plugins)
    return project


def _check_mappings(project: Project, file: Path, plugins: Plugins) -> None:
    """Find what is wrong in the templates of records, and sources that nobody offers."""
    from infratrack.project.bound import told_each_at  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.reconciliation.mapping import mapping_problems  # noqa: PLC0415 -- likewise

    found = [
        (("cmdb", name, *problem.path), problem)
        for name, settings in project.cmdb.items()
        for problem in mapping_problems(settings, plugins.sources)
    ]
    if found:
        raise told_each_at(found, file)


def _check_ledger(project: Project, file: Path) -> None:
    from infratrack.errors import InputError  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.ledger.address import read_address  # noqa: PLC0415 -- slow: only an unusual address needs it
    from infratrack.project.bound import told_at  # noqa: PLC0415 -- `--help` loads nothing

    try:
        read_address(project.ledger)
    except InputError as error:
        raise told_at(error, file, ("ledger",)) from error


def _binder(project: Project, file: Path, plugins: Plugins) -> Any:  # noqa: ANN401 -- a Bind; its type would be an import
    from infratrack.errors import InfratrackError, InputError  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.progress.criterion import BindContext  # noqa: PLC0415 -- likewise
    from infratrack.project.bound import told_at  # noqa: PLC0415 -- likewise

    person_of_key = {}
    if project.key_files or any(person.keys for person in project.people):
        from infratrack.evidence.trust import trust_of  # noqa: PLC0415 -- cryptography, only where there are keys

        try:
            person_of_key = dict(trust_of(project).people)
        except InputError as error:
            raise told_at(error, file, ("people",)) from error

    def bind(call: CriterionCall, owner: str) -> None:
        try:
            plugins.criteria[call.name].bind(call.parameters, BindContext(owner, project.people, person_of_key))
        except InfratrackError as error:
            raise InputError(error.message, error.hint) from error
        except Exception as error:
            what = f"the plugin failed on these parameters ({type(error).__name__})"
            raise InputError(what, "parameters that its documentation shows") from error

    return bind


def _print_problems(problems: tuple[Problem, ...], output_format: str) -> None:
    if output_format == "json":
        import msgspec  # noqa: PLC0415 -- only needed here

        _print_json({"valid": False, "problems": msgspec.to_builtins(problems)})
        return
    for problem in problems:
        click.echo(str(problem))
    files = len({problem.file for problem in problems})
    click.echo(f"infratrack: {_count(len(problems), 'problem')} in {_count(files, 'file')}", err=True)


def _print_valid(project: Project, output_format: str) -> None:
    from infratrack.project.references import SINGULAR  # noqa: PLC0415 -- `--help` loads nothing

    kinds = ("tasks", "deliverables", "milestones", "phases", "pipelines", "people", "systems")
    counts = {kind: len(getattr(project, kind)) for kind in kinds}
    if output_format == "json":
        about = {"id": project.id, "name": project.name, "definition": project.definition.digest}
        _print_json({"valid": True, "project": about, "counts": counts, "problems": []})
        return
    always = ("tasks", "deliverables")
    told = [_count(n, SINGULAR[kind], kind) for kind, n in counts.items() if n or kind in always]
    click.echo(f"valid: {', '.join(told)}")


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _print_json(answer: object) -> None:
    import json  # noqa: PLC0415 -- only needed here

    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
