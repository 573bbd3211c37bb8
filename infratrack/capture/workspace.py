"""What a command works with: the project, its plugins, keys, spool and ledger, each opened when first needed.

This is the edge: it reads the environment, finds files and opens stores, and hands values to the code that decides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import structs

from infratrack.capture.child_environment import IDENTITY_VARIABLES
from infratrack.capture.clock import now
from infratrack.capture.policy_ref import load_governed
from infratrack.errors import InfratrackError, InputError
from infratrack.evidence.key_store import (
    KeyExists,
    KeyStore,
    NamedKey,
    NoSigningKey,
    choose_signing_key,
    home_folder,
    key_from_environment,
)
from infratrack.evidence.spool import Spool
from infratrack.evidence.spooled_keys import SpooledKeys
from infratrack.evidence.trust import Trust, trust_of
from infratrack.plugin_manager import Plugins, load_plugins
from infratrack.project.files import find_project_file, read_project_id
from infratrack.project.model import Project
from infratrack.project.policy import Policy
from infratrack.values import sha256_digest

if TYPE_CHECKING:
    from infratrack.capture.delivery import Sent
    from infratrack.evidence.keys import PublicKey
    from infratrack.ledger.log import Ledger
    from infratrack.progress.index.store import FactsIndex
    from infratrack.progress.status import ProjectState
    from infratrack.values import Instant

FIRST_KEY: Final = "default"
Result = TypeVar("Result")


class Workspace:
    """Everything around one project, opened lazily; what fails to open raises when it is asked for, not before."""

    def __init__(
        self, start: Path, environ: Mapping[str, str], key_name: str | None = None, policy_ref: str | None = None
    ) -> None:
        self._start = start
        self._key_name = key_name
        self._policy_ref = policy_ref
        self._endorsed = False
        self.environ = environ

    @classmethod
    def open(
        cls,
        start: Path,
        *,
        environ: Mapping[str, str],
        key_name: str | None = None,
        policy_ref: str | None = None,
    ) -> Workspace:
        """A workspace for the project at or above `start` (a project file, or a folder in or under the project).

        `key_name` is what `--key` says, `policy_ref` what `--policy-ref` says.
        """
        return cls(start, environ, key_name, policy_ref)

    @cached_property
    def project_file(self) -> Path:
        """The project file, absolute; InputError when there is none."""
        return find_project_file(self._start).resolve()

    @property
    def folder(self) -> Path:
        """The project folder, absolute."""
        return self.project_file.parent

    @cached_property
    def plugins(self) -> Plugins:
        """All plugins; the broken ones are reported in `.broken`."""
        return load_plugins()

    @property
    def project(self) -> Project:
        """The project of these files under the policy of the protected ref (`policy` says which).

        ProjectProblems (an InputError) lists everything that is wrong with it; InputError where the protected ref
        cannot be told or is not in this clone, Unreachable where git cannot be asked.
        """
        return self._governed[0]

    @property
    def policy(self) -> Policy:
        """Where trust, people and the right to accept were read. Raises what `project` raises."""
        return self._governed[1]

    @cached_property
    def _governed(self) -> tuple[Project, Policy]:
        return load_governed(
            self.project_file, self.plugins.schemas, self.plugins.broken, self.environ, self._policy_ref
        )

    @cached_property
    def project_id(self) -> str:
        """The project's id, as far as it can be made out even from a broken file; InputError when it cannot."""
        found = read_project_id(self.project_file)
        if found is None:
            raise InputError(f"{self.project_file} does not say which project it is", "write `project: {id: NAME, …}`")
        return found

    @cached_property
    def home(self) -> Path:
        """Where keys, the spool and caches are kept; InputError when this user has no home."""
        return home_folder(self.environ)

    @cached_property
    def key_store(self) -> KeyStore:
        """This user's signing keys."""
        return KeyStore(self.home)

    @cached_property
    def spool(self) -> Spool:
        """Evidence of this project that waits on this machine."""
        return Spool(self.home, self.project_id)

    @cached_property
    def trust(self) -> Trust:
        """Whose signatures count, as the project file says; InputError for a bad key file."""
        return trust_of(self.project)

    @cached_property
    def signing_key(self) -> NamedKey:
        """The key that signs; NoSigningKey when there is none, InputError when it cannot be told which."""
        return choose_signing_key(self.key_store, self.environ, self._key_name, self._trusted_keyids)

    def signing_key_or_new(self, say: Callable[[str], None]) -> NamedKey:
        """The key that signs; where there is none yet, one named `default` is made and said so.

        Where the CI system offers an identity, that is recorded first, and a key in memory will do. Raises InputError
        when it cannot be told which key, Unreachable when none can be written.
        """
        endorsed = self._endorsed_key(say)
        if endorsed is not None:
            return endorsed
        try:
            return self.signing_key
        except NoSigningKey:
            try:
                made = self.key_store.create(FIRST_KEY)
            except KeyExists:  # another process was faster
                return self.signing_key
        say(f"made a signing key, {made.source}; evidence counts once the project's `trust` names it")
        self.__dict__["signing_key"] = made
        return made

    def _endorsed_key(self, say: Callable[[str], None]) -> NamedKey | None:
        """The key that signs, with what the CI system says of its holder recorded once; None without one."""
        if self._endorsed or not (self.environ.keys() & IDENTITY_VARIABLES):
            return None
        from infratrack.capture.endorsing import endorsed_key  # noqa: PLC0415 -- only where an identity is offered

        self._endorsed = True
        found = endorsed_key(self, say)
        if found is not None:
            self.__dict__["signing_key"] = found
        return found

    def _sending_key(self) -> NamedKey:
        """The key that signs the next checkpoint. A job without a key that sends others' evidence is keyless too."""
        try:
            return self.signing_key
        except NoSigningKey:
            found = self._endorsed_key(lambda _: None) if self.spool.count() else None
            if found is None:
                raise
            return found

    @property
    def _trusted_keyids(self) -> frozenset[str]:
        """Key ids that the project trusts; none when that cannot be made out (a broken project file)."""
        try:
            return frozenset(self.trust.signers) | frozenset(self.trust.people)
        except InfratrackError:
            return frozenset()

    def ledger(self, *, create: bool) -> Ledger:
        """Open the project's ledger; Unreachable when it cannot be, InputError when it is not there."""
        from infratrack.ledger.open import open_ledger  # noqa: PLC0415 -- brings SQL along

        return open_ledger(
            self.project.ledger, self.folder, project_id=self.project.id, create=create, environ=self.environ
        )

    def end_lost_runs(self, signer: NamedKey) -> None:
        """Give runs that nobody saw ending an end. Before something new begins, so that the new word is the newer one.

        Raises Unreachable when the spool cannot be read.
        """
        from infratrack.capture.delivery import recover_abandoned  # noqa: PLC0415 -- not needed to look

        if self.spool.folder.is_dir():
            recover_abandoned(self.spool, signer, now)

    def send_spool(self) -> Sent:
        """Give abandoned runs an end, then append what waits. Doing it again changes nothing.

        Raises Unreachable when the ledger or the spool cannot be reached, InputError when the project is invalid or no
        key can sign. What stays behind is in the answer.
        """
        from infratrack.capture.delivery import Sent, send  # noqa: PLC0415 -- not needed to start

        if not self.spool.folder.is_dir():
            return Sent()
        signer = self._sending_key()
        self.end_lost_runs(signer)
        return send(self.spool, lambda: self.ledger(create=True), self.known_keys, signer, now)

    @property
    def known_keys(self) -> Mapping[str, PublicKey]:
        """Every public key that this machine knows, by id.

        The project's, those of its own private keys, and those that came with evidence which another machine packed.
        """
        known = SpooledKeys(self.spool.folder).all()
        for name in self.key_store.names():
            with contextlib.suppress(InfratrackError):
                key = self.key_store.load(name).key
                known[key.keyid] = key.public_key
        given = key_from_environment(self.environ)
        if given is not None:
            known[given.key.keyid] = given.key.public_key
        return {**known, **self.trust.public_keys}

    def facts_index(self) -> FactsIndex:
        """The facts of the ledger as it is now, brought up to date; empty while there is no ledger. Close it after use.

        Raises IntegrityFailure when the ledger is not the one that was read before.
        """
        from infratrack.ledger.open import NoLedgerYet  # noqa: PLC0415 -- only to look at the ledger
        from infratrack.ledger.stamp import ledger_stamp  # noqa: PLC0415 -- likewise
        from infratrack.progress.index.refresh import NothingRecorded, refresh, unchanged  # noqa: PLC0415 -- likewise

        types = self.plugins.evidence_types
        # Opening the ledger brings SQL along, which takes longer than all the rest: not if its files did not change.
        stamp = ledger_stamp(self.project.ledger, self.folder, now())
        index = unchanged(self.index_path, stamp, types)
        if index is not None:
            index.root_at = lambda size: self.ledger(create=False).root_at(size)
            return index
        ledger: Ledger | NothingRecorded
        try:
            ledger = self.ledger(create=False)
        except NoLedgerYet:
            # Not simply an empty index: where entries were read before, a ledger that is gone must not pass unnoticed.
            ledger = NothingRecorded()
        index = refresh(self.index_path, ledger, self.trust, types)
        index.keep_stamp(stamp)
        return index

    @property
    def index_path(self) -> Path | None:
        """Where the facts index of this project's ledger is kept: a rebuildable file. None: in memory."""
        try:
            place = sha256_digest(f"{self.folder}\0{self.project.ledger}".encode()).removeprefix("sha256:")[:16]
            path = self.home / "index" / f"{self.project.id}-{place}.db"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (OSError, InputError):
            return None
        return path

    def computed(self, compute: Callable[[FactsIndex], Result]) -> Result:
        """What `compute` makes of the facts. An index whose content turns out to be damaged is made anew, once."""
        import sqlite3  # noqa: PLC0415 -- only to look at the ledger

        for last in (False, True):
            with contextlib.closing(self.facts_index()) as index:
                try:
                    return compute(index)
                except (sqlite3.DatabaseError, LookupError, ValueError):
                    if last or index.path is None:
                        raise
                    index.discard()
        raise AssertionError  # pragma: no cover -- the last round returns or raises

    def state(self, as_of: Instant | None = None, at_size: int | None = None) -> ProjectState:
        """What is true at an instant (default: now) and a ledger size (default: all); sends nothing."""
        from infratrack.progress.fold import project_state  # noqa: PLC0415 -- only to look at the ledger

        moment = now() if as_of is None else as_of
        criteria, trust = self.plugins.criteria, self.trust
        state = self.computed(lambda index: project_state(self.project, index, criteria, trust, moment, at_size))
        return structs.replace(state, policy=self.policy)

    def explained(self, deliverable: str, as_of: Instant | None = None, at_size: int | None = None) -> ProjectState:
        """The state of one deliverable of the project, with the newest word about each of its subjects."""
        from infratrack.progress.fold import explained_deliverable  # noqa: PLC0415 -- only to look at the ledger

        moment = now() if as_of is None else as_of
        criteria, trust = self.plugins.criteria, self.trust
        state = self.computed(
            lambda index: explained_deliverable(self.project, index, criteria, trust, moment, deliverable, at_size)
        )
        return structs.replace(state, policy=self.policy)
