"""What is told, as JSON: for programs, and for people who want to see what a comment rests on. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from infratrack.pipelines.commit_status import commit_status
from infratrack.pipelines.telling import Telling


def telling_document(telling: Telling) -> dict[str, Any]:
    """Plain data; `progress` is null where the status is not known, `outlook` where no plan lets one foresee it."""
    state = telling.state
    return {
        "project": telling.project,
        "progress": None if state is None else state.progress,
        "ledger": None if state is None else {"size": state.ledger.size, "root": state.ledger.root},
        "policy": None if state is None else {"ref": state.policy.ref, "commit": state.policy.commit},
        "commit_status": msgspec.to_builtins(commit_status(telling)),
        "failing": msgspec.to_builtins(telling.failing),
        "plans": msgspec.to_builtins(telling.plans),
        "outlook": msgspec.to_builtins(telling.outlook),
        "troubles": list(telling.troubles),
    }
