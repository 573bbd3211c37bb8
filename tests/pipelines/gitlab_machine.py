"""A GitLab runner of this machine: `gitlab-ci-local` runs the jobs of a clone with its shell executor.

What it does not play is GitLab itself: predefined variables are given to it, artifacts looked at where they lie.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.pipelines.node_tools import node_tool
from tests.pipelines.repositories import Team, run


class GitLabMachine:
    """A fresh clone on a machine that knows nothing: no key, no home, nothing in the spool."""

    def __init__(self, team: Team, name: str, branch: str = "main") -> None:
        self.folder = team.place / name
        tools = team.place / f"{name}-tools"
        home = team.place / f"{name}-home"
        home.mkdir()
        tools.mkdir()
        # It copies tracked files for containers, which are not used here, and wants rsync for that.
        if shutil.which("rsync") is None:
            (tools / "rsync").write_text("#!/bin/sh\nexit 0\n")
            (tools / "rsync").chmod(0o755)
        team.call(
            "git", "clone", "-q", "--depth=1", "-b", branch, team.remote.as_uri(), str(self.folder), cwd=team.place
        )
        kept = {name: value for name, value in team.environment.items() if name != "INFRATRACK_HOME"}
        self.environment = kept | {"HOME": str(home), "PATH": f"{tools}:{kept['PATH']}"}

    def pipeline(self, source: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the pipeline that an event of this source sets going."""
        given = {
            "CI_PROJECT_DIR": str(self.folder),
            "CI_PIPELINE_SOURCE": source,
            "CI_DEFAULT_BRANCH": "main",
            "CI_PROJECT_ID": "7",
            **({} if source == "merge_request_event" else {"CI_COMMIT_BRANCH": "main"}),
            **variables,
        }
        options = [word for name, value in given.items() for word in ("--variable", f"{name}={value}")]
        program = str(node_tool("gitlab-ci-local"))
        quiet = ["--ignore-predefined-vars", ",".join(given), "--home", self.environment["HOME"], "--no-color"]
        return run((program, "--force-shell-executor", *quiet, *options), self.folder, self.environment)

    def left(self, name: str) -> Path:
        """Where an artifact is."""
        return self.folder / ".infratrack" / name
