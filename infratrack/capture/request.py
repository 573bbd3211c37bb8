"""What `infratrack run` was asked to do, as one value."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from infratrack.capture.context import Linking
from infratrack.hookspecs import FactsLevel


class RunRequest(Struct, frozen=True):
    """What `infratrack run` was asked to do."""

    argv: tuple[str, ...]
    start: Path = Path()
    """Where to look for the project file."""
    linking: Linking = Linking()
    accepted: tuple[int, ...] = ()
    require_delivery: bool = False
    facts: FactsLevel = "full"
    tool: str | None = None
    keep_log: bool = False
    key_name: str | None = None
    policy_ref: str | None = None
    """Where it stands whom to trust; None: what the environment says, or the protected branch."""
