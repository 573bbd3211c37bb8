"""What this plugin reads from disk: the ansible.cfg that counts, event lines, the folder of an ansible-runner run."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

CALLBACK_FOLDER: Final = Path(__file__).parent / "callback"
LARGEST_CONFIGURATION: Final = 1 << 20
LONGEST_LINE: Final = 1 << 24
LARGEST_EVENT: Final = 1 << 26
LARGEST_SMALL_FILE: Final = 1 << 20


def find_ansible_cfg(environment: Mapping[str, str], cwd: Path) -> tuple[str, str] | None:
    """Path and text of the configuration file that Ansible would take here; None where there is none.

    ANSIBLE_CONFIG, ./ansible.cfg unless the folder is writable by everybody, ~/.ansible.cfg, /etc/ansible/ansible.cfg:
    the first that can be read.
    """
    candidates: list[Path] = []
    named = environment.get("ANSIBLE_CONFIG")
    if named is not None:
        path = cwd / os.path.expandvars(named.replace("~", str(home(environment)), 1) if named[:1] == "~" else named)
        candidates.append(path / "ansible.cfg" if path.is_dir() else path)
    if not _writable_by_everybody(cwd):
        candidates.append(cwd / "ansible.cfg")
    candidates += [home(environment) / ".ansible.cfg", Path("/etc/ansible/ansible.cfg")]
    for candidate in candidates:
        try:
            with candidate.open("rb") as file:
                content = file.read(LARGEST_CONFIGURATION)
        except (OSError, ValueError):
            continue
        return str(candidate), content.decode("utf-8", "replace")
    return None


def home(environment: Mapping[str, str]) -> Path:
    """The home folder that the command will see."""
    named = environment.get("HOME")
    return Path(named) if named else Path("~").expanduser()


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of an event file; a file that is not there has none."""
    try:
        with path.open("rb") as file:
            while line := file.readline(LONGEST_LINE):
                yield line
    except OSError:
        return


def runner_folder(path: Path) -> Path | None:
    """The artifact folder of one ansible-runner run: this one, or the only run below it (`artifacts/<ident>`)."""
    if (path / "job_events").is_dir():
        return path
    try:
        base = path / "artifacts" if (path / "artifacts").is_dir() else path
        runs = [folder for folder in sorted(base.iterdir()) if (folder / "job_events").is_dir()]
    except OSError:
        return None
    return runs[0] if len(runs) == 1 else None


def runner_events(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every whole event of a run, in the order of its counter, with the file it stands in."""
    numbered = []
    for path in (folder / "job_events").iterdir():
        number, _, rest = path.name.partition("-")
        if number.isdigit() and len(number) < 12 and rest.endswith(".json") and not rest.endswith("-partial.json"):  # noqa: PLR2004
            numbered.append((int(number), path))
    for _number, path in sorted(numbered):
        with path.open("rb") as file:
            yield path, file.read(LARGEST_EVENT)


def small_file(path: Path) -> bytes | None:
    """The content of a small file; None where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_SMALL_FILE)
    except OSError:
        return None


def _writable_by_everybody(folder: Path) -> bool:
    try:
        return bool(folder.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return True
