from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infratrack.capture.git_state import Checkout, GitQuestion, explain_refusal, read_checkout, with_told_branch
from infratrack.evidence.predicates import GitState

OID = b"# branch.oid 0123456789abcdef0123456789abcdef01234567\n"
COMMIT = OID.decode().split()[2]
MAIN = b"# branch.head main\n"


def remote(status: bytes, remotes: bytes) -> str | None:
    state = read_checkout(status, remotes).state
    assert state is not None
    return state.remote


def test_a_clean_checkout() -> None:
    assert read_checkout(OID + MAIN, b"") == Checkout(GitState(COMMIT, "main", dirty=False))


def test_a_changed_file_makes_it_dirty() -> None:
    state = read_checkout(OID + MAIN + b"1 .M N... 100644 100644 100644 a b file\n\n", b"").state
    assert state is not None
    assert state.dirty is True


def test_a_detached_head_has_no_branch() -> None:
    assert read_checkout(OID + b"# branch.head (detached)\n", b"").state == GitState(COMMIT, None, dirty=False)


def test_no_commits_yet_is_said() -> None:
    found = read_checkout(b"# branch.oid (initial)\n" + MAIN, b"")
    assert found.state == GitState(None, "main", dirty=False)
    assert found.missing == {"git.commit": "the repository has no commits yet"}


def test_the_branchs_own_remote_comes_first() -> None:
    remotes = b"remote.origin.url https://o\nremote.up.stream.url https://u\nbranch.main.remote up.stream\n"
    assert remote(OID + MAIN, remotes) == "https://u"


def test_then_origin_then_the_only_one() -> None:
    assert remote(OID + MAIN, b"remote.a.url https://a\nremote.origin.url https://o\n") == "https://o"
    assert remote(OID + MAIN, b"remote.a.url https://a\n") == "https://a"
    assert remote(OID + MAIN, b"remote.a.url https://a\nremote.b.url https://b\n") is None
    assert remote(OID + MAIN, b"remote.origin.url https://o\nbranch.main.remote .\n") == "https://o"


def test_a_pipeline_tells_the_branch_of_a_detached_checkout() -> None:
    detached = Checkout(GitState(COMMIT, None, dirty=False))
    on_main = Checkout(GitState(COMMIT, "main", dirty=False))
    assert with_told_branch(detached, "main") == on_main
    assert with_told_branch(detached, None) == detached
    assert with_told_branch(on_main, "other") == on_main
    assert with_told_branch(Checkout(None, {"git": "gone"}), "main") == Checkout(None, {"git": "gone"})


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        (b"fatal: detected dubious ownership in repository at '/x'", "another owner"),
        (b"fatal: not a git repository (or any of the parent directories)", "not a git repository"),
        (b"fatal: anything else", "could not read"),
    ],
)
def test_a_refusal_is_explained(errors: bytes, reason: str) -> None:
    assert reason in explain_refusal(errors)


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(tmp_path.parent), "HOME": str(tmp_path)} | more


def test_a_real_repository_is_read(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(tmp_path)], check=True, env=environment(tmp_path))
    found = GitQuestion(tmp_path, environment(tmp_path, GIT_TRACE="1")).answer()
    assert found.state == GitState(None, "trunk", dirty=False)


def test_the_answer_stays_the_same(tmp_path: Path) -> None:
    question = GitQuestion(tmp_path, environment(tmp_path))
    assert question.answer() is question.answer()
    assert question.answer() == Checkout(None, {"git": "not a git repository"})


def test_without_git_the_reason_is_said(tmp_path: Path) -> None:
    # The search for the program uses this process's own PATH, so a folder without it has to be a missing one.
    assert GitQuestion(tmp_path / "gone", environment(tmp_path)).answer() == Checkout(
        None, {"git": "the folder is gone"}
    )


def test_a_git_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setattr("infratrack.capture.git_state.DEADLINE_SECONDS", 0.2)
    found = GitQuestion(tmp_path, dict(os.environ)).answer()
    assert found.missing == {"git": "git did not answer within 0.2 s"}


def test_a_git_that_cannot_be_started_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").write_bytes(b"\x7fELF nonsense")
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    assert "could not be started" in GitQuestion(tmp_path, dict(os.environ)).answer().missing["git"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert GitQuestion(tmp_path, dict(os.environ)).answer().missing["git"] == "git is not installed"
