"""What a command works with: the project, its plugins, keys, spool and ledger, each opened when first needed.

This is the edge: it reads the environment, finds files and opens stores, and hands values to the code that decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from infratrack.plugin_manager import Plugins, load_plugins
from infratrack.project.files import find_project_file, load_project, read_project_id
from infratrack.project.model import Project

if TYPE_CHECKING:
    from infratrack.evidence.key_store import KeyStore, NamedKey
    from infratrack.evidence.spool import Spool
    from infratrack.evidence.trust import Trust
    from infratrack.ledger.open import Ledger
    from infratrack.progress.status import ProjectState
    from infratrack.values import Instant


class Workspace:
    """Everything around one project, opened lazily; what fails to open raises when it is asked for, not before."""

    def __init__(self, start: Path, environ: Mapping[str, str]) -> None:
        self._start = start
        self.environ = environ

    @classmethod
    def open(cls, start: Path, *, environ: Mapping[str, str]) -> Workspace:
        """A workspace for the project at or above `start` (a project file, or a folder in or under the project)."""
        return cls(start, environ)

    @cached_property
    def project_file(self) -> Path:
        """The project file; InputError when there is none."""
        return find_project_file(self._start).resolve()

    @property
    def folder(self) -> Path:
        """The project folder, absolute."""
        return self.project_file.parent

    @cached_property
    def plugins(self) -> Plugins:
        """All plugins; the broken ones are reported in `.broken`."""
        return load_plugins()

    @cached_property
    def project(self) -> Project:
        """The project; ProjectProblems (an InputError) lists everything that is wrong with it."""
        criteria = {name: criterion.schema for name, criterion in self.plugins.criteria.items()}
        steps = {name: step.schema for name, step in self.plugins.steps.items()}
        return load_project(self.project_file, criteria, steps, broken=self.plugins.broken)

    @cached_property
    def project_id(self) -> str | None:
        """The project's id, as far as it can be made out even from a broken file."""
        return read_project_id(self.project_file)

    @cached_property
    def home(self) -> Path:
        """Where keys and the spool are kept."""
        from infratrack.evidence.key_store import home_folder  # noqa: PLC0415 -- `run` pays for what it uses only

        return home_folder(self.environ)

    @cached_property
    def key_store(self) -> KeyStore:
        """This user's signing keys."""
        from infratrack.evidence.key_store import KeyStore  # noqa: PLC0415 -- likewise

        return KeyStore(self.home)

    @cached_property
    def spool(self) -> Spool:
        """Evidence of this project that waits on this machine."""
        from infratrack.evidence.spool import Spool  # noqa: PLC0415 -- likewise

        return Spool(self.home, self.project.id)

    @cached_property
    def trust(self) -> Trust:
        """Whose signatures count, as the project file says."""
        from infratrack.evidence.trust import trust_of  # noqa: PLC0415 -- likewise

        return trust_of(self.project)

    @cached_property
    def signing_key(self) -> NamedKey:
        """The key that signs, by the rules of the key store; InputError when that is not clear."""
        raise NotImplementedError

    def ledger(self, *, create: bool) -> Ledger:
        """Open the project's ledger; Unreachable when it cannot be."""
        raise NotImplementedError

    def send_spool(self) -> int:
        """Recover abandoned starts, then append what waits. Returns how many entries are new."""
        raise NotImplementedError

    def state(self, as_of: Instant | None = None, at_size: int | None = None) -> ProjectState:
        """What is true at an instant and a ledger size; sends nothing, brings the facts index up to date."""
        raise NotImplementedError
