"""The files of a pipeline, made of templates and a setup. Pure.

A template is text with `@@{name}`: `$` belongs to shells and to the CI systems' own languages.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from infratrack.pipelines.init_setup import Setup


class PipelineFile(Struct, frozen=True):
    """One file to write: its path relative to the repository, its text, and whether CI starts with it."""

    path: str
    text: str
    entry: bool = False
    """The CI system reads this file first; where a repository has one already, it has to take ours in."""


class _Template(string.Template):
    delimiter = "@@"


def github_files(setup: Setup, templates: Mapping[str, str]) -> list[PipelineFile]:
    """A composite action, the reusable workflow that uses it, and the workflow that calls that one."""
    work = _block("project", [] if setup.project == "." else [setup.project], 6, lines=False)
    work += _block("terraform", setup.roots, 6) + _block("playbooks", setup.playbooks, 6)
    work += _block("observe", setup.looks, 6)
    texts = {"branch": setup.branch, "requirement": setup.requirement, "work": work.rstrip("\n")}
    return [
        PipelineFile(".github/actions/infratrack/action.yml", _filled(templates["action.yml"], texts)),
        PipelineFile(".github/workflows/infratrack-delivery.yml", _filled(templates["infratrack-delivery.yml"], texts)),
        PipelineFile(".github/workflows/infratrack.yml", _filled(templates["infratrack.yml"], texts), entry=True),
    ]


def gitlab_files(setup: Setup, templates: Mapping[str, str]) -> list[PipelineFile]:
    """A component, and the file that includes it."""
    inputs = {
        "project": "" if setup.project == "." else setup.project,
        "terraform": "; ".join(setup.roots),
        "playbooks": "; ".join(setup.playbooks),
        "observe": "; ".join(setup.looks),
    }
    work = "\n".join(f'      {name}: "{value}"' for name, value in inputs.items() if value)
    texts = {"requirement": setup.requirement, "work": work}
    return [
        PipelineFile(".gitlab/infratrack.yml", _filled(templates["component.yml"], texts)),
        PipelineFile(".gitlab-ci.yml", _filled(templates["gitlab-ci.yml"], texts), entry=True),
    ]


def jenkins_files(setup: Setup, templates: Mapping[str, str]) -> list[PipelineFile]:
    """A declarative Jenkinsfile."""
    texts = _plain(setup) | {
        "plan": _lines(_plan(setup), 12),
        "deliver": _lines(_deliver(setup), 14),
        "observe": _lines(_observe(setup), 14),
    }
    return [PipelineFile("Jenkinsfile", _filled(templates["Jenkinsfile"], texts), entry=True)]


def azure_files(setup: Setup, templates: Mapping[str, str]) -> list[PipelineFile]:
    """A pipeline, and the steps at the beginning and at the end of each of its jobs."""
    texts = _plain(setup) | {
        "plan": _lines(_plan(setup), 14),
        "deliver": _lines(_deliver(setup), 20),
        "observe": _lines(_observe(setup), 14),
    }
    return [
        PipelineFile(".azure/infratrack-setup.yml", _filled(templates["setup.yml"], texts)),
        PipelineFile(".azure/infratrack-report.yml", _filled(templates["report.yml"], texts)),
        PipelineFile("azure-pipelines.yml", _filled(templates["azure-pipelines.yml"], texts), entry=True),
    ]


def atlantis_files(setup: Setup, templates: Mapping[str, str]) -> list[PipelineFile]:
    """Which roots there are, for the repository; how they are built, for the server."""
    projects = "\n".join(
        f"  - dir: {_joined(setup.project, root)}\n    workflow: infratrack\n    autoplan:\n      enabled: true"
        for root in setup.roots
    )
    texts = _plain(setup) | {"projects": projects}
    return [
        PipelineFile("atlantis.yaml", _filled(templates["atlantis.yaml"], texts), entry=True),
        PipelineFile(".atlantis/repos.yaml", _filled(templates["repos.yaml"], texts)),
    ]


SYSTEMS: Final[Mapping[str, Callable[[Setup, Mapping[str, str]], list[PipelineFile]]]] = {
    "github": github_files,
    "gitlab": gitlab_files,
    "jenkins": jenkins_files,
    "azure": azure_files,
    "atlantis": atlantis_files,
}
"""The CI systems that there are templates for, each with what makes its files of a setup and its templates by name."""


def _plain(setup: Setup) -> dict[str, str]:
    return {"branch": setup.branch, "project": setup.project, "requirement": setup.requirement}


def _plan(setup: Setup) -> list[str]:
    """The shell commands that initialise and plan every root."""
    return [
        command
        for root in setup.roots
        for command in (
            f"terraform -chdir={root} init -input=false",
            f"infratrack run -- terraform -chdir={root} plan -input=false -out=tfplan",
        )
    ]


def _deliver(setup: Setup) -> list[str]:
    """The shell commands that plan and apply every root, configure, and look at what came of it."""
    return [
        *_plan(setup),
        "# A gate goes here: a command that fails when nothing may be applied now.",
        *(f"infratrack run -- terraform -chdir={root} apply -input=false tfplan" for root in setup.roots),
        *(f"infratrack run -- ansible-playbook {playbook}" for playbook in setup.playbooks),
        *(f"infratrack observe {look}" for look in setup.looks),
    ]


def _observe(setup: Setup) -> list[str]:
    """The shell commands that look for what changed."""
    return [
        *(f"terraform -chdir={root} init -input=false" for root in setup.roots),
        *(f"infratrack observe {look}" for look in setup.looks),
        *([] if setup.looks else ["infratrack status"]),
    ]


def _lines(commands: Sequence[str], columns: int) -> str:
    return "\n".join(" " * columns + command for command in commands)


def _block(name: str, values: Sequence[str], columns: int, *, lines: bool = True) -> str:
    """`name: |` and a value a line, or `name: value`; nothing without values."""
    if not values:
        return ""
    pad = " " * columns
    return f"{pad}{name}: |\n{_lines(values, columns + 2)}\n" if lines else f"{pad}{name}: {values[0]}\n"


def _joined(folder: str, inner: str) -> str:
    return "/".join(part for part in (folder, inner) if part != ".") or "."


def _filled(template: str, texts: Mapping[str, str]) -> str:
    return _Template(template).substitute(texts)
