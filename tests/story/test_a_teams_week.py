"""A team's week with no server but its Git remote: everything that happens to a repository, and a ledger that holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.git.daemon import git, git_daemon
from tests.story.machine import Machine
from tests.story.team import Job, Team, standing, status

pytestmark = pytest.mark.slow

LEDGER = "git:infratrack/ledger"
PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West data centre, start: 2026-01-05}
ledger: %s
trust: {signers: [{name: ci, key: keys/ci.pub}]}
people:
  - {id: anna, name: Anna Berg, keys: [keys/anna.pub], roles: [lead]}
  - {id: ben, name: Ben Ortiz, keys: [keys/ben.pub]}
tasks:
  - {id: build, name: Build, duration: 4d, deliverables: [core, edge, switches]}
  - {id: prove, name: Prove, duration: 1d, depends: [build], deliverables: [smoke, report]}
deliverables:
  - {id: core, name: Core, done_when: {terraform.applied: {resources: 'terraform_data.vlan[*]', min: 2}}}
  - {id: edge, name: Edge, done_when: {terraform.applied: {resources: terraform_data.uplink*, min: 2}}}
  - {id: switches, name: Switches, done_when: {command.succeeded: {command: sh configure.sh}}}
  - {id: smoke, name: Smoke, accepted_by: [lead], done_when: {command.succeeded: {command: sh smoke.sh}}}
  - {id: report, name: Report, done_when: {tests.passed: {suite: acceptance}}}
"""
CORE = """\
terraform {
  backend "local" {}
}
resource "terraform_data" "vlan" {
  for_each = toset(["10", "20"])
  input    = each.key
}
"""
EDGE = """\
terraform {
  backend "local" {}
}
resource "terraform_data" "uplink" {
  input = "west"
}
resource "terraform_data" "uplink_peer" {
  depends_on = [terraform_data.uplink]
  provisioner "local-exec" {
    command = "%s"
  }
}
"""
JUNIT = '<testsuite name="acceptance" tests="1"><testcase classname="net" name="ping"/></testsuite>'


def init(root: str) -> str:
    return f"terraform -chdir={root} init -input=false -backend-config=path=$STATES/{root}.tfstate > /dev/null"


def plan(root: str, branch: str) -> Job:
    command = f"infratrack run --deliverable {root} -- terraform -chdir={root} plan -input=false -out=tfplan"
    return Job(f"plan-{root}", branch, f"{init(root)} && {command}", pull_request=True)


def apply(root: str, attempt: int = 1) -> Job:
    command = f"infratrack run --deliverable {root} -- terraform -chdir={root} apply -input=false -auto-approve"
    return Job(f"apply-{root}", "main", f"{init(root)} && {command}", attempt=attempt)


class Week:
    """Anna, Ben, and the CI system."""

    def __init__(self, team: Team, ledger: str = LEDGER) -> None:
        self.team = team
        self.anna, self.ben, self.carla = (team.person(name) for name in ("anna", "ben", "carla"))
        self.anna.sh(f"git init -q -b main . && git remote add origin {team.url} && infratrack key new ci")
        secret = Path(self.anna.environment["INFRATRACK_HOME"]) / "keys" / "ci.pem"
        team.ci_key = secret.read_text()
        for who, name in ((self.anna, "ci"), (self.anna, "anna"), (self.ben, "ben")):
            self.write(self.anna, f"keys/{name}.pub", who.sh(f"infratrack key export {name}"))
        secret.unlink()
        self.write(self.anna, "infratrack.yaml", PROJECT % ledger)
        self.write(self.anna, ".gitignore", ".terraform*\ntfplan\n")
        self.anna.sh("git add -A && git commit -q -m Start && git push -q -u origin main")
        for who in (self.ben, self.carla):
            who.sh(f"git clone -q {team.url} .")

    @staticmethod
    def write(who: Machine, name: str, text: str) -> None:
        path = who.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def branch(self, who: Machine, name: str, files: dict[str, str]) -> None:
        """Somebody pushes a branch with some work on it."""
        who.sh(f"git fetch -q && git switch -q -c {name} origin/main")
        for path, text in files.items():
            self.write(who, path, text)
        who.sh(f"git add -A && git commit -q -m 'Work on {name}' && git push -q -u origin {name}")

    def merge(self, who: Machine, *names: str) -> None:
        """Somebody merges branches into main."""
        who.sh("git fetch -q && git switch -q main && git merge -q --ff-only origin/main")
        for name in names:
            who.sh(f"git merge -q --no-ff -m 'Merge {name}' origin/{name} && git push -q origin main")


@pytest.fixture
def week(tmp_path: Path) -> Iterator[Week]:
    (tmp_path / "served").mkdir()
    with git_daemon(tmp_path / "served") as daemon:
        yield Week(Team(tmp_path, daemon))


def test_a_teams_week(week: Week) -> None:
    team, anna, ben = week.team, week.anna, week.ben
    assert set(standing(anna).values()) == {"not_started"}

    # Monday: two branches, planned at the same time.
    week.branch(anna, "core-vlans", {"core/main.tf": CORE})
    week.branch(ben, "edge-uplinks", {"edge/main.tf": EDGE % "exit 1"})
    team.run_all(plan("core", "core-vlans"), plan("edge", "edge-uplinks"))
    assert standing(anna)["core"] == "in_progress"

    # Tuesday: both are merged. The core is there; the edge comes half-way.
    week.merge(anna, "core-vlans", "edge-uplinks")
    team.run(apply("core"))
    assert "exit status 1" in team.run(apply("edge"), expect=1)
    assert (standing(ben)["core"], standing(ben)["edge"]) == ("complete", "in_progress")

    # Wednesday: Ben mends the edge, is asked to do it differently, and rewrites his branch after it was planned.
    week.branch(ben, "edge-mended", {"edge/main.tf": EDGE % "echo no"})
    team.run(plan("edge", "edge-mended"))
    week.write(ben, "edge/main.tf", EDGE % "true")
    ben.sh("git commit -q -a --amend -m 'Peer with nobody yet' && git push -q --force origin edge-mended")
    team.run(plan("edge", "edge-mended"))
    week.merge(ben, "edge-mended")
    team.run(apply("edge"))
    assert standing(anna)["edge"] == "complete"

    # Thursday: a job is canceled while it configures switches, and is run again by force, twice at once.
    slow = 'if [ -z "$QUICK" ]; then touch $SHARED/begun; exec sleep 60; fi\n'
    week.branch(anna, "configure", {"configure.sh": slow})
    week.merge(anna, "configure")
    configure = "infratrack run --deliverable switches -- sh configure.sh"
    team.cancel(Job("configure", "main", configure), once=team.root / "begun")
    assert standing(ben)["switches"] == "in_progress"
    quick = (("QUICK", "yes"),)
    team.run_all(*(Job("configure", "main", configure, attempt=attempt, more=quick) for attempt in (2, 3)))
    assert standing(ben)["switches"] == "complete"

    # Friday: three jobs at the same time, one of which may not write the ledger and leaves a pack.
    week.branch(ben, "acceptance", {"smoke.sh": "true\n", "report.xml": JUNIT})
    pack = "infratrack record --deliverable report report.xml && infratrack spool pack $SHARED/report.tar"
    held = (("INFRATRACK_DELIVERY", "hold"),)
    team.run(Job("report", "acceptance", pack, pull_request=True, more=held))
    assert standing(anna)["report"] == "not_started"
    week.merge(ben, "acceptance")
    deliver = "infratrack spool unpack --require-delivery $SHARED/report.tar"
    smoke = "infratrack run --deliverable smoke -- sh smoke.sh"
    team.run_all(Job("deliver", "main", deliver), Job("smoke", "main", smoke), Job("again", "main", deliver))
    assert "accepted by lead, not by ben" in ben.sh("infratrack accept smoke --comment 'Fine'", expect=5)
    anna.sh("git switch -q main && git pull -q && infratrack accept smoke --comment 'Seen it answer'")

    # A stranger's pull request signs with a key of its own; nothing of it is taken in.
    forged = "infratrack run --deliverable core -- true && infratrack spool pack $SHARED/forged.tar"
    team.run(Job("forged", "acceptance", forged, pull_request=True, with_key=False, more=held))
    assert "does not trust" in team.run(Job("deliver", "main", "infratrack spool unpack $SHARED/forged.tar"), expect=6)

    ends_well(week)


def test_a_ledger_that_was_rewound_is_noticed_and_nothing_is_appended_to_it(week: Week) -> None:
    job = Job("configure", "main", "infratrack run -- true")
    week.team.run(job)
    ref = "refs/heads/infratrack/ledger"
    early = git("rev-parse", ref, folder=week.team.remote)
    week.team.run(job)
    late = git("rev-parse", ref, folder=week.team.remote)
    week.carla.sh("infratrack ledger verify")

    git("update-ref", ref, early, folder=week.team.remote)
    for command in ("infratrack ledger verify", "infratrack status"):
        week.carla.sh(command, expect=6)
    assert "waits in the spool" in week.carla.sh("infratrack run -- true")
    assert git("rev-parse", ref, folder=week.team.remote) == early

    git("update-ref", ref, late, folder=week.team.remote)
    week.carla.sh("infratrack spool send && infratrack ledger verify", expect=6)  # her own key is not trusted
    week.team.run(job)
    week.carla.sh("infratrack ledger verify")
    assert len(shown(week.carla)) == 8


def ends_well(week: Week) -> None:
    """Everybody sees the same, it is right, the ledger verifies, and nobody's clone was touched."""
    people = (week.anna, week.ben, week.carla)
    for who in people:
        who.sh("git switch -q main && git pull -q")
    seen = [status(who) for who in people]
    assert seen[0]["ledger"] == seen[1]["ledger"] == seen[2]["ledger"]
    done = {"core": "complete", "edge": "complete", "switches": "complete", "report": "complete", "smoke": "accepted"}
    assert [standing(who) for who in people] == [done] * 3

    entries = shown(week.carla)
    assert len(entries) == seen[0]["ledger"]["size"]
    ends = Counter((one["predicateType"].split(":")[-2], one["outcome"]) for one in entries if one["outcome"])
    assert ends == {
        ("terraform-plan", "succeeded"): 4,  # two of them of the branch that was rewritten
        ("terraform-apply", "succeeded"): 2,
        ("terraform-apply", "failed"): 1,
        ("command", "canceled"): 1,
        ("command", "succeeded"): 3,
        ("https", "succeeded"): 1,  # the report, https://in-toto.io/attestation/test-result/v0.1
        ("signoff", "succeeded"): 1,
    }
    for who in people:
        who.sh("infratrack ledger verify")
        assert who.sh("git status --porcelain") == ""
        assert "infratrack" not in who.sh("git for-each-ref refs/heads; git config --local --list; ls .git .git/hooks")


def shown(who: Machine) -> list[dict[str, Any]]:
    return list(json.loads(who.sh("infratrack ledger show --format json 2> /dev/null"))["entries"])
