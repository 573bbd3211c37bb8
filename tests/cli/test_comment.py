"""`infratrack comment`, driven as a pipeline would, with a forge on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.delivered import PROJECT, Delivered
from tests.pipelines.forge_server import COMMIT, REPOSITORY, GitHubPlayer, GitLabPlayer, Trouble, playing

TOKEN = "ghs_" + "a1" * 18
MARK = "<!-- infratrack:dc-west -->"


@pytest.fixture
def delivered(tmp_path: Path) -> Delivered:
    return Delivered(tmp_path)


@pytest.fixture
def github() -> Iterator[GitHubPlayer]:
    player = GitHubPlayer()
    with playing(player):
        yield player


@pytest.fixture
def gitlab() -> Iterator[GitLabPlayer]:
    player = GitLabPlayer()
    with playing(player):
        yield player


def in_github(player: GitHubPlayer, delivered: Delivered, *, fork: bool = False, **more: str) -> dict[str, Any]:
    """The environment of a job for pull request 7."""
    head = {"sha": COMMIT, "repo": {"full_name": "mallory/network" if fork else REPOSITORY}}
    pull = {"number": 7, "head": head, "base": {"repo": {"full_name": REPOSITORY}}}
    event = delivered.home / "event.json"
    event.write_text(json.dumps({"pull_request": pull}), encoding="utf-8")
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": player.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_RUN_ID": "99",
        "GITHUB_SHA": "f" * 40,
        "GITHUB_TOKEN": TOKEN,
        **more,
    }


def in_gitlab(player: GitLabPlayer, **more: str) -> dict[str, Any]:
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": player.url,
        "CI_PROJECT_ID": "12",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_COMMIT_SHA": COMMIT,
        "INFRATRACK_GITLAB_TOKEN": "glpat-0123456789",
        **more,
    }


def commented(delivered: Delivered, environ: dict[str, Any], *arguments: str) -> dict[str, Any]:
    ended = delivered.infratrack("comment", "--format", "json", *arguments, **environ)
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def test_one_comment_and_one_status_on_github(delivered: Delivered, github: GitHubPlayer) -> None:
    environ = in_github(github, delivered)
    first = commented(delivered, environ, "--commit-status")
    assert {name: one["outcome"] for name, one in first["told"].items()} == {
        "comment": "created",
        "commit status": "set",
    }
    delivered.build("core")
    second = commented(delivered, environ, "--commit-status", "--context", "infratrack/main")
    assert second["told"]["comment"]["outcome"] == "updated"
    assert second["told"]["comment"]["url"].startswith("https://github.example/acme/network/pull/7#issuecomment-")
    (comment,) = github.comments
    assert comment["body"] == second["body"]
    assert comment["body"].startswith(f"{MARK}\n## West data centre\n")
    assert "[The run that wrote this](https://github.example/acme/network/actions/runs/99)" in comment["body"]
    assert [(one["state"], one["context"]) for one in github.statuses] == [
        ("success", "infratrack"),
        ("success", "infratrack/main"),
    ]
    assert github.statuses[1]["description"] == "75 % delivered"


def test_one_note_and_one_status_on_gitlab(delivered: Delivered, gitlab: GitLabPlayer) -> None:
    for outcome in ("created", "updated"):
        ended = delivered.infratrack("comment", "--commit-status", "--topic", "staging", **in_gitlab(gitlab))
        assert (ended.returncode, ended.stdout) == (0, "")
        assert ended.stderr == f"infratrack: comment: {outcome}\ninfratrack: commit status: set\n"
        delivered.build("core")
    (note,) = gitlab.comments
    assert note["body"].startswith("<!-- infratrack:dc-west/staging -->\n## West data centre · staging\n")
    assert gitlab.statuses[0]["state"] == "success"


def test_a_dry_run_asks_nobody(delivered: Delivered, github: GitHubPlayer) -> None:
    ended = delivered.infratrack("comment", "--dry-run", "--provider", "github", GITHUB_API_URL=github.url)
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"{MARK}\n## West data centre\n")
    assert github.asked == []


def test_no_trouble_with_a_forge_fails_the_job(delivered: Delivered, github: GitHubPlayer) -> None:
    environ = in_github(github, delivered)
    github.troubles.append(Trouble(403, {}, b'{"message": "Resource not accessible by integration"}'))
    refused = delivered.infratrack("comment", "--commit-status", **environ)
    assert refused.returncode == 0
    assert "comment: failed (GitHub does not let this token do that (403): Resource not accessible" in refused.stderr
    assert "permissions: {pull-requests: write, statuses: write}" in refused.stderr
    assert "infratrack: commit status: set\n" in refused.stderr
    without = delivered.infratrack("comment", **{**environ, "GITHUB_TOKEN": ""})
    assert without.returncode == 0
    assert "there is no token in GITHUB_TOKEN or GH_TOKEN" in without.stderr
    unreachable = delivered.infratrack("comment", **{**environ, "GITHUB_API_URL": "http://evil.example"})
    assert unreachable.returncode == 0
    assert "GITHUB_API_URL is no address that a token may be sent to" in unreachable.stderr
    nowhere = delivered.infratrack("comment")
    assert (nowhere.returncode, nowhere.stdout) == (0, "")
    assert "this is no pipeline of GitHub or GitLab" in nowhere.stderr


def test_a_fork_without_secrets_is_told_that_all_is_well(delivered: Delivered, github: GitHubPlayer) -> None:
    ended = delivered.infratrack("comment", **in_github(github, delivered, fork=True, GITHUB_TOKEN=""))
    assert ended.returncode == 0
    assert "this comes from a fork: its jobs have no secrets, and that is as it should be" in ended.stderr
    github.troubles.append(Trouble(403, {}, b'{"message": "Resource not accessible by integration"}'))
    ended = delivered.infratrack("comment", **in_github(github, delivered, fork=True))
    assert ended.returncode == 0
    assert "this comes from a fork" in ended.stderr


def test_where_there_is_no_pull_request_nothing_is_commented_on(delivered: Delivered, github: GitHubPlayer) -> None:
    environ = in_github(github, delivered, GITHUB_EVENT_PATH="", GITHUB_REF="refs/heads/main", GITHUB_SHA=COMMIT)
    ended = delivered.infratrack("comment", "--commit-status", "--strict", **environ)
    assert ended.returncode == 0
    assert "comment: skipped (this pipeline is about no pull request" in ended.stderr
    assert len(github.statuses) == 1
    named = delivered.infratrack("comment", "--number", "7", **environ)
    assert named.stderr == "infratrack: comment: created\n"


def test_strict_makes_it_fail_by_what_went_wrong(delivered: Delivered, github: GitHubPlayer) -> None:
    environ = in_github(github, delivered)
    github.troubles.append(Trouble(404))
    assert delivered.infratrack("comment", "--strict", **environ).returncode == 4
    assert delivered.infratrack("comment", "--strict", **{**environ, "GITHUB_TOKEN": ""}).returncode == 5
    assert delivered.infratrack("comment", "--strict").returncode == 2


def test_an_event_that_is_hostile_is_no_event(delivered: Delivered, github: GitHubPlayer) -> None:
    environ = in_github(github, delivered)
    for content in ("[" * 100_000, "\x00", '{"pull_request": {"number": "7; rm -rf"}}', '{"pull_request": []}'):
        Path(environ["GITHUB_EVENT_PATH"]).write_text(content)
        ended = delivered.infratrack("comment", **environ)
        assert ended.returncode == 0
        assert "skipped" in ended.stderr


def test_the_token_stands_in_no_output(delivered: Delivered, github: GitHubPlayer) -> None:
    echoed = b'{"message": "bad token ' + TOKEN.encode() + b'"}'
    github.troubles.extend([Trouble(403, {}, echoed), Trouble(422, {}, echoed)])
    for arguments in ((), ("--format", "json")):
        ended = delivered.infratrack("comment", *arguments, **in_github(github, delivered))
        assert ended.returncode == 0
        assert TOKEN not in ended.stdout + ended.stderr


@pytest.mark.parametrize("arguments", [("--topic", "a b"), ("--context", ""), ("--context", "a\nb"), ("--number", "0")])
def test_what_makes_no_sense_is_bad_input(delivered: Delivered, arguments: tuple[str, str]) -> None:
    assert delivered.infratrack("comment", "--dry-run", *arguments).returncode == 2


TERRAFORM = """\
resource "terraform_data" "vlan" {
  count = 2
  input = count.index
}
"""
WITH_TERRAFORM = (
    PROJECT
    + """\
  - {id: vlans, name: VLANs are live, done_when: {terraform.applied: {resources: "terraform_data.vlan[*]"}}}
"""
)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("terraform") is None, reason="no terraform")
def test_a_saved_plan_is_known_by_its_evidence_and_says_what_completes_and_what_regresses(
    delivered: Delivered, github: GitHubPlayer
) -> None:
    delivered.write("infratrack.yaml", WITH_TERRAFORM)
    delivered.write("main.tf", TERRAFORM)
    subprocess.run(
        ["terraform", "init", "-input=false"],
        cwd=delivered.folder,
        env=delivered.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    environ = in_github(github, delivered)

    def plan(name: str, *arguments: str) -> dict[str, Any]:
        delivered.ok("run", "--", "terraform", "plan", "-input=false", f"-out={name}", *arguments)
        return commented(delivered, environ, "--plan", name)

    first = plan("up.plan")
    assert [(one["id"], one["prospect"]) for one in first["outlook"]] == [("vlans", "completes")]
    assert "**Plan:** terraform plan in .: succeeded, 2 to create" in github.comments[0]["body"]
    shown = subprocess.run(
        ["terraform", "show", "-json", "up.plan"],
        cwd=delivered.folder, env=delivered.environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    delivered.write("plan.json", shown.stdout)
    assert commented(delivered, environ, "--plan", "plan.json")["outlook"] == first["outlook"]
    delivered.ok("run", "--", "terraform", "apply", "-input=false", "up.plan")
    second = plan("down.plan", "-destroy")
    assert [(one["id"], one["before"], one["prospect"]) for one in second["outlook"]] == [
        ("vlans", "complete", "regresses")
    ]
    assert second["commit_status"]["state"] == "failure"
    assert second["commit_status"]["description"].endswith(" delivered, 1 would regress")
    assert "| VLANs are live | complete | ✗ regresses | delete `terraform_data.vlan[0]`" in github.comments[0]["body"]
