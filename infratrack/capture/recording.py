"""One run's evidence on its way to the disk: statement → scrubbed → signed → spooled. A start first, then an end.

From here on evidence is safe: what `start` and `end` return from is signed and fsynced in the spool.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from infratrack.capture.assemble import Execution, RunContext, end_statement, start_statement
from infratrack.capture.context import Say
from infratrack.evidence.envelope import seal
from infratrack.evidence.key_store import NamedKey
from infratrack.evidence.redaction import RULES_VERSION, Scrubber
from infratrack.evidence.spool import Spool, StartedRun
from infratrack.hookspecs import Collected
from infratrack.ledger.address import largest_blob
from infratrack.values import Digest


class Recording:
    """The evidence of one run. `secrets` must appear nowhere in it; `keep` are names that are no secrets.

    `ledger` is the address that it is going to, as far as it is known: artifacts that are too large for that ledger are
    named by their digest only, which `say` hears.
    """

    def __init__(  # noqa: PLR0913 -- what every statement is made of, all by keyword
        self,
        *,
        context: RunContext,
        signer: NamedKey,
        spool: Spool,
        definition: bytes | None,
        ledger: str | None,
        say: Say,
        secrets: Collection[str] = (),
        keep: Collection[str] = (),
    ) -> None:
        self.context = context
        self.signer = signer
        self._spool = spool
        self._definition = definition
        self._largest: Final = None if ledger is None else largest_blob(ledger)
        self._say: Final = say
        self._secrets = frozenset(secrets)
        self._keep = frozenset(keep)
        self._started: StartedRun | None = None

    def scrubber(self, more_secrets: Collection[str] = (), keep: Collection[str] = ()) -> Scrubber:
        """A scrubber that knows this run's secrets, and names that are none."""
        return Scrubber(self._secrets | frozenset(more_secrets), self._keep | frozenset(keep))

    def start(self, execution: Execution, unseen: Collected | None = None) -> None:
        """Make the signed start durable and hold its lock. Raises Unreachable when it cannot be written.

        `unseen` is what to record should nobody see the end.
        """
        scrubber = self.scrubber(unseen.secrets, [unseen.predicate_type]) if unseen else self.scrubber()
        made = start_statement(self.context, execution, scrubber, RULES_VERSION, unseen)
        self._started = self._spool.start(self.context.run_id, seal(made.payload, self.signer.key))

    def end(self, execution: Execution, collected: Collected) -> Digest:
        """Make the signed end with its facts durable; returns the envelope's digest. Raises Unreachable likewise."""
        for content in collected.artifacts:
            if self._largest is not None and len(content.content) > self._largest:
                self._say(
                    f"only the digest is kept of an artifact of {len(content.content)} bytes: over {self._largest} "
                    "do not go to the ledger's branch (`blobs=URL` or `blob_limit=…` in its address changes that)"
                )
        made = end_statement(
            self.context,
            execution,
            collected,
            self.scrubber(collected.secrets),
            RULES_VERSION,
            definition=self._definition,
            largest=self._largest,
        )
        line = seal(made.payload, self.signer.key)
        if self._started is None:
            return self._spool.put(line, made.blobs)
        return self._started.finish(line, made.blobs)

    def never_began(self) -> None:
        """The command was not started after all: its start needs no end."""
        if self._started is not None:
            self._started.release()
