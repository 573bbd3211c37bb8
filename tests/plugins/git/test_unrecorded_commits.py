"""Commits that no run contains: found in real repositories, told with who and what, explained by later runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from infratrack.api import (
    Collected,
    Digest,
    InputError,
    Instant,
    ObserveContext,
    Pipeline,
    RecordedEvidence,
    UnrecordedEvidence,
    format_instant,
    parse_instant,
)
from infratrack.project.model import Step
from infratrack.project.schema_files import schema_file
from infratrack.testing.builders import MONDAY, predicate
from infratrack_git.branches import Ref
from infratrack_git.observed_changes import MOST_COMMITS
from infratrack_git.observer import GitObserver
from infratrack_git.unrecorded import (
    GIT_CHANGES,
    BranchCommit,
    DeclaredPath,
    change_of,
    declared_paths,
    read_changes,
    short_branch,
)
from tests.plugins.git.conftest import Repository

KIND = UnrecordedEvidence(GIT_CHANGES, "commits to the protected branch")
PIPELINE = Pipeline("p", (Step("terraform.apply", {"directory": "infra"}),), deliverables=("core",))
LATER = "2026-01-09T09:00:00Z"


class Watched:
    """A repository with runs at some of its commits, and what was found in it so far."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.runs: set[str] = set()
        self.kept: list[RecordedEvidence] = []

    def context(self, **more: Any) -> ObserveContext:
        values: dict[str, Any] = {
            "folder": self.repository.folder,
            "environment": self.repository.environment,
            "wanted": {},
            "changelog": True,
            "at": parse_instant("2026-02-01"),
            "run_commits": lambda: frozenset(self.runs),
            "recorded": lambda kind: [one for one in self.kept if one.predicate_type == kind],
            "pipelines": (PIPELINE,),
            **more,
        }
        return ObserveContext(**values)

    def look(self, **more: Any) -> dict[str, Any]:
        found = GitObserver().observe(self.context(**more))
        assert isinstance(found, Collected)
        assert found.predicate_type == GIT_CHANGES
        Draft202012Validator(KIND.schema).validate(found.result)
        digest, content = Digest("sha256:" + "0" * 64), predicate(found.result)
        self.kept.append(RecordedEvidence(digest, GIT_CHANGES, "run", MONDAY, "succeeded", None, content))
        return dict(found.result)

    def found(self, **more: Any) -> dict[str, bool]:
        return {one["id"]: one["recorded"] for one in self.look(**more)["changes"]}


@pytest.fixture
def watched(empty: Repository) -> Watched:
    first = empty.commit("Start", "infra/main.tf")
    watched = Watched(empty)
    watched.runs.add(first)
    return watched


def test_a_commit_under_a_declared_path_that_no_run_contains_is_named_with_who_and_when(watched: Watched) -> None:
    commit = watched.repository.commit("Open the firewall\n\nJust for today", "infra/fw.tf", at=LATER)
    watched.repository.commit("Write notes", "notes.md", at=LATER)
    result = watched.look()
    assert (result["source"], result["complete"]) == ("git main", True)
    (change,) = result["changes"]
    assert change == {
        "id": commit,
        "at": format_instant(parse_instant(LATER)),
        "by": "Ana Example",
        "what": f"commit {commit[:12]} on main is in no run: Open the firewall",
        "subject": {"type": "git.commit", "id": commit, "name": commit[:12]},
        "action": "commit",
        "before": None,
        "after": {"paths": ["infra/fw.tf"]},
        "request": None,
        "deliverables": ["core"],
        "recorded": False,
        "evidence": None,
    }
    assert "ana@example.org" not in json.dumps(result)


def test_what_a_later_run_contains_was_recorded_after_all(watched: Watched) -> None:
    one = watched.repository.commit("One", "infra/one.tf")
    two = watched.repository.commit("Two", "infra/two.tf")
    assert watched.found() == {one: False, two: False}
    watched.runs.add(one)
    assert watched.found() == {one: True, two: False}
    watched.runs = {watched.repository.commit("Notes", "notes.md")}
    assert watched.found() == {two: True}
    assert watched.found() == {}


def test_a_merge_is_found_by_its_commits_and_a_run_of_the_branch_contains_them(watched: Watched) -> None:
    repository = watched.repository
    repository.git("checkout", "-q", "-b", "topic")
    topic = repository.commit("Topic", "infra/topic.tf")
    repository.git("checkout", "-q", "main")
    repository.commit("Meanwhile", "notes.md")
    repository.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    assert watched.found() == {topic: False}
    watched.runs.add(topic)
    assert watched.found() == {topic: True}


def test_a_merge_that_changes_something_itself_is_found_too(watched: Watched) -> None:
    repository = watched.repository
    repository.git("checkout", "-q", "-b", "topic")
    topic = repository.commit("Topic", "infra/main.tf")
    repository.git("checkout", "-q", "main")
    here = repository.commit("Meanwhile", "infra/main.tf")
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("merge", "-q", "-m", "Merge topic", "topic")
    (repository.folder / "infra" / "main.tf").write_text("neither of the two")
    repository.git("commit", "-q", "-a", "-m", "Merge topic")
    merge = repository.git("rev-parse", "HEAD")
    result = watched.look()
    assert {one["id"]: one["after"]["paths"] for one in result["changes"]} == {
        merge: ["infra/main.tf"],
        here: ["infra/main.tf"],
        topic: ["infra/main.tf"],
    }


def test_what_is_not_on_the_protected_branch_is_not_meant(watched: Watched) -> None:
    watched.repository.git("checkout", "-q", "-b", "topic")
    watched.repository.commit("Topic", "infra/topic.tf")
    watched.repository.git("remote", "add", "origin", "https://example.org/x.git")
    watched.repository.git("update-ref", "refs/remotes/origin/main", "main")
    watched.repository.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    result = watched.look()
    assert (result["source"], result["changes"]) == ("git main", [])


def test_without_any_run_there_is_nothing_to_compare_with_unless_somebody_says_since_when(watched: Watched) -> None:
    watched.runs.clear()
    new = watched.repository.commit("New", "infra/new.tf", at=LATER)
    result = watched.look()
    assert result["changes"] == []
    assert "no run at any commit is recorded yet" in result["blindSpots"][0]
    assert watched.found(since=parse_instant("2026-01-08")) == {new: False}


def test_since_leaves_out_older_commits(watched: Watched) -> None:
    old = watched.repository.commit("Old", "infra/old.tf")
    new = watched.repository.commit("New", "infra/new.tf", at=LATER)
    assert watched.found(since=parse_instant("2026-01-08")) == {new: False}
    assert watched.found() == {new: False, old: False}


def test_a_shallow_clone_says_what_it_cannot_see(watched: Watched) -> None:
    old = watched.repository.commit("Old", "infra/old.tf")
    new = watched.repository.commit("New", "infra/new.tf")
    watched.look()
    shallow = Watched(watched.repository.clone("shallow", "--depth=2"))
    shallow.runs, shallow.kept = watched.runs, watched.kept
    result = shallow.look(since=Instant(0))
    assert [one["id"] for one in result["changes"]] == [new], "where it was cut, a commit seems to touch everything"
    assert result["complete"] is False
    assert "shallow" in result["blindSpots"][0]
    assert "1 commit that a run was made at is not in this clone" in result["blindSpots"][-1]
    assert old not in [one["id"] for one in result["changes"]]


def test_run_commits_of_other_repositories_and_odd_ones_do_no_harm(watched: Watched) -> None:
    commit = watched.repository.commit("New", "infra/new.tf")
    watched.runs |= {"f" * 40, "e" * 40, "--all", "main", "", "HEAD\n--exec=x"}
    result = watched.look()
    assert [one["id"] for one in result["changes"]] == [commit]
    assert "2 commits that runs were made at are not in this clone" in result["blindSpots"][-1]


def test_a_commit_that_is_gone_is_neither_recorded_nor_listed(watched: Watched) -> None:
    watched.repository.commit("New", "infra/new.tf")
    assert len(watched.found()) == 1
    watched.repository.git("reset", "-q", "--hard", "HEAD~1")
    assert watched.found() == {}, "it is on no branch, and in no run"
    watched.repository.git("reflog", "expire", "--expire=now", "--all")
    watched.repository.git("gc", "-q", "--prune=now")
    assert watched.found() == {}, "it is not even there any more"


def test_very_many_commits_are_cut_and_said_to_be(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_COMMITS >= 100
    monkeypatch.setattr("infratrack_git.observed_changes.MOST_COMMITS", 2)
    for number in range(3):
        watched.repository.commit(f"Commit {number}", f"infra/{number}.tf", at=f"2026-01-0{number + 6}T09:00:00Z")
    result = watched.look()
    assert (len(result["changes"]), result["complete"]) == (2, False)
    assert "only the newest 2 commits are listed" in result["blindSpots"]


def test_a_git_that_fails_is_a_sentence(watched: Watched) -> None:
    watched.repository.commit("New", "infra/new.tf")
    (tree,) = watched.repository.git("rev-parse", "HEAD^{tree}").split()
    (watched.repository.folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(InputError, match="git could not list the commits of main"):
        watched.look()


def test_without_a_declared_path_or_a_branch_there_is_a_sentence(watched: Watched) -> None:
    with pytest.raises(InputError, match="declares no path"):
        watched.look(pipelines=())
    watched.repository.git("remote", "add", "origin", "https://example.org/x.git")
    with pytest.raises(InputError, match="default of origin"):
        watched.look()


def test_a_project_in_a_folder_of_the_repository_sees_its_own_paths(watched: Watched) -> None:
    inner = watched.repository.commit("Inner", "project/infra/main.tf")
    (change,) = watched.look(folder=watched.repository.folder / "project")["changes"]
    assert (change["id"], change["after"]) == (inner, {"paths": ["infra/main.tf"]})


def test_what_a_commit_says_cannot_pose_as_another_commit(watched: Watched) -> None:
    forged = f"x\x1e{'a' * 40}\x1f1\x1fEve\x1fforged\x1b[2J"
    commit = watched.repository.commit(forged, "infra/\x1e\nodd.tf")
    (change,) = watched.look()["changes"]
    assert (change["id"], change["by"]) == (commit, "Ana Example")
    assert change["what"].isprintable()


def test_declared_are_folders_of_steps_and_criteria_and_merged_paths() -> None:
    deliverables: Mapping[str, Any] = {
        "a": {"terraform.applied": ({"directory": "./infra/", "resources": "*"},), "git.merged": ({"path": "net/**"},)},
        "b": {"ansible.converged": ({"playbook": "ansible/site.yml"}, {"playbook": "site.yml"})},
        "c": {"git.merged": ({"trailer": "X: y"},), "git.tagged": ({"tag": "v1"},), "junit.passed": ({"path": "x"},)},
        "d": {
            "terraform.applied": ({"directory": "/etc"}, {"directory": "../x"}, {"directory": ".."}, {"directory": 7})
        },
    }
    steps = (Step("terraform.plan", {"directory": "infra"}), Step("terraform.apply", {"directory": "."}))
    assert declared_paths(deliverables, [Pipeline("p", steps, deliverables=("z",))]) == {
        DeclaredPath("infra"): {"a", "z"},
        DeclaredPath("net/**", glob=True): {"a"},
        DeclaredPath("ansible"): {"b"},
        DeclaredPath("site.yml"): {"b"},
        DeclaredPath("."): {"z"},
    }


@pytest.mark.parametrize(
    ("path", "glob", "name", "held"),
    [
        (".", False, "any/thing", True),
        ("infra", False, "infra/main.tf", True),
        ("infra", False, "infra", True),
        ("infra", False, "infrastructure/x", False),
        ("a[b", False, "a[b/x", True),
        ("net/**", True, "net/a/b", True),
        ("net/*.tf", True, "net/a.tf", True),
        ("net/*.tf", True, "net/a.py", False),
        ("**/x", True, "x", True),
        ("**/x", True, "a/b/x", True),
        ("**/x", True, "a/b/y", False),
        ("net", True, "net/a/b", True),
        ("n?t/[ab]", True, "nut/b", True),
        ("a/**/b/*", True, "a/x/b/y", True),
        ("a/b", True, "a", False),
    ],
)
def test_which_files_a_path_holds(path: str, glob: bool, name: str, held: bool) -> None:  # noqa: FBT001 -- parameters
    assert DeclaredPath(path, glob=glob).holds(name) is held


def test_a_branch_has_the_same_name_in_every_clone() -> None:
    assert short_branch(Ref("refs/heads/main", "c"), ["origin"]) == "main"
    assert short_branch(Ref("refs/remotes/origin/release/1", "c"), ["up", "origin"]) == "release/1"


def test_an_odd_commit_is_told_as_far_as_it_goes() -> None:
    declared = {DeclaredPath("infra"): frozenset({"core"}), DeclaredPath("web"): frozenset({"web"})}
    change = change_of(BranchCommit("c" * 40, 10**15, "", "", ("infra/x", "doc/y")), "main", declared)
    assert (change.by, change.deliverables, change.after) == (None, ("core",), {"paths": ["infra/x"]})
    assert change.what.endswith("without a message")
    assert change.at is not None
    assert format_instant(change.at).startswith("9999")
    long = change_of(BranchCommit("c" * 40, 1, "n" * 999, "m" * 999), "main", declared)
    assert (len(long.by or ""), long.what.endswith("…")) == (200, True)


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from(["", "a" * 40, "7", ".n", ".s", "\np", "²"]), max_size=14).map(
        lambda parts: "\0".join(parts).encode()
    )
)
@settings(max_examples=300, deadline=None)
def test_whatever_git_says_is_read_or_left_out(output: bytes) -> None:
    for commit in read_changes(output):
        assert commit.id
        assert all(commit.paths)


def test_the_published_schema_is_that_in_the_code() -> None:
    assert json.loads(schema_file("v1/evidence/git-changes.schema.json")) == KIND.schema


def test_looking_for_changes_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        GitObserver().observe(ObserveContext(tmp_path / "nowhere", {}, {}, changelog=True))


def test_a_target_that_git_would_not_look_at_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="takes no TARGET"):
        GitObserver().observe(ObserveContext(tmp_path, {}, {}, target="infra"))
