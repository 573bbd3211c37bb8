"""The text of a small project to begin with: commented for people, and valid as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml
import yaml_rs
from msgspec import Struct

LINE_AT_MOST: Final = 110
TASK: Final = "build"

_HEAD: Final = """\
# What this project has promised, and what proves each part of it. `infratrack validate` checks this file,
# `infratrack status` computes the state from it and from the evidence that your pipelines leave.
infratrack: 1

{project}

# Where the evidence is kept: a file beside this one, left out of Git.
ledger: sqlite:///.infratrack/ledger.db

"""
_TRUSTED: Final = """\
# Evidence counts only when one of these keys signed it. `infratrack key new NAME` makes one for a pipeline,
# `infratrack key export NAME > keys/NAME.pub` writes its public half.
{trust}
"""
_NO_TRUST: Final = """\
# Evidence counts only when a key that stands here signed it. `infratrack key new NAME` makes a key,
# `infratrack key export NAME > keys/NAME.pub` writes its public half; then take the # away.
# trust:
#   signers:
#     - {name: NAME, key: keys/NAME.pub}

"""
_TASKS: Final = """\
# The work. A duration is working time (3d, 2w, 4h); `depends` names the tasks that come first.
"""
_DELIVERABLES: Final = """\
# What is handed over. Each deliverable is complete when the evidence meets its `done_when`: criteria, combined
# with `all`, `any`, `not` and `at_least`. `infratrack schema` describes every criterion.
deliverables:
"""
_PIPELINES: Final = """\
# What `infratrack deliver NAME` runs. Commands that you type or your CI runs need no pipeline:
# put `infratrack run --` in front of them.
pipelines:
"""


class Suggestion(Struct, frozen=True):
    """A deliverable (and perhaps a pipeline) to put into the file, with the reason for it."""

    comment: str
    deliverable: Mapping[str, Any]
    pipeline: Mapping[str, Any] | None = None


FIRST: Final = Suggestion(
    "The smallest thing that can be proved: a command that succeeded. Put your own here.",
    {"id": "first-run", "name": "A first run is on record", "done_when": {"command.succeeded": {"command": "echo *"}}},
)


def starter_text(
    project: Mapping[str, str], signer: Mapping[str, str] | None, suggestions: Sequence[Suggestion]
) -> str:
    """The text of a project file; `project` holds `id`, `name` and `start`. Without suggestions FIRST is used."""
    chosen = suggestions or (FIRST,)
    trust = _TRUSTED.format(trust=_yaml({"trust": {"signers": [dict(signer)]}})) if signer else _NO_TRUST
    names = [str(one.deliverable.get("id")) for one in chosen]
    tasks = {"tasks": [{"id": TASK, "name": "Build it", "duration": "5d", "deliverables": names}]}
    text = _HEAD.format(project=_yaml({"project": dict(project)}).rstrip()) + trust
    text += f"{_TASKS}{_yaml(tasks)}\n{_DELIVERABLES}"
    text += "\n".join(_commented(one.comment) + _item(one.deliverable) for one in chosen)
    pipelines = [one.pipeline for one in chosen if one.pipeline is not None]
    if pipelines:
        text += f"\n{_PIPELINES}" + "".join(_item(pipeline) for pipeline in pipelines)
    return text


def _commented(comment: str) -> str:
    words = "".join(one if one.isprintable() else " " for one in comment)
    return f"  # {words[: LINE_AT_MOST - 4]}\n"


def _item(value: Mapping[str, Any]) -> str:
    """One entry of a list, two columns in."""
    return "".join(f"  {line}\n" for line in _yaml([_plain(value)]).splitlines())


def _yaml(value: Any) -> str:  # noqa: ANN401 -- anything that YAML can hold
    """YAML as a person would write it; more quotes where our reader would otherwise take a text for a number."""
    text = _dumped(value, None)
    return text if yaml_rs.loads(text, parse_datetime=False) == value else _dumped(value, '"')


def _dumped(value: Any, quotes: str | None) -> str:  # noqa: ANN401 -- likewise
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=LINE_AT_MOST,
        default_flow_style=None,
        default_style=quotes,
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Lists stand two columns in, and dates need no quotes: in a project file they are text."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002 -- PyYAML's own signature
        """Never without indentation."""
        super().increase_indent(flow, False)  # noqa: FBT003 -- PyYAML's own signature


_Dumper.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
}


def _plain(value: Any) -> Any:  # noqa: ANN401 -- anything that a plugin proposes
    """Plain dicts and lists, as YAML is written from."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
