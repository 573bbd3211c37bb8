"""A runner of GitHub Actions, small but real where it matters: steps are processes, and they talk through files.

Every step gets its own GITHUB_ENV, GITHUB_OUTPUT, GITHUB_PATH and GITHUB_STEP_SUMMARY, which are read as the runner
reads them. Three actions of others are played: the checkout is a real shallow clone, setup-python does nothing,
upload-artifact keeps the path that it was given.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct, field

from tests.pipelines.github_expressions import Contexts, filled, holds
from tests.pipelines.repositories import Team

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")


class Job(Struct):
    """One job as it ran."""

    folder: Path
    temporary: Path
    environment: dict[str, str]
    failed: bool = False
    log: str = ""
    summary: str = ""
    path: list[str] = field(default_factory=list)
    artifacts: dict[str, Path] = field(default_factory=dict)
    count: int = 0
    keyed: list[str] = field(default_factory=list)
    """The names of the steps that had the signing key."""


class GitHubRunner:
    """Runs the workflow of a team's repository for one event; each job on a machine of its own."""

    def __init__(self, team: Team, event_name: str, *, ref: str = "main", fork: bool = False, key: str = "") -> None:
        self.team = team
        self.ref = ref
        pull_request = {"head": {"repo": {"full_name": "stranger/core" if fork else "team/core"}}}
        self.github: dict[str, Any] = {
            "event_name": event_name,
            "base_ref": "main" if event_name == "pull_request" else "",
            "event": {"repository": {"default_branch": "main"}},
            "ref_name": ref,
            "ref_type": "branch",
            "repository": "team/core",
            "run_attempt": "1",
            "token": "",
        }
        if event_name == "pull_request":
            self.github["event"]["pull_request"] = pull_request
        self.secrets = {"INFRATRACK_SIGNING_KEY": key}
        self.jobs: dict[str, Job] = {}

    def run(self) -> dict[str, Job]:
        """Run what `.github/workflows/infratrack.yml` calls; the jobs that ran, by name."""
        caller = self._yaml(".github/workflows/infratrack.yml")["jobs"]["infratrack"]
        called = self._yaml(caller["uses"].removeprefix("$/"))
        # YAML 1.1 takes the key `on` for a truth value.
        asked = called[True]["workflow_call"]["inputs"]
        inputs = {name: one.get("default") for name, one in asked.items()} | caller["with"]
        for name, job in called["jobs"].items():
            contexts = {"github": self.github, "inputs": inputs, "secrets": self.secrets}
            needs = self.jobs.get(job.get("needs", ""))
            if holds(job.get("if", "always()"), contexts, success=needs is None or not needs.failed):
                self.jobs[name] = self._job(name, job, contexts)
        return self.jobs

    def machine(self, name: str) -> Job:
        """A machine for one job: empty but for a checkout."""
        job = self._machine(name)
        self._played(job, "actions/checkout", {})
        return job

    def use(self, job: Job, given: dict[str, str]) -> dict[str, str]:
        """Use our action in a job; its outputs."""
        return self._composite(job, self._yaml(".github/actions/infratrack/action.yml"), given)

    def shell(self, job: Job, script: str) -> None:
        """Run a step of the job's own."""
        self._steps(job, [{"run": script, "shell": "bash"}], {"github": self.github}, {})

    def _job(self, name: str, job: dict[str, Any], contexts: dict[str, Any]) -> Job:
        ran = self._machine(name)
        ran.environment |= {one: filled(str(value), contexts) for one, value in job.get("env", {}).items()}
        self._steps(ran, job["steps"], contexts, job.get("defaults", {}).get("run", {}))
        return ran

    def _machine(self, name: str) -> Job:
        place = self.team.place / f"job-{len(self.jobs)}-{name}"
        (place / "temporary").mkdir(parents=True)
        (place / "home").mkdir()
        kept = {one: value for one, value in self.team.environment.items() if one != "INFRATRACK_HOME"}
        environment = kept | {
            "HOME": str(place / "home"),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": "http://127.0.0.1:9",
            "GITHUB_BASE_REF": self.github["base_ref"],
            "GITHUB_EVENT_NAME": self.github["event_name"],
            "GITHUB_JOB": name,
            "GITHUB_REF_NAME": self.ref,
            "GITHUB_REPOSITORY": "team/core",
            "GITHUB_RUN_ID": "12345",
            "GITHUB_SERVER_URL": "https://github.example",
            "RUNNER_TEMP": str(place / "temporary"),
        }
        return Job(place / "workspace", place / "temporary", environment)

    def _steps(self, job: Job, steps: list[dict[str, Any]], contexts: dict[str, Any], defaults: dict[str, str]) -> None:
        outputs: dict[str, Any] = contexts.setdefault("steps", {})
        for step in steps:
            if not holds(step.get("if", "true_"), {**contexts, "true_": True}, success=not job.failed):
                continue
            given = {name: filled(str(value), contexts) for name, value in step.get("with", {}).items()}
            if "run" in step:
                left = self._process(job, step, contexts, defaults)
            elif step["uses"].startswith("$/"):
                # What a step sets for an action, every step of that action gets.
                inner = contexts.get("env", {}) | environment_of(step, contexts)
                action = self._yaml(step["uses"].removeprefix("$/") + "/action.yml")
                left = self._composite(job, action, given, inner)
            else:
                left = self._played(job, step["uses"], given)
            if "id" in step:
                outputs[step["id"]] = {"outputs": left}

    def _composite(
        self, job: Job, action: dict[str, Any], given: dict[str, str], environment: dict[str, str] | None = None
    ) -> dict[str, str]:
        defaults = {name: one.get("default", "") for name, one in action["inputs"].items()}
        unknown = set(given) - set(defaults)
        assert not unknown, f"inputs that the action does not have: {unknown}"
        contexts: dict[str, Any] = {"github": self.github, "env": environment or {}}
        contexts["inputs"] = {name: filled(value, contexts) for name, value in (defaults | given).items()}
        assert action["runs"]["using"] == "composite"
        self._steps(job, action["runs"]["steps"], contexts, {})
        return {name: filled(one["value"], contexts) for name, one in action["outputs"].items()}

    def _process(self, job: Job, step: dict[str, Any], contexts: Contexts, defaults: dict[str, str]) -> dict[str, str]:
        settings = defaults | step
        assert settings["shell"] == "bash"
        job.count += 1
        script = job.temporary / f"step-{job.count}.sh"
        script.write_text(filled(step["run"], contexts))
        files = {
            name: job.temporary / f"{name.lower()}-{job.count}" for name in ("ENV", "OUTPUT", "PATH", "STEP_SUMMARY")
        }
        for file in files.values():
            file.touch()
        environment = job.environment | {f"GITHUB_{name}": str(file) for name, file in files.items()}
        environment |= contexts.get("env", {}) | environment_of(step, contexts)
        if environment.get("INFRATRACK_SIGNING_KEY"):
            job.keyed.append(step["name"])
        environment["PATH"] = ":".join([*reversed(job.path), environment["PATH"]])
        ended = subprocess.run(
            [*SHELL, str(script)],
            cwd=job.folder / filled(settings.get("working-directory", "."), contexts),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=240,
        )
        job.log += COLOUR.sub("", ended.stdout)
        job.failed = job.failed or ended.returncode != 0
        job.environment |= told(files["ENV"].read_text())
        job.path += files["PATH"].read_text().splitlines()
        job.summary += files["STEP_SUMMARY"].read_text()
        return told(files["OUTPUT"].read_text())

    def _played(self, job: Job, action: str, given: dict[str, str]) -> dict[str, str]:
        name = action.partition("@")[0]
        if name == "actions/checkout":
            url = self.team.remote.as_uri()
            self.team.call("git", "clone", "-q", "--depth=1", "-b", self.ref, url, str(job.folder), cwd=self.team.place)
        elif name == "actions/upload-artifact":
            path = Path(given["path"])
            assert path.is_file(), path
            job.artifacts[given["name"]] = path
        else:
            assert name == "actions/setup-python"
        return {}

    def _yaml(self, name: str) -> Any:  # what a workflow holds is looked at piece by piece
        return yaml.safe_load((self.team.clone / name).read_text())


def environment_of(step: dict[str, Any], contexts: Contexts) -> dict[str, str]:
    """The variables that a step itself sets."""
    return {name: filled(str(value), contexts) for name, value in step.get("env", {}).items()}


def told(text: str) -> dict[str, str]:
    """What a step wrote into GITHUB_ENV or GITHUB_OUTPUT: `name=value`, or `name<<END`, lines, `END`."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, equals, value = line.partition("=")
        if "<<" in name or not equals:
            name, _, end = line.partition("<<")
            assert end, f"neither name=value nor name<<END: {line!r}"
            inner = []
            for one in lines:
                if one == end:
                    break
                inner.append(one)
            value = "\n".join(inner)
        found[name] = value
    return found
