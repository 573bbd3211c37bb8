"""Reading git's output, choosing the protected branch, reading trailers: the pure part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack_git.branches import Checkout, Ref, Unresolved, protected_branch, read_refs
from infratrack_git.parse import (
    Commit,
    Tag,
    name_matches,
    newest,
    newest_by_trailer,
    newest_tag,
    read_commits,
    read_tags,
)
from infratrack_git.questions import (
    MergedQuestion,
    Trailer,
    merged_question,
    merged_questions,
    read_trailer,
    tagged_questions,
)

A, B = "a" * 40, "b" * 40
LOG = f"{A}\x1f100\x1fDeliverable: x\nno trailer\n: empty key\0{B}\x1f200\x1f\0broken\0{A}\x1fnever\x1f\0".encode()


def checkout(
    remotes: tuple[str, ...], *refs: Ref, current: str | None = "main", default: str | None = None
) -> Checkout:
    return Checkout(
        head=A,
        current=current,
        shallow=False,
        boundary=frozenset(),
        remotes=remotes,
        refs={ref.name: ref for ref in refs},
        tags_fetched=True,
        default_branch=default,
    )


LOCAL = Ref("refs/heads/main", A)
SIDE = Ref("refs/heads/side", B)
REMOTE = Ref("refs/remotes/origin/main", B)
REMOTE_HEAD = Ref("refs/remotes/origin/HEAD", B, "refs/remotes/origin/main")


def test_a_log_is_read_record_by_record() -> None:
    assert read_commits(LOG) == [Commit(A, 100, (("Deliverable", "x"), ("", "empty key"))), Commit(B, 200)]


def test_tags_are_read_line_by_line() -> None:
    output = f"v1\x1f{A}\x1f\x1f100\nv2\x1f{A}\x1f{B}\x1f200\nodd\x1f{A}\nv3\x1f{A}\x1f\x1f\n".encode()
    assert read_tags(output) == [Tag("v1", A, 100), Tag("v2", B, 200)]


def test_refs_are_read_line_by_line() -> None:
    output = f"refs/heads/main\x1f{A}\x1f\nrefs/remotes/origin/HEAD\x1f{B}\x1frefs/remotes/origin/main\nodd\n".encode()
    assert read_refs(output) == {LOCAL.name: LOCAL, REMOTE_HEAD.name: REMOTE_HEAD}


def test_the_newest_commit_is_told_by_time_then_id() -> None:
    commits = [Commit(B, 5, (("k", "v"),)), Commit(A, 5, (("K", "v"),)), Commit("c" * 40, 9)]
    assert newest(commits) == commits[2]
    assert newest([]) is None
    assert newest_by_trailer(commits) == {"trailer:k: v": commits[1]}


def test_the_newest_tag_that_matches() -> None:
    tags = [Tag("v1.0", A, 1), Tag("v1.1", B, 2), Tag("v2.0", B, 3)]
    assert newest_tag(tags, "v1.*") == tags[1]
    assert newest_tag(tags, "v3*") is None


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("v1", "v1", True),
        ("v1", "v1.0", False),
        ("v1.*", "v1.0", True),
        ("v1.*", "v1x0", False),
        ("*-rc*-*", "v1-rc2-x", True),
        ("*-rc*-*", "v1-rc2", False),
        ("a*a", "a", False),
        ("a**b", "a/b", True),
        ("*b*b", "ab", False),
    ],
)
def test_a_star_in_a_tag_stands_for_anything(pattern: str, name: str, expected: bool) -> None:  # noqa: FBT001 -- expected
    assert name_matches(pattern, name) is expected


@pytest.mark.parametrize(
    ("text", "trailer"),
    [
        ("Deliverable: core", Trailer("Deliverable", "core")),
        ("Deliverable=core: a", Trailer("Deliverable", "core: a")),
        ("Closes:  two   words", Trailer("Closes", "two words")),
        ("no separator", None),
        (": value", None),
        ("key:", None),
    ],
)
def test_trailers_are_read(text: str, trailer: Trailer | None) -> None:
    assert read_trailer(text) == trailer


def test_questions_are_asked_once_and_in_order() -> None:
    uses = [
        {"path": "b"},
        {"trailer": "K: v", "branch": "main"},
        {"path": "b", "since": "2026-01-01"},
        {"trailer": "?"},
    ]
    assert merged_questions(uses) == (MergedQuestion("", path="b"), MergedQuestion("main", trailer=Trailer("K", "v")))
    assert merged_question({"trailer": "?"}) is None
    assert [one.tag for one in tagged_questions([{"tag": "b"}, {"tag": "a"}, {"tag": "b"}])] == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [
        (checkout(("origin",), LOCAL, REMOTE, REMOTE_HEAD), "", REMOTE),
        (checkout(("origin", "fork"), LOCAL, REMOTE, REMOTE_HEAD), "main", REMOTE),
        (checkout(("origin",), LOCAL, REMOTE, default="main"), "", REMOTE),
        (checkout((), LOCAL, SIDE), "", LOCAL),
        (checkout((), LOCAL, SIDE), "side", SIDE),
        (checkout((), LOCAL, current=None), "", LOCAL),
        (checkout(("one", "two"), LOCAL), "main", LOCAL),
        (checkout(("up",), Ref("refs/remotes/up/main", B)), "main", Ref("refs/remotes/up/main", B)),
    ],
)
def test_the_protected_branch(given: Checkout, asked: str, expected: Ref) -> None:
    assert protected_branch(given, asked) == expected


@pytest.mark.parametrize(
    ("given", "asked", "reason"),
    [
        (checkout(("origin",), LOCAL), "", "does not know which branch is the default of origin"),
        (checkout(("origin",), LOCAL, REMOTE_HEAD), "", "does not know which branch"),
        (checkout(("origin",), LOCAL), "main", "origin/main is not in this clone"),
        (checkout(("origin",), LOCAL, default="main"), "", "origin/main is not in this clone"),
        (checkout((), LOCAL), "side", "there is no branch side here"),
        (checkout((), LOCAL, SIDE, current=None), "", "HEAD is detached and there is no remote"),
    ],
)
def test_a_branch_that_cannot_be_told_says_why(given: Checkout, asked: str, reason: str) -> None:
    answer = protected_branch(given, asked)
    assert isinstance(answer, Unresolved)
    assert reason in answer.reason


@given(st.binary())
def test_no_output_of_git_makes_reading_fail(output: bytes) -> None:
    assert isinstance(read_commits(output), list)
    assert isinstance(read_tags(output), list)
    assert isinstance(read_refs(output), dict)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_matching_agrees_with_the_regular_expression(pattern: str, name: str) -> None:
    import re

    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
    assert name_matches(pattern, name) is expected
