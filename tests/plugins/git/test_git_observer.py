"""The observer on real repositories: what it finds, and that every odd situation ends in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import Decision, InputError, Unreachable, Word
from infratrack.testing.builders import verdict
from infratrack_git import client
from infratrack_git.criteria import Merged, Tagged
from infratrack_git.evidence import RESULT_SCHEMA, GitObservation

from .conftest import Repository

VLANS = {"trailer": "Deliverable: core-vlans"}
NETWORK = {"path": "network/**"}


def decide(parameters: dict[str, Any], words: list[Word]) -> Decision:
    return verdict(Tagged() if "tag" in parameters else Merged(), parameters, words)


def test_a_merged_trailer_is_found_in_a_clone(upstream: Repository) -> None:
    clone = upstream.clone("clone")
    collected = clone.observe(merged=[VLANS])
    (answer,) = collected.result["merged"]
    assert answer == {
        "branch": None,
        "ref": "refs/remotes/origin/main",
        "found": True,
        "trailer": "Deliverable: core-vlans",
        "complete": True,
        "commit": upstream.git("rev-parse", "main~1"),
        "at": "2026-01-02T09:00:00.000000Z",
    }
    assert collected.subjects[0].digest == {"gitCommit": upstream.git("rev-parse", "main")}
    assert collected.tool == "git"
    assert collected.tool_version
    assert collected.missing == {}
    Draft202012Validator(RESULT_SCHEMA).validate(collected.result)
    assert decide(VLANS, clone.words(merged=[VLANS])) is Decision.SATISFIED


def test_nobodys_name_is_kept(upstream: Repository) -> None:
    text = json.dumps(upstream.observe(merged=[VLANS, NETWORK], tagged=[{"tag": "*"}]).result)
    assert "Ana" not in text
    assert "example.org" not in text


@pytest.mark.parametrize(
    "trailer",
    ["deliverable: core-vlans", "Deliverable=core-vlans", "DELIVERABLE:   core-vlans ", "Deliverable: core-vlans"],
)
def test_trailers_are_compared_as_git_does(upstream: Repository, trailer: str) -> None:
    assert decide({"trailer": trailer}, upstream.words(merged=[{"trailer": trailer}])) is Decision.SATISFIED


def test_only_a_real_trailer_counts(empty: Repository) -> None:
    empty.commit("Plan\n\nDeliverable: core-vlans will come later.\n\nThis is the last paragraph.")
    empty.commit("Deliverable: core-vlans is not done")
    empty.commit("More\n\nDeliverable: core-vlans-2")
    assert decide(VLANS, empty.words(merged=[VLANS])) is Decision.UNSATISFIED


def test_a_commit_that_is_not_on_the_protected_branch_is_not_merged(upstream: Repository) -> None:
    upstream.git("switch", "--quiet", "-c", "feature")
    upstream.commit("Firewall\n\nDeliverable: firewall", "firewall/rules.tf")
    wanted = [{"trailer": "Deliverable: firewall", "branch": "main"}, {"path": "firewall/**", "branch": "main"}]
    clone = upstream.clone("clone", "--branch=feature")
    for repository in (upstream, clone):
        words = repository.words(merged=wanted)
        assert [decide(parameters, words) for parameters in wanted] == [Decision.UNSATISFIED] * 2
    upstream.git("switch", "--quiet", "main")
    upstream.git("merge", "--quiet", "--no-ff", "-m", "Merge", "feature")
    assert [decide(parameters, upstream.words(merged=wanted)) for parameters in wanted] == [Decision.SATISFIED] * 2


def test_a_local_commit_that_was_never_pushed_is_not_merged(upstream: Repository) -> None:
    clone = upstream.clone("clone")
    clone.commit("Firewall\n\nDeliverable: firewall")
    firewall = {"trailer": "Deliverable: firewall"}
    assert decide(firewall, clone.words(merged=[firewall])) is Decision.UNSATISFIED


def test_paths_are_relative_to_the_project_folder(upstream: Repository) -> None:
    (upstream.folder / "network").mkdir(exist_ok=True)
    inside = {"path": "core/*.tf"}
    assert decide(inside, upstream.words("network", merged=[inside])) is Decision.SATISFIED
    assert decide(inside, upstream.words(merged=[inside])) is Decision.UNSATISFIED
    assert decide({"path": "network/*"}, upstream.words(merged=[{"path": "network/*"}])) is Decision.UNSATISFIED
    assert decide(NETWORK, upstream.words(merged=[NETWORK])) is Decision.SATISFIED


def test_since_looks_at_the_newest_commit(upstream: Repository) -> None:
    words = upstream.words(merged=[NETWORK, VLANS])
    assert decide(NETWORK | {"since": "2026-01-03"}, words) is Decision.SATISFIED
    assert decide(NETWORK | {"since": "2026-01-04"}, words) is Decision.UNSATISFIED
    assert decide(VLANS | {"since": "2026-01-02T09:00:00Z"}, words) is Decision.SATISFIED


def test_a_hostile_path_or_branch_is_an_answer_not_an_option(upstream: Repository) -> None:
    marker = upstream.folder / "out"
    wanted = [{"path": f"--output={marker}"}, {"path": "../outside"}, {"path": "x", "branch": f"--output={marker}"}]
    answers = upstream.observe(merged=wanted).result["merged"]
    assert not marker.exists()
    assert [answer["found"] for answer in answers] == [False, None, None]
    assert "outside" in answers[1]["reason"]
    assert answers[2]["reason"] == f"there is no branch --output={marker} here"


def test_in_a_shallow_clone_absence_is_unknown_and_presence_is_not(upstream: Repository) -> None:
    shallow = upstream.clone("shallow", "--depth=1")
    later = {"trailer": "Deliverable: later"}
    absent = {"path": "storage/**"}
    words = shallow.words(merged=[VLANS, later, NETWORK, absent])
    assert [decide(each, words) for each in (VLANS, later, NETWORK, absent)] == [Decision.UNKNOWN] * 4
    upstream.commit("Later\n\nDeliverable: later", "storage/disk.tf")
    shallow.git("fetch", "--quiet", "origin", "main")
    words = shallow.words(merged=[VLANS, later, NETWORK, absent])
    found = [decide(each, words) for each in (VLANS, later, NETWORK, absent)]
    assert found == [Decision.UNKNOWN, Decision.SATISFIED, Decision.UNKNOWN, Decision.SATISFIED]


def test_tags_are_found_on_their_branch(upstream: Repository) -> None:
    upstream.git("tag", "v1.0", "main~1")
    upstream.git("tag", "-a", "v1.1", "-m", "release", at="2026-01-06T09:00:00Z")
    upstream.git("switch", "--quiet", "-c", "feature")
    upstream.commit("Try")
    upstream.git("tag", "trial")
    wanted = [{"tag": "v1.*"}, {"tag": "trial"}, {"tag": "trial", "branch": "main"}, {"tag": "v1.0", "branch": "main"}]
    result = upstream.observe(tagged=wanted).result
    newest = next(answer for answer in result["tagged"] if answer["tag"] == "v1.*")
    assert (newest["name"], newest["commit"]) == ("v1.1", upstream.git("rev-parse", "main"))
    assert newest["at"] == "2026-01-06T09:00:00.000000Z"
    Draft202012Validator(RESULT_SCHEMA).validate(result)
    words = upstream.words(tagged=wanted)
    expected = [Decision.SATISFIED, Decision.SATISFIED, Decision.UNSATISFIED, Decision.SATISFIED]
    assert [decide(parameters, words) for parameters in wanted] == expected


def test_a_clone_that_brings_no_tags_proves_no_absence(upstream: Repository) -> None:
    upstream.git("tag", "v1.0")
    release = {"tag": "v1.*"}
    bare_of_tags = upstream.clone("no-tags", "--no-tags")
    assert decide(release, bare_of_tags.words(tagged=[release])) is Decision.UNKNOWN
    assert (
        decide(release, upstream.clone("shallow", "--depth=1", "--no-tags").words(tagged=[release])) is Decision.UNKNOWN
    )
    assert decide(release, upstream.clone("whole").words(tagged=[release])) is Decision.SATISFIED


def test_a_tag_on_a_branch_that_is_not_here_says_why(upstream: Repository) -> None:
    collected = upstream.clone("clone").observe(tagged=[{"tag": "v*", "branch": "release"}])
    assert collected.missing == {
        "git tag v*": "origin/release is not in this clone: fetch it, or check the branch's name"
    }


def test_a_pipelines_detached_checkout_asks_for_the_branch(upstream: Repository) -> None:
    clone = upstream.clone("ci")
    clone.git("remote", "set-head", "origin", "--delete")
    clone.git("checkout", "--quiet", "--detach")
    collected = clone.observe(merged=[VLANS])
    assert collected.result["currentBranch"] is None
    assert collected.result["protectedBranch"] is None
    assert "name `branch` in the criterion" in collected.missing["git trailer Deliverable: core-vlans"]
    named = VLANS | {"branch": "main"}
    assert decide(named, clone.words(merged=[named])) is Decision.SATISFIED
    clone.environment["CI_DEFAULT_BRANCH"] = "main"
    assert decide(VLANS, clone.words(merged=[VLANS])) is Decision.SATISFIED


def test_worktrees_and_bare_repositories_are_read(upstream: Repository) -> None:
    upstream.git("worktree", "add", "--quiet", "../tree", "-b", "side")
    tree = Repository(upstream.folder.parent / "tree")
    named = VLANS | {"branch": "main"}
    assert decide(named, tree.words(merged=[named])) is Decision.SATISFIED
    bare = upstream.clone("bare.git", "--mirror")
    answers = bare.observe(merged=[NETWORK]).result["merged"]
    assert answers[0]["found"] in (True, None)


def test_a_repository_without_a_commit_is_a_sentence(empty: Repository) -> None:
    with pytest.raises(InputError, match="has no commit yet") as refused:
        empty.observe()
    assert refused.value.hint == "commit the project file first"


def test_no_repository_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is in no git repository"):
        Repository(tmp_path).observe()


def test_a_repository_of_somebody_else_is_a_sentence_with_the_command(upstream: Repository) -> None:
    upstream.environment["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1"
    with pytest.raises(InputError, match="belongs to another user") as refused:
        upstream.observe()
    assert refused.value.hint == f"git config --global --add safe.directory {upstream.folder}"


def test_a_damaged_repository_is_a_sentence(upstream: Repository) -> None:
    (upstream.folder / ".git/config").write_text("[core\nbroken")
    with pytest.raises(InputError, match=r"git failed in .*bad config"):
        upstream.observe()


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder that can be entered"):
        Repository(tmp_path / "gone").observe()


def test_git_that_is_not_installed_is_a_sentence(upstream: Repository) -> None:
    upstream.environment["PATH"] = "/nowhere"
    with pytest.raises(Unreachable, match="git cannot be started"):
        upstream.observe()
    code = """
from pathlib import Path
from infratrack.api import Unreachable
from infratrack_git.client import GitClient
try:
    GitClient(Path("."), {})
except Unreachable as error:
    print(error.message)
"""
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "git is not on PATH\n"


def test_a_lost_boundary_file_is_a_sentence(upstream: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    shallow = upstream.clone("shallow", "--depth=1")
    whole = client.GitClient(shallow.folder, shallow.environment)
    monkeypatch.setattr(whole, "_folder", Path("/nowhere"))
    with pytest.raises(InputError, match="boundary cannot be read"):
        whole.checkout()


def test_a_missing_object_is_an_unknown_answer_with_the_reason(upstream: Repository) -> None:
    tree = upstream.git("rev-parse", "main^{tree}")
    (upstream.folder / ".git/objects" / tree[:2] / tree[2:]).unlink()
    collected = upstream.observe(merged=[NETWORK])
    assert collected.result["merged"][0]["found"] is None
    assert (
        "unable to read tree" in collected.missing["git path network/**"]
        or tree in collected.missing["git path network/**"]
    )
    upstream.git("tag", "v1")
    (upstream.folder / ".git/refs/tags/v1").write_text("f" * 40 + "\n")
    assert upstream.observe(tagged=[{"tag": "v1"}]).result["tagged"][0]["found"] is None


def test_the_users_own_git_settings_change_nothing(upstream: Repository) -> None:
    for setting in ("log.showSignature true", "log.follow true", "color.ui always", "log.date relative"):
        upstream.git("config", *setting.split())
    words = upstream.words(merged=[VLANS, NETWORK])
    assert [decide(parameters, words) for parameters in (VLANS, NETWORK)] == [Decision.SATISFIED] * 2


def test_a_replaced_commit_does_not_deceive(upstream: Repository) -> None:
    fake = upstream.git(
        "commit-tree", "main^{tree}", "-p", "main~1", "-m", "Fake\n\nDeliverable: firewall", at="2026-01-09T00:00:00Z"
    )
    upstream.git("replace", upstream.git("rev-parse", "main"), fake)
    firewall = {"trailer": "Deliverable: firewall"}
    assert decide(firewall, upstream.words(merged=[firewall])) is Decision.UNSATISFIED


def test_without_questions_head_and_branch_are_told(upstream: Repository) -> None:
    result = upstream.observe().result
    assert result["currentBranch"] == "main"
    assert result["protectedBranch"] == {"ref": "refs/heads/main", "commit": upstream.git("rev-parse", "HEAD")}
    assert GitObservation().summary({"result": result}).endswith("0 of 0 questions found")
