"""A folder with real Terraform in it, followed by the collector as `infratrack run` would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from infratrack.api import Collected, CommandContext, CommandEnd, FactsLevel, Outcome, StepContext
from infratrack_terraform.collector import TerraformCollector

SHIM = '#!/bin/sh\nexec "{python}" -m infratrack_terraform.binary "$@"\n'


class Stage(Struct, frozen=True):
    """A project folder with a root module in `infra`."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def infra(self) -> Path:
        return self.folder / "infra"

    def write(self, text: str, name: str = "main.tf") -> None:
        self.infra.mkdir(exist_ok=True)
        (self.infra / name).write_text(text)

    def terraform(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Terraform behind infratrack's back."""
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.infra,
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    def run(
        self,
        *arguments: str,
        facts: FactsLevel = "full",
        wanted: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None,
        during: Callable[[subprocess.Popen[bytes]], Outcome] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Collected:
        """A Terraform command, followed by the collector."""
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        context = CommandContext(
            argv=("terraform", *arguments),
            cwd=self.infra,
            environment={**self.environment, **(env or {})},
            scratch=scratch,
            facts=facts,
            wanted=wanted or {},
            scope_folder="infra",
        )
        collector = TerraformCollector()
        assert collector.recognises(context.argv)
        watch = collector.begin(context)
        assert not watch.environment
        process = subprocess.Popen(
            context.argv,
            cwd=self.infra,
            env=dict(context.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        outcome = during(process) if during else None
        code = process.wait()
        return watch.finish(CommandEnd(code, outcome or ("failed" if code else "succeeded")))

    def step_context(self, parameters: Mapping[str, Any], **more: Any) -> StepContext:
        scratch = self.folder / "scratch"
        scratch.mkdir(mode=0o700, exist_ok=True)
        given: dict[str, Any] = {
            "parameters": parameters,
            "folder": self.folder,
            "environment": self.environment,
            "scratch": scratch,
            "handoff": {},
            "wanted": {},
            "report": lambda _: None,
            "canceled": lambda: False,
        }
        return StepContext(**{**given, **more})


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An empty stage; where there is no Terraform, the one in the wheel takes its part."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "INFRATRACK_HOME": str(tmp_path / ".infratrack"),
        "TF_CLI_CONFIG_FILE": "/dev/null",
        "CHECKPOINT_DISABLE": "1",
    }
    if shutil.which("terraform") is None:
        shim = tmp_path / "bin" / "terraform"
        shim.parent.mkdir()
        shim.write_text(SHIM.format(python=sys.executable))
        shim.chmod(0o700)
        environment["PATH"] = f"{shim.parent}{os.pathsep}{environment['PATH']}"
    made = Stage(tmp_path, environment)
    made.infra.mkdir()
    return made
