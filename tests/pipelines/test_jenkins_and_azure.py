"""The shell of the Jenkins and Azure pipelines, run for real in order. Stages, jobs and conditions are only played.

Neither system runs here: which stage runs when is read by people, and by the schema of Azure's files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipelines.repositories import Team, run

pytestmark = pytest.mark.slow

_VALUE = re.compile(r"""(\w+) = (?:'([^']*)'|"([^"]*)")""")
_TOLD = re.compile(r"##vso\[task\.(prependpath|setvariable variable=(\w+))\](.*)")


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


def prepared(team: Team, system: str, branch: str = "main") -> tuple[Path, dict[str, str]]:
    """A clone on a machine of its own, and its environment, without any key."""
    team.call("infratrack", "ci", "init", system, "--install", "")
    team.push()
    team.push(branch)
    clone = team.place / "workspace"
    team.call("git", "clone", "-q", "--depth=1", "-b", branch, team.remote.as_uri(), str(clone), cwd=team.place)
    home = team.place / "machine"
    home.mkdir()
    kept = {name: value for name, value in team.environment.items() if name != "INFRATRACK_HOME"}
    return clone, kept | {"HOME": str(home)}


def jenkins(clone: Path, environment: Mapping[str, str], *stages: str) -> str:
    """Run the `sh` of these stages, each with what its `environment` sets; what they printed."""
    text = (clone / "Jenkinsfile").read_text()
    printed = ""
    for stage in stages:
        part = text.split(f"stage('{stage}')" if stage != "post" else "  post {", 1)[1]
        script = re.findall(r"sh '''(.*?)'''", part, re.DOTALL)[0].replace("\\\\", "\\")
        before = part.split("steps {", 1)[0] if stage != "post" else ""
        own = {name: single or double for name, single, double in _VALUE.findall(before)}
        own = {
            name: re.sub(r"\$\{env\.(\w+)\}", lambda hole: environment[hole[1]], value) for name, value in own.items()
        }
        ended = run(("bash", "-c", script), clone, {**environment, **own})
        printed += ended.stdout + ended.stderr
        assert ended.returncode == 0, printed
    return printed


def test_jenkins_delivers_on_the_branch(team: Team) -> None:
    clone, environment = prepared(team, "jenkins")
    environment |= {"WORKSPACE_TMP": str(team.place / "tmp"), "INFRATRACK_SIGNING_KEY": team.signing_key}
    jenkins(clone, environment, "Set up", "Deliver")
    assert team.statuses() == {"vlans": "complete", "greeting": "complete"}
    environment["INFRATRACK_HOME"] = f"{environment['WORKSPACE_TMP']}/infratrack/home"
    jenkins(clone, environment, "post")
    told = team.place / "tmp" / "infratrack" / "told"
    assert "VLANs live" in (told / "summary.md").read_text()
    assert not (told / "evidence.tar").exists()


def test_jenkins_plans_a_change_request_and_archives_its_evidence(team: Team) -> None:
    clone, environment = prepared(team, "jenkins", "feature")
    environment |= {"WORKSPACE_TMP": str(team.place / "tmp")}
    jenkins(clone, environment, "Set up", "Plan")
    assert team.statuses() == {"vlans": "not_started", "greeting": "not_started"}
    environment["INFRATRACK_HOME"] = f"{environment['WORKSPACE_TMP']}/infratrack/home"
    jenkins(clone, environment, "post")
    assert (team.place / "tmp" / "infratrack" / "told" / "evidence.tar").is_file()


def test_jenkins_archives_nothing_that_a_change_request_put_there(team: Team) -> None:
    (team.clone / ".infratrack").mkdir()
    for name in ("summary.md", "evidence.tar"):
        (team.clone / ".infratrack" / name).symlink_to("/etc/hostname")
    team.call("git", "add", "-f", ".infratrack")
    clone, environment = prepared(team, "jenkins", "feature")
    environment |= {"WORKSPACE_TMP": str(team.place / "tmp"), "PATH": "/usr/bin:/bin"}
    jenkins(clone, environment, "post")
    archived = (clone / "Jenkinsfile").read_text().split("archiveArtifacts")
    assert len(archived) == 2
    assert archived[0].rstrip().endswith('dir("${env.WORKSPACE_TMP}/infratrack/told") {')
    assert list((team.place / "tmp" / "infratrack" / "told").iterdir()) == []


def test_jenkins_looks_for_drift(team: Team) -> None:
    clone, environment = prepared(team, "jenkins")
    environment |= {"WORKSPACE_TMP": str(team.place / "tmp"), "INFRATRACK_SIGNING_KEY": team.signing_key}
    assert "terraform state in infra" in " ".join(jenkins(clone, environment, "Set up", "Observe").split())


def azure(clone: Path, environment: Mapping[str, str], name: str, key: str = "") -> dict[str, str]:
    """Run the steps of one stage; the variables that it set. Templates are taken in, other tasks are skipped.

    `key` is what the variable group holds: known to the stages that name it, in the steps that ask for it.
    """
    pipeline = yaml.safe_load((clone / "azure-pipelines.yml").read_text())
    (stage,) = (one for one in pipeline["stages"] if one["stage"] == name)
    own = stage.get("variables", {})
    grouped = own == [{"group": "infratrack"}]
    known = {**environment, **({"INFRATRACK_SIGNING_KEY": key} if grouped else {})}
    variables = {**pipeline["variables"], **({} if grouped else own)}
    now = dict(environment) | {one: filled(value, known) for one, value in variables.items()}
    told: dict[str, str] = {}
    for step in azure_steps(clone, stage):
        if "bash" not in step:
            continue
        given = {one: filled(value, known) for one, value in step.get("env", {}).items()}
        script = ("bash", "--noprofile", "--norc", "-c", step["bash"])
        ended = run(script, clone / step.get("workingDirectory", "."), {**now, **given})
        assert ended.returncode == 0, ended.stdout + ended.stderr
        for kind, variable, value in _TOLD.findall(ended.stdout):
            if kind == "prependpath":
                now["PATH"] = f"{value}:{now['PATH']}"
            else:
                told[variable] = value
    return told


def azure_steps(clone: Path, stage: dict[str, Any]) -> list[dict[str, Any]]:
    """All steps of a stage's only job, in order."""
    (job,) = stage["jobs"]
    steps = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
    return [inner for one in steps for inner in taken_in(clone, one)]


def taken_in(clone: Path, step: dict[str, Any]) -> list[dict[str, Any]]:
    if "template" not in step:
        return [step]
    steps: list[dict[str, Any]] = yaml.safe_load((clone / step["template"]).read_text())["steps"]
    return steps


def filled(value: str, environment: Mapping[str, str]) -> str:
    def known(hole: re.Match[str]) -> str:
        name = hole[1].replace(".", "_").upper() if "." in hole[1] else hole[1]
        return environment.get(name, hole[0])

    return re.sub(r"\$\(([\w.]+)\)", known, value)


def test_azure_delivers_on_the_branch(team: Team) -> None:
    clone, environment = prepared(team, "azure")
    environment |= {"AGENT_TEMPDIRECTORY": str(team.place / "tmp")}
    assert azure(clone, environment, "deliver", team.signing_key) == {}
    assert team.statuses() == {"vlans": "complete", "greeting": "complete"}
    assert "VLANs live" in (team.place / "tmp/infratrack/summary.md").read_text()


def test_azure_plans_a_pull_request_and_publishes_its_evidence(team: Team) -> None:
    clone, environment = prepared(team, "azure", "feature")
    environment |= {"AGENT_TEMPDIRECTORY": str(team.place / "tmp")}
    told = azure(clone, environment, "plan")
    assert Path(told["infratrackEvidence"]).is_file()
    assert team.statuses() == {"vlans": "not_started", "greeting": "not_started"}


def test_azure_looks_for_drift(team: Team) -> None:
    clone, environment = prepared(team, "azure")
    environment |= {"AGENT_TEMPDIRECTORY": str(team.place / "tmp")}
    azure(clone, environment, "observe", team.signing_key)
    document = team.status()
    assert document["ledger"]["size"] == 2


def test_azure_gives_the_key_to_the_step_that_signs_and_to_no_stage_of_a_pull_request(team: Team) -> None:
    clone, _ = prepared(team, "azure")
    pipeline = yaml.safe_load((clone / "azure-pipelines.yml").read_text())
    assert "jobs" not in pipeline
    assert isinstance(pipeline["variables"], dict)
    groups = {stage["stage"]: stage["variables"] for stage in pipeline["stages"]}
    assert groups == {
        "plan": {"INFRATRACK_DELIVERY": "hold"},
        "deliver": [{"group": "infratrack"}],
        "observe": [{"group": "infratrack"}],
    }
    signing = {
        stage["stage"]: [step["displayName"] for step in azure_steps(clone, stage) if "SIGNING_KEY" in str(step)]
        for stage in pipeline["stages"]
    }
    assert signing == {"plan": [], "deliver": ["Deliver"], "observe": ["Observe"]}
    assert [stage["dependsOn"] for stage in pipeline["stages"]] == [[], [], []]


def test_azure_delivers_what_waits_even_when_a_step_fails_and_keeps_that_it_failed(team: Team) -> None:
    team.write("site.yml", "- hosts: localhost\n  gather_facts: false\n  tasks: [{ansible.builtin.fail: {msg: no}}]\n")
    clone, environment = prepared(team, "azure")
    environment |= {"AGENT_TEMPDIRECTORY": str(team.place / "tmp"), "INFRATRACK_DELIVERY": "hold"}
    with pytest.raises(AssertionError, match="FAILED!"):
        azure(clone, environment, "deliver", team.signing_key)
    assert team.statuses()["vlans"] == "complete"
