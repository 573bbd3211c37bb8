"""What it costs to follow an ansible-playbook: bare, with our callback, and with ARA's, interleaved in one run.

The figures are CPU seconds of the whole process tree (this machine's other work disturbs elapsed time more). ARA is
used here only: it is installed into a virtual environment of its own, and where that cannot be done the note says so.
Enlarge HOSTS, TASKS and ROUNDS for a closer look: 40 hosts × 50 tasks take a minute a run.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.benchmarks.measure import Measure

HOSTS: Final = 10
TASKS: Final = 20
ROUNDS: Final = 7
BAR: Final = 1.05
"""At most 5 % over the bare run."""
ARA: Final = "ara[server]>=1.7"
INSTALL_SECONDS: Final = 240


def measure() -> Iterable[Measure]:
    """Ours against the bare run, and ours against ARA's, from the same interleaved rounds."""
    from infratrack_ansible.collector import callback_environment

    with tempfile.TemporaryDirectory(prefix="infratrack-bench-") as name:
        folder = Path(name)
        _write_playbook(folder)
        bare = _environment(folder)
        events = folder / "events.jsonl"
        runs: dict[str, Callable[[], float]] = {
            "bare": lambda: _cpu_seconds(folder, sys.executable, bare),
            "ours": lambda: _cpu_seconds(
                folder, sys.executable, {**bare, **callback_environment(events, bare, folder)}
            ),
        }
        ara, note = _install_ara(folder / "ara")
        if ara is not None:
            recording = {**bare, **_ara_environment(ara, folder)}
            runs["bare beside ARA"] = lambda: _cpu_seconds(folder, str(ara), bare)
            runs["ara"] = lambda: _cpu_seconds(folder, str(ara), recording)
        least = _interleaved_minima(runs)
    size = f"{HOSTS} hosts × {TASKS} tasks, CPU, least of {ROUNDS}"
    yield Measure("ansible-playbook, followed", least["ours"], "ansible-playbook, bare", least["bare"], BAR, size)
    if ara is None:
        yield Measure("recording (ARA not measured)", least["ours"], "bare", least["bare"], None, note)
    else:
        ours, theirs = least["ours"] - least["bare"], least["ara"] - least["bare beside ARA"]
        yield Measure("ansible-playbook, followed", least["ours"], "ansible-playbook with ARA", least["ara"], 1.0, size)
        yield Measure("what recording adds", max(ours, 0.0), "what ARA adds", theirs, 1.0, size)


def _write_playbook(folder: Path) -> None:
    hosts = "\n".join(f"host-{number}" for number in range(HOSTS))
    (folder / "inventory.ini").write_text(f"{hosts}\n[all:vars]\nansible_connection=local\n")
    tasks = "\n".join(f"  - name: Task {number}\n    debug: {{msg: x}}" for number in range(TASKS))
    (folder / "site.yml").write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}\n")
    (folder / "home").mkdir()


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }


def _cpu_seconds(folder: Path, python: str, environment: Mapping[str, str]) -> float:
    """User and system time of one run and of everything that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [python, "-m", "ansible", "playbook", "-i", "inventory.ini", "site.yml"],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _interleaved_minima(runs: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The least of each, run in turn, and in the other order every second time."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(ROUNDS):
        for name in sorted(runs, reverse=bool(number % 2)):
            times[name].append(runs[name]())
    return {name: min(seconds) for name, seconds in times.items()}


def _install_ara(folder: Path) -> tuple[Path | None, str]:
    """The Python of a virtual environment with ARA and the same ansible-core; None and why, where that fails."""
    from importlib.metadata import version

    python = folder / "bin" / "python"
    try:
        venv.create(folder, with_pip=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "-q", ARA, f"ansible-core=={version('ansible-core')}"],
            check=True,
            capture_output=True,
            timeout=INSTALL_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None, f"{ARA} could not be installed here"
    return python, ""


def _ara_environment(python: Path, folder: Path) -> dict[str, str]:
    """ARA as its documentation sets it up: the offline client, writing to SQLite in-process."""
    plugins = subprocess.run(
        [str(python), "-m", "ara.setup.callback_plugins"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return {"ANSIBLE_CALLBACK_PLUGINS": plugins, "ARA_BASE_DIR": str(folder / "ara-data"), "ARA_API_CLIENT": "offline"}
