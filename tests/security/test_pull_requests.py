"""A pull request cannot say whom to trust. One test for each way in which it might try."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.security.team import ON_GITHUB, PLAN, PULL_REQUEST, Machine, Team

OWN_KEY = "trust: {signers: [{name: ci, key: keys/ci.pub}, {name: mine, key: keys/mine.pub}]}"


def delivered_by_stranger(team: Team) -> Machine:
    """The ledger, with what a contributor's own key signed in it; on the runner of their pull request."""
    mallory = team.contributor()
    mallory.ok("run", "--deliverable", "core", "--", "true", "core")
    team.take_ledger(mallory)
    return mallory


def test_evidence_of_a_stranger_counts_nowhere_whatever_their_pull_request_trusts(team: Team) -> None:
    mallory = delivered_by_stranger(team)
    mallory.write("keys/mine.pub", (mallory.home / "own.pub").read_text())
    mallory.edit("infratrack.yaml", "trust: {signers: [{name: ci, key: keys/ci.pub}]}", OWN_KEY)
    mallory.commit()
    team.propose(mallory)
    runner = team.runner()
    team.share_ledger(runner)
    found = runner.status(**PULL_REQUEST)
    assert found["policy"] == {
        "ref": "refs/remotes/origin/main",
        "commit": team.maintainer.git("rev-parse", "refs/remotes/origin/main"),
    }
    assert (found["deliverables"][0]["status"], found["evidence"]["counted"]) == ("not_started", 0)
    assert team.maintainer.deliverable()["status"] == "not_started"
    # The pull request's own files would have it otherwise: only the policy stands between.
    assert runner.deliverable(**PULL_REQUEST, INFRATRACK_POLICY_REF=".")["status"] == "complete"


def test_a_key_file_that_is_replaced_does_not_replace_the_key(team: Team) -> None:
    mallory = delivered_by_stranger(team)
    mallory.write("keys/ci.pub", (mallory.home / "own.pub").read_text())
    mallory.commit()
    team.propose(mallory)
    runner = team.runner()
    team.share_ledger(runner)
    assert runner.deliverable(**PULL_REQUEST)["status"] == "not_started"
    refused = runner.infratrack("ledger", "verify", **PULL_REQUEST)
    assert refused.returncode == 6
    assert "signed by nobody who is trusted here" in refused.stderr


def test_people_and_roles_that_a_pull_request_gives_itself_cannot_accept(team: Team) -> None:
    team.maintainer.ok("run", "--key", "ci", "--deliverable", "core", "--", "true", "core")
    mallory = team.contributor()
    mallory.write("keys/mine.pub", (mallory.home / "own.pub").read_text())
    mallory.edit("infratrack.yaml", "people:\n", "people:\n  - {id: mallory, keys: [keys/mine.pub], roles: [lead]}\n")
    mallory.edit("plan/work.yaml", "accepted_by: [lead]", "accepted_by: [mallory]")
    mallory.commit()
    team.share_ledger(mallory)
    refused = mallory.infratrack("accept", "core", "--comment", "seen")
    assert refused.returncode == 5
    assert "list it under `people` in the project file at origin/main" in refused.stderr
    # With the rules bent at home it can be signed; it counts for nobody else.
    mallory.ok("accept", "core", "--comment", "seen", "--policy-ref", ".")
    team.propose(mallory)
    team.take_ledger(mallory)
    runner = team.runner()
    team.share_ledger(runner)
    for judged in (runner.deliverable(**PULL_REQUEST), team.maintainer.deliverable()):
        assert (judged["status"], judged["acceptance"], judged["accepted_by"]) == ("complete", None, ["lead"])


def test_a_trusted_pipelines_run_of_a_pull_request_vouches_for_nobodys_right_to_accept(team: Team) -> None:
    """Ben is a person, but may not accept; a proposal says he may, and a trusted key records a run of it."""
    ben = team.contributor("ben")
    ben.edit("plan/work.yaml", "accepted_by: [lead]", "accepted_by: [ben]")
    ben.edit("plan/work.yaml", "deliverables:\n", f"deliverables:\n  - {NEW}\n")
    ben.commit()
    team.propose(ben)
    runner = team.runner(keys=True)
    for name in ("core", "extra"):
        runner.ok("run", "--key", "ci", "--deliverable", name, "--", "true", name, **PULL_REQUEST)
        refused = runner.infratrack("accept", name, "--key", "ben", "--comment", "mine", **PULL_REQUEST)
        assert refused.returncode == 5
        assert "`accepted_by` in the project file at origin/main says who may" in refused.stderr
        runner.ok("accept", name, "--key", "ben", "--comment", "mine", "--policy-ref", ".", **PULL_REQUEST)
    team.take_ledger(runner)
    assert team.maintainer.deliverable()["status"] == "complete"
    assert any("(accepted by ben) does not count" in note for note in team.maintainer.deliverable()["notes"])
    # Even once the deliverable itself is merged, with the lead to accept it, the early sign-off stays void.
    team.maintainer.write("plan/work.yaml", PLAN + f"  - {NEW.replace('[ben]', '[lead]')}\n")
    team.publish()
    assert team.maintainer.deliverable("extra")["status"] == "complete"


NEW = '{id: extra, name: Extra, accepted_by: [ben], done_when: {command.succeeded: {command: "true extra"}}}'


def test_a_ledger_that_a_pull_request_names_is_not_read_and_gets_nothing(team: Team) -> None:
    mallory = team.contributor()
    mallory.write("infratrack.yaml", (mallory.folder / "infratrack.yaml").read_text() + "ledger: sqlite:///mine.db\n")
    mallory.commit()
    team.propose(mallory)
    runner = team.runner(keys=True)
    runner.ok("run", "--key", "ci", "--deliverable", "core", "--", "true", "core", **PULL_REQUEST)
    assert not (runner.folder / "mine.db").exists()
    assert runner.deliverable(**PULL_REQUEST)["status"] == "complete"
    team.take_ledger(runner)
    assert team.maintainer.deliverable()["status"] == "complete"


def test_a_project_file_put_in_front_of_the_real_one_is_trusted_with_nothing(team: Team) -> None:
    mallory = delivered_by_stranger(team)
    mine = (mallory.folder / "infratrack.yaml").read_text().replace("keys/ci.pub", "mine.pub")
    for name, text in {"infratrack.yaml": mine.replace("keys/", ""), "plan/work.yaml": PLAN}.items():
        mallory.write(f"infra/{name}", text)
    for name in ("mine", "anna", "ben"):
        mallory.write(f"infra/{name}.pub", (mallory.home / "own.pub").read_text())
    mallory.edit("infra/infratrack.yaml", "  - {id: ben, keys: [ben.pub]}\n", "")
    mallory.commit()
    team.propose(mallory)
    runner = team.runner()
    team.share_ledger(runner)
    (runner.folder / ".infratrack").rename(runner.folder / "infra" / ".infratrack")
    shown = runner.infratrack_in(runner.folder / "infra", "status", "--format", "json", **PULL_REQUEST)
    assert "origin/main:infra/infratrack.yaml does not exist yet, so nobody is trusted" in shown.stderr
    assert {one["status"] for one in json.loads(shown.stdout)["deliverables"]} == {"not_started"}


def test_a_submodule_in_the_place_of_the_project_cannot_say_whom_to_trust(team: Team) -> None:
    folder = team.maintainer.folder / "west"
    folder.mkdir()
    for name in ("infratrack.yaml", "plan", "keys"):
        (team.maintainer.folder / name).rename(folder / name)
    team.publish()
    mallory = team.contributor()
    own = mallory.home / "own"
    mallory.git("clone", "-q", str(mallory.folder), str(own))
    shutil.copytree(own / "west", own, dirs_exist_ok=True)
    (own / "keys" / "ci.pub").write_text((mallory.home / "own.pub").read_text())
    mallory.git("add", "-A", cwd=own)
    mallory.git("commit", "-q", "-m", "Trust me", cwd=own)
    mallory.git("rm", "-r", "-q", "west")
    mallory.git("submodule", "--quiet", "add", f"file://{own}", "west")
    mallory.commit()
    team.propose(mallory)
    runner = team.runner()
    runner.git("submodule", "--quiet", "update", "--init")
    for given in (PULL_REQUEST, PULL_REQUEST | {"INFRATRACK_POLICY_REF": "refs/remotes/origin/main"}, ON_GITHUB):
        refused = runner.infratrack_in(runner.folder / "west", "status", **given)
        assert refused.returncode == 2
        assert "is a submodule here" in refused.stderr
        assert "check out the project's own repository" in refused.stderr
    # On somebody's own machine the project of a submodule is its own.
    assert runner.infratrack_in(runner.folder / "west", "status").returncode == 0


def test_the_proposed_work_itself_can_be_looked_at(team: Team) -> None:
    mallory = team.contributor()
    mallory.edit("plan/work.yaml", "deliverables:\n", f"deliverables:\n  - {NEW}\n")
    mallory.edit("plan/work.yaml", "name: Core is live", "name: Core is up")
    mallory.commit()
    team.propose(mallory)
    found = {one["id"]: one for one in team.runner().status(**PULL_REQUEST)["deliverables"]}
    assert found["core"]["name"] == "Core is up"
    assert found["extra"]["accepted_by"] == []


def test_where_only_the_merge_commit_was_fetched_the_sentence_names_the_fetch(team: Team) -> None:
    mallory = team.contributor()
    mallory.write("README", "x")
    mallory.commit()
    team.propose(mallory)
    runner = team.runner(fetch=False, keys=True)
    refused = runner.infratrack("status", **PULL_REQUEST)
    assert refused.returncode == 2
    fetch = "git fetch --no-tags --depth=1 origin +refs/heads/main:refs/remotes/origin/main"
    assert f"fetch it first: {fetch}\n" in refused.stderr
    # A wrapped command runs all the same, and what it left waits.
    ran = runner.infratrack("run", "--key", "ci", "--", "echo", "applied", **PULL_REQUEST)
    assert (ran.returncode, ran.stdout) == (0, "applied\n")
    assert fetch in ran.stderr
    runner.git(*fetch.split()[1:])
    assert "0 %" in runner.ok("status", **PULL_REQUEST)
    runner.ok("spool", "send", "--key", "ci", **PULL_REQUEST)


def test_a_tag_or_a_local_branch_named_like_the_protected_branch_is_not_taken_for_it(team: Team) -> None:
    mallory = delivered_by_stranger(team)
    mallory.write("keys/ci.pub", (mallory.home / "own.pub").read_text())
    mallory.commit()
    team.propose(mallory)
    runner = team.runner()
    for name in ("main", "origin/main"):
        runner.git("branch", name, "HEAD")
        runner.git("tag", name, "HEAD")
    team.share_ledger(runner)
    for asked in ([], ["--policy-ref", "main"], ["--policy-ref", "origin/main"]):
        found = runner.status(*asked, **PULL_REQUEST)
        assert (found["policy"]["ref"], found["evidence"]["counted"]) == ("refs/remotes/origin/main", 0)


@pytest.mark.parametrize("told", ["event", "symref", "usual name"])
def test_a_push_is_judged_by_the_default_branch(team: Team, told: str) -> None:
    machine = team.contributor()
    environment = dict(ON_GITHUB) if told == "event" else {"CI": "true"}
    if told != "symref":
        machine.git("remote", "set-head", "origin", "--delete")
    if told == "event":
        machine.git("update-ref", "refs/remotes/origin/master", "HEAD")
        event = machine.home / "event.json"
        event.write_text(json.dumps({"repository": {"default_branch": "main"}}))
        environment["GITHUB_EVENT_PATH"] = str(event)
    machine.git("checkout", "-q", "-b", "feature")
    machine.edit("infratrack.yaml", "keys/ci.pub", "keys/anna.pub")
    machine.commit()
    found = machine.status(**environment)
    assert found["policy"]["ref"] == "refs/remotes/origin/main"
