"""Real `infratrack` processes, each on a machine of its own, with the ledger on a branch of the project's remote."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infratrack.testing.builders import signing_key
from tests.ledger.git.daemon import GitDaemon, bare_repository, git, git_daemon

pytestmark = pytest.mark.slow

JOBS = 20
REF = "refs/heads/infratrack/ledger"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[GitDaemon]:
    bare_repository(tmp_path / "served" / "project.git")
    with git_daemon(tmp_path / "served") as daemon:
        yield daemon


@pytest.fixture
def checkout(daemon: GitDaemon, tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", folder=folder)
    git("remote", "add", "origin", daemon.url("project.git"), folder=folder)
    (folder / "ci.pub").write_text(signing_key("ci").public_pem)
    (folder / "infratrack.yaml").write_text(
        "infratrack: 1\nproject: {id: dc, name: DC}\nledger: git:infratrack/ledger\n"
        "trust: {signers: [{name: ci, key: ci.pub}]}\n"
    )
    git("add", ".", folder=folder)
    git("commit", "--quiet", "--message=project", folder=folder)
    git("push", "--quiet", "origin", "main", folder=folder)
    return folder


def start(checkout: Path, machine: str, *arguments: str) -> subprocess.Popen[str]:
    home = checkout.parent / machine
    environ = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "INFRATRACK_HOME": str(home / "infratrack"),
        "INFRATRACK_SIGNING_KEY": signing_key("ci").private_pem().decode(),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "infratrack", *arguments],
        cwd=checkout,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], expect: int = 0) -> str:
    output, errors = process.communicate(timeout=280)
    assert process.returncode == expect, output + errors
    return output + errors


def run(checkout: Path, machine: str, *arguments: str, expect: int = 0) -> str:
    return finish(start(checkout, machine, *arguments), expect)


def merge(checkout: Path, project: str) -> None:
    (checkout / "infratrack.yaml").write_text(project)
    git("commit", "--quiet", "--all", "--message=project", folder=checkout)
    git("push", "--quiet", "origin", "main", folder=checkout)


def test_twenty_jobs_appending_at_once_lose_and_fork_nothing(checkout: Path, daemon: GitDaemon) -> None:
    before = git("status", "--porcelain", folder=checkout), git("for-each-ref", folder=checkout)
    configuration = (checkout / ".git" / "config").read_bytes()
    jobs = [start(checkout, f"job-{number}", "run", "--", "true") for number in range(JOBS)]
    said = [finish(job) for job in jobs]
    assert not [words for words in said if "waits" in words]
    verified = json.loads(run(checkout, "auditor", "ledger", "verify", "--format", "json"))
    assert (verified["size"], verified["verified"]["trusted"]) == (2 * JOBS, 2 * JOBS)
    state = json.loads(run(checkout, "reader", "status", "--format", "json"))
    assert state["ledger"]["size"] == 2 * JOBS
    # Every commit has one parent: the branch was never forked and never forced.
    shape = git("rev-list", "--parents", REF, folder=daemon.root / "project.git").splitlines()
    assert [len(line.split()) for line in shape] == [2] * (len(shape) - 1) + [1]
    assert (git("status", "--porcelain", folder=checkout), git("for-each-ref", folder=checkout)) == before
    assert (checkout / ".git" / "config").read_bytes() == configuration


def test_every_command_about_the_ledger_works_on_a_branch(checkout: Path, tmp_path: Path) -> None:
    assert "there is no ledger on" in run(checkout, "a", "ledger", "verify", expect=6)
    run(checkout, "a", "run", "--", "true")
    run(checkout, "a", "run", "--", "true")
    run(checkout, "b", "ledger", "export", str(tmp_path / "bundle"))
    run(checkout, "b", "ledger", "verify", "--bundle", str(tmp_path / "bundle"))
    assert run(checkout, "b", "ledger", "proof", "1").startswith("c2sp.org/tlog-proof@v1\nindex 1\n")
    assert json.loads(run(checkout, "b", "status", "--format", "json"))["ledger"]["size"] == 4
    run(checkout, "a", "run", "--", "true")
    assert json.loads(run(checkout, "b", "status", "--format", "json"))["ledger"]["size"] == 6


def test_a_rewound_branch_ends_with_exit_code_6_and_the_evidence_waits(checkout: Path, daemon: GitDaemon) -> None:
    bare = daemon.root / "project.git"
    run(checkout, "a", "run", "--", "true")
    before = git("rev-parse", REF, folder=bare)
    run(checkout, "a", "run", "--", "true")
    git("update-ref", REF, before, folder=bare)
    assert "rolled back: this machine saw 4 entries" in run(checkout, "a", "ledger", "verify", expect=6)
    assert "rolled back" in run(checkout, "a", "status", expect=6)
    # The command's own exit code stays what it is.
    assert "rolled back" in run(checkout, "a", "run", "--", "true")
    assert git("rev-parse", REF, folder=bare) == before
    assert json.loads(run(checkout, "other", "ledger", "verify", "--format", "json"))["size"] == 2


def test_a_log_that_is_too_large_for_the_branch_is_declared_so_and_every_export_verifies(
    checkout: Path, tmp_path: Path
) -> None:
    project = (checkout / "infratrack.yaml").read_text()
    merge(checkout, project.replace("infratrack/ledger", "infratrack/ledger?blob_limit=1KiB"))
    said = run(checkout, "a", "run", "--log", "--", "seq", "1000")
    assert "only the digest is kept of an artifact of 3893 bytes: over 1024 do not go to the ledger's branch" in said
    run(checkout, "a", "run", "--log", "--", "seq", "10")
    verified = json.loads(run(checkout, "b", "ledger", "verify", "--format", "json"))["verified"]
    assert verified["blobs"] == 2  # the definition and the small log
    run(checkout, "b", "ledger", "export", str(tmp_path / "bundle"))
    run(checkout, "b", "ledger", "verify", "--bundle", str(tmp_path / "bundle"))


def test_a_ledger_in_a_file_moves_to_a_branch_and_stays_the_same_log(checkout: Path, tmp_path: Path) -> None:
    project = (checkout / "infratrack.yaml").read_text()
    merge(checkout, project.replace("git:infratrack/ledger", "sqlite:///ledger.db"))
    run(checkout, "a", "run", "--", "true")
    run(checkout, "a", "ledger", "export", str(tmp_path / "bundle"))
    merge(checkout, project)
    assert "as the log it was" in run(checkout, "a", "ledger", "import", str(tmp_path / "bundle"))
    run(checkout, "a", "run", "--", "true")
    assert json.loads(run(checkout, "b", "ledger", "verify", "--format", "json"))["size"] == 4


def test_what_is_wrong_with_the_branch_is_said_once_and_where_to_look(checkout: Path, daemon: GitDaemon) -> None:
    bare = daemon.root / "project.git"
    run(checkout, "a", "run", "--", "true")
    git("read-tree", REF, folder=bare)
    git("--work-tree=.", "update-index", "--force-remove", "edge/frontier", folder=bare)
    tree = git("write-tree", folder=bare)
    git("update-ref", REF, git("commit-tree", tree, "-p", REF, "-m", "by hand", folder=bare), folder=bare)
    said = run(checkout, "new", "run", "--", "true")
    assert said == (
        "infratrack: the evidence waits in the spool: the ledger's branch is damaged: edge/frontier: it is missing; "
        "see `infratrack ledger verify`\n"
    )
    assert "the ledger's branch is damaged: edge/frontier" in run(checkout, "new", "spool", "send", expect=6)
    assert run(checkout, "new", "ledger", "verify", expect=6).count("edge/frontier") == 1
