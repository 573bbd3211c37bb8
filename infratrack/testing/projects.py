"""A whole small project for plugin authors' tests: project file, keys, a real ledger, and the status they give.

project = TemporaryProject(tmp_path, {"restic.backed_up": {"host": "core-1"}})
project.leave("urn:example:evidence:restic-snapshot:v1", {"host": "core-1", "snapshot": "ab", "paths": []})
assert project.status() == "complete"
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infratrack.evidence.predicates import SIGNOFF, Outcome
from infratrack.evidence.trust import trust_of
from infratrack.ledger.log import Incoming
from infratrack.ledger.open import open_ledger
from infratrack.plugin_manager import load_plugins
from infratrack.progress.fold import project_state
from infratrack.progress.index.refresh import refresh
from infratrack.progress.status import DeliverableState
from infratrack.project.files import load_project
from infratrack.testing.builders import MINUTE, MONDAY, predicate, signed, signing_key
from infratrack.values import Instant

PROJECT_ID: Final = "dc-west"
DELIVERABLE: Final = "core-vlans"


class TemporaryProject:
    """One task with one deliverable; signer `ci`, people `ana` (network-lead) and `ben`, both `approver`.

    Everything left is one minute later than what was left before. The plugins are those that are installed.
    """

    def __init__(self, folder: Path, done_when: Mapping[str, Any], **deliverable: Any) -> None:  # noqa: ANN401 -- any member of a deliverable
        self.folder = folder
        self._now = MONDAY
        (folder / "keys").mkdir()
        for name in ("ci", "ana", "ben"):
            (folder / "keys" / f"{name}.pub").write_text(signing_key(name).public_pem, encoding="ascii")
        document = {
            "infratrack": 1,
            "project": {"id": PROJECT_ID, "name": "West data-centre refresh"},
            "trust": {"signers": [{"name": "ci", "key": "keys/ci.pub"}]},
            "people": [
                {"id": "ana", "keys": ["keys/ana.pub"], "roles": ["approver", "network-lead"]},
                {"id": "ben", "keys": ["keys/ben.pub"], "roles": ["approver"]},
            ],
            "tasks": [{"id": "core", "name": "Build the core network", "deliverables": [DELIVERABLE]}],
            "deliverables": [{"id": DELIVERABLE, "name": "Core VLANs live", "done_when": done_when, **deliverable}],
        }
        # JSON is YAML too.
        (folder / "infratrack.yaml").write_text(json.dumps(document, indent=1), encoding="utf-8")

    def leave(
        self,
        predicate_type: str,
        result: Mapping[str, Any] | None = None,
        *,
        outcome: Outcome = "succeeded",
        key: str = "ci",
        **members: Any,  # noqa: ANN401 -- handed on to `predicate`
    ) -> None:
        """Sign evidence with the key of this name and append it to the ledger; `members` are those of `predicate`."""
        self._now = Instant(self._now + MINUTE)
        content = predicate(result, outcome=outcome, project=PROJECT_ID, at=self._now, **members)
        signer = signing_key(key)
        line = signed(predicate_type, content, signer)
        ledger = open_ledger("sqlite:///.infratrack/ledger.db", self.folder, project_id=PROJECT_ID, create=True)
        try:
            incoming = Incoming(line, signer.keyid, signer.public_key)
            ledger.append([incoming], signer=signing_key(), signer_name="ci", clock=lambda: self._now)
        finally:
            ledger.close()

    def sign_off(self, person: str, decision: str = "accepted") -> None:
        """Leave a person's sign-off (or `reopened`)."""
        result = {"deliverable": DELIVERABLE, "decision": decision, "comment": "by a test"}
        self.leave(SIGNOFF, result, key=person)

    def state(self, later: int = 0) -> DeliverableState:
        """The deliverable, `later` microseconds after the newest evidence, with its criteria's verdicts."""
        plugins = load_plugins()
        project = load_project(self.folder / "infratrack.yaml", plugins.schemas, plugins.broken)
        ledger = open_ledger(project.ledger, self.folder, project_id=PROJECT_ID, create=True)
        try:
            trust = trust_of(project)
            index = refresh(None, ledger, trust, plugins.evidence_types)
            try:
                state = project_state(project, index, plugins.criteria, trust, Instant(self._now + later))
            finally:
                index.close()
        finally:
            ledger.close()
        return state.deliverables[0]

    def status(self, later: int = 0) -> str:
        """The deliverable's status (`complete`, `regressed` …)."""
        return str(self.state(later).status)

    def reasons(self) -> list[str]:
        """Each criterion's reason in plain words."""
        return [criterion.reason for criterion in self.state().criteria]
