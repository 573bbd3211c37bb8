"""A team that has published its project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.team import Team


@pytest.fixture
def team(tmp_path: Path) -> Team:
    found = Team(tmp_path)
    found.publish()
    return found
