"""`infratrack init`: a small working project to begin with."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from infratrack.errors import InfratrackError, InputError

if TYPE_CHECKING:
    from infratrack.evidence.key_store import NamedKey
    from infratrack.project.schema import PluginSchemas
    from infratrack.project.starter import Suggestion

PROPOSALS_AT_MOST: Final = 20
_IGNORED: Final = ".infratrack/"
_NOT_IN_AN_ID: Final = re.compile(r"[^A-Za-z0-9._-]+")


@click.command(epilog="Example: infratrack init --id dc-west --name 'West data-centre refresh'")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--id", "project_id", metavar="ID", help="The project's id.  [default: made from the folder's name]")
@click.option("--name", metavar="NAME", help="What people call the project.  [default: the id]")
def init(folder: Path, project_id: str | None, name: str | None) -> None:
    """Write a small working project into FOLDER (this folder, if none is named).

    Where Terraform or Ansible files are found, deliverables are proposed for them. Nothing is ever overwritten. If
    this machine has no signing key yet, one is made, and the project trusts it.
    Exit codes: 0 written, 2 there is a project already or something in the way, 4 it could not be written.
    """
    from infratrack.cli.new_file import write_new  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.cli.plugin_schemas import plugin_schemas  # noqa: PLC0415 -- likewise
    from infratrack.plugin_manager import load_plugins  # noqa: PLC0415 -- likewise
    from infratrack.project.check import text_is_valid  # noqa: PLC0415 -- likewise
    from infratrack.project.files import PROJECT_FILE, load_project  # noqa: PLC0415 -- likewise
    from infratrack.project.starter import starter_text  # noqa: PLC0415 -- likewise

    folder = _folder(folder)
    file = folder / PROJECT_FILE
    if os.path.lexists(file):
        raise InputError(f"{file} is there already", "`infratrack validate` checks it; init never overwrites")
    about = _about(folder, project_id, name)
    plugins = load_plugins()
    known = plugin_schemas(plugins)
    chosen = _suggestions(about, plugins.proposals(folder), known)
    signer = _trusted_signer(folder)
    text = starter_text(about, signer, chosen)
    if not text_is_valid(text, known):
        raise InputError("no project could be made from what the plugins offer", "reinstall infratrack, or see above")
    write_new(file, text.encode())
    ignored = _leave_out_of_git(folder)
    load_project(file, known, plugins.broken)
    click.echo(f"wrote {file}")
    if signer:
        click.echo(f"wrote {folder / signer['key']}, the public half of this machine's key {signer['name']!r}")
    if ignored:
        click.echo(f"added {_IGNORED} to {ignored}")
    for suggestion in chosen:
        click.echo(f"proposed {suggestion.deliverable['id']}: {suggestion.comment}")
    _say_what_next(folder, chosen)


def _folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder", "make it first, or name another")
    try:
        return folder.resolve()
    except OSError as error:
        raise InputError(f"{folder} cannot be looked up: {error.strerror}", "name another folder") from error


def _about(folder: Path, project_id: str | None, name: str | None) -> dict[str, str]:
    """`project:` of the new file. What the user gave is checked, what is made up fits."""
    from infratrack.capture.clock import now  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.values import IDENTIFIER_PATTERN, format_instant  # noqa: PLC0415 -- likewise

    made_up = _NOT_IN_AN_ID.sub("-", folder.name).strip("-._")[:100] or "project"
    chosen = made_up if project_id is None else project_id
    if not re.fullmatch(IDENTIFIER_PATTERN.strip("^$"), chosen):
        raise InputError(f"{chosen[:80]!r} cannot be an id", "use letters, digits, dots, dashes and underscores")
    title = (chosen if name is None else name).strip()
    if not title or len(title) > 500 or not title.isprintable():  # noqa: PLR2004 -- as the schema says
        raise InputError(f"{title[:80]!r} cannot be a name", "use one line of text, 500 characters at most")
    return {"id": chosen, "name": title, "start": format_instant(now())[:10]}


def _suggestions(about: Mapping[str, str], proposals: Sequence[Any], known: PluginSchemas) -> list[Suggestion]:
    """The proposals that fit into a valid project; one that does not fit is a plugin's mistake and is left out."""
    from infratrack.cli.messages import say  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.project.check import text_is_valid  # noqa: PLC0415 -- likewise
    from infratrack.project.starter import Suggestion, starter_text  # noqa: PLC0415 -- likewise

    chosen: list[Suggestion] = []
    for proposal in proposals[:PROPOSALS_AT_MOST]:
        try:
            one = Suggestion(str(proposal.comment), proposal.deliverable, proposal.pipeline)
            fits = text_is_valid(starter_text(about, None, [*chosen, one]), known)
        except Exception as error:  # noqa: BLE001 -- whatever a plugin hands over must not keep a project from beginning
            fits = False
            say(f"a plugin's proposal cannot be used ({type(error).__name__})")
        if fits:
            chosen.append(one)
    if len(proposals) > PROPOSALS_AT_MOST:
        say(f"{len(proposals) - PROPOSALS_AT_MOST} more deliverables could be proposed; the file has the first ones")
    return chosen


def _trusted_signer(folder: Path) -> dict[str, str] | None:
    """The signer to trust: this machine's only key, made if there is none. None where that does not work out."""
    from infratrack.cli.messages import say  # noqa: PLC0415 -- `--help` loads nothing
    from infratrack.cli.new_file import write_new  # noqa: PLC0415 -- likewise

    try:
        key = _machine_key()
        if key is None:
            say("this machine has several keys: name those that you trust under `trust` in the file")
            return None
        path = folder / "keys" / f"{key.name}.pub"
        path.parent.mkdir(exist_ok=True)
        content = key.key.public_pem.encode()
        if not (path.is_file() and path.read_bytes() == content):
            write_new(path, content)
    except (InfratrackError, OSError) as error:
        reason = error.message if isinstance(error, InfratrackError) else error.strerror
        say(f"no key was written ({reason}); name one under `trust` in the file")
        return None
    return {"name": key.name, "key": f"keys/{key.name}.pub"}


def _machine_key() -> NamedKey | None:
    from infratrack.capture.workspace import FIRST_KEY  # noqa: PLC0415 -- `--help` loads no cryptography
    from infratrack.evidence.key_store import (  # noqa: PLC0415 -- likewise
        KeyStore,
        home_folder,
        key_from_environment,
    )

    given = key_from_environment(os.environ)
    if given:
        return given
    store = KeyStore(home_folder(os.environ))
    names = store.names()
    if len(names) > 1:
        return None
    return store.load(names[0]) if names else store.create(FIRST_KEY)


def _leave_out_of_git(folder: Path) -> Path | None:
    """Add our folder to .gitignore where Git is used; returns the file if it was changed."""
    from infratrack.cli.messages import say  # noqa: PLC0415 -- `--help` loads nothing

    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return None
    file = folder / ".gitignore"
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if {_IGNORED, _IGNORED.rstrip("/"), f"/{_IGNORED}"} & {line.strip() for line in text.splitlines()}:
            return None
        with file.open("a", encoding="utf-8") as appended:
            appended.write(("" if not text or text.endswith("\n") else "\n") + _IGNORED + "\n")
    except (OSError, UnicodeDecodeError):
        say(f"{file} could not be changed; leave {_IGNORED} out of Git yourself")
        return None
    return file


def _say_what_next(folder: Path, chosen: Sequence[Suggestion]) -> None:
    pipelines = [one.pipeline["id"] for one in chosen if one.pipeline is not None]
    middle = f"infratrack deliver {pipelines[0]}" if pipelines else "infratrack run -- echo it works"
    click.echo("\nNext, type:" if folder == Path.cwd() else f"\nNext, in {folder}, type:")
    for command in ("infratrack validate", middle, "infratrack status"):
        click.echo(f"  {command}")
