from __future__ import annotations

import pytest

from infratrack.errors import InputError
from infratrack.project.protected_ref import (
    Known,
    Protected,
    Ref,
    Told,
    asked_patterns,
    choose,
    names_a_commit,
    read_refs,
    spoken_ref,
)

MAIN, OTHER, EVIL = "a" * 40, "b" * 40, "e" * 40
HERE = Told()
CI = Told(in_ci=True)


def known(*remotes: str, head: str = "", **refs: str) -> Known:
    """Remotes and refs; `origin__main` stands for `refs/remotes/origin/main`."""
    found = {f"refs/{name.replace('__', '/')}": Ref(commit) for name, commit in refs.items()}
    if head:
        found["refs/remotes/origin/HEAD"] = Ref(MAIN, head)
    return Known(remotes, found)


def name_of(chosen: Protected | None) -> str | None:
    return chosen.name if chosen else None


def test_only_a_whole_id_names_a_commit() -> None:
    assert names_a_commit(MAIN)
    assert not any(names_a_commit(asked) for asked in (None, "", MAIN[:12], "origin/main", f"{MAIN}\n"))


def test_without_a_remote_the_working_tree_speaks_for_itself() -> None:
    assert choose(None, HERE, known(heads__main=MAIN)) is None
    assert choose(None, CI, known()) is None


def test_the_default_branch_is_the_one_that_the_remote_names() -> None:
    refs = known("origin", head="refs/remotes/origin/trunk", remotes__origin__trunk=OTHER, remotes__origin__main=MAIN)
    assert choose(None, HERE, refs) == Protected("refs/remotes/origin/trunk", OTHER)
    elsewhere = known("origin", head="refs/heads/evil", remotes__origin__main=MAIN, heads__evil=EVIL)
    assert name_of(choose(None, HERE, elsewhere)) == "refs/remotes/origin/main"


def test_a_usual_name_will_do_when_there_is_just_one() -> None:
    assert name_of(choose(None, HERE, known("up", remotes__up__master=MAIN))) == "refs/remotes/up/master"
    with pytest.raises(InputError, match="cannot be told which branch of origin is protected"):
        choose(None, HERE, known("origin", remotes__origin__main=MAIN, remotes__origin__master=OTHER))


def test_a_pull_request_is_judged_by_the_branch_that_it_goes_to() -> None:
    refs = known("origin", **{"remotes__origin__release/1": OTHER, "remotes__origin__main": MAIN})
    told = Told(in_ci=True, target="release/1", default="main")
    assert choose(None, told, refs) == Protected("refs/remotes/origin/release/1", OTHER)
    assert name_of(choose(None, Told(in_ci=True, default="main"), refs)) == "refs/remotes/origin/main"


def test_where_only_the_merge_commit_was_fetched_the_fetch_to_add_is_named() -> None:
    only = known("origin", **{"remotes__pull/7/merge": EVIL, "heads__main": EVIL, "tags__origin/main": EVIL})
    with pytest.raises(InputError) as refused:
        choose(None, Told(in_ci=True, target="main"), only)
    fetch = "git fetch --no-tags --depth=1 origin +refs/heads/main:refs/remotes/origin/main"
    assert fetch in refused.value.message
    with pytest.raises(InputError, match="cannot be told"):
        choose(None, CI, only)
    with pytest.raises(InputError, match=r"'\+refs/heads/a;b:refs/remotes/origin/a;b'"):
        choose(None, Told(in_ci=True, target="a;b"), only)


def test_a_remote_that_nobody_ever_spoke_to_is_as_good_as_none_outside_of_ci() -> None:
    assert choose(None, HERE, known("origin", heads__main=MAIN)) is None
    with pytest.raises(InputError, match="cannot be told"):
        choose(None, HERE, known("origin", remotes__origin__mine=EVIL))


def test_of_several_remotes_origin_counts_or_one_has_to_be_named() -> None:
    refs = {"remotes__origin__main": MAIN, "remotes__fork__main": EVIL}
    assert choose(None, HERE, known("fork", "origin", **refs)) == Protected("refs/remotes/origin/main", MAIN)
    with pytest.raises(InputError, match="which remote says whom to trust: fork, up"):
        choose(None, HERE, known("up", "fork"))
    assert choose("fork/main", HERE, known("up", "fork", **refs)) == Protected("refs/remotes/fork/main", EVIL)


def test_what_is_asked_for_by_name_is_never_a_local_branch_or_a_tag_where_there_is_a_remote() -> None:
    refs = known("origin", heads__main=EVIL, tags__main=EVIL, remotes__origin__main=MAIN)
    assert choose("main", HERE, refs) == Protected("refs/remotes/origin/main", MAIN)
    assert choose("origin/main", HERE, refs) == Protected("refs/remotes/origin/main", MAIN)
    assert choose("refs/heads/main", HERE, refs) == Protected("refs/heads/main", EVIL)
    with pytest.raises(InputError, match="origin/gone is not in this clone"):
        choose("gone", HERE, known("origin", heads__gone=EVIL))
    with pytest.raises(InputError, match="there is no ref refs/tags/v1"):
        choose("refs/tags/v1", HERE, refs)


def test_without_a_remote_a_local_branch_can_be_asked_for() -> None:
    assert choose("main", HERE, known(heads__main=MAIN)) == Protected("refs/heads/main", MAIN)
    with pytest.raises(InputError, match="there is no ref gone"):
        choose("gone", HERE, known(heads__main=MAIN))


@pytest.mark.parametrize("commit", ["c" * 40, "c" * 64])
def test_a_whole_commit_id_can_be_asked_for(commit: str) -> None:
    assert asked_patterns(commit, ["origin"]) == ()
    assert choose(commit, HERE, known("origin")) == Protected(commit, commit)
    assert spoken_ref(commit) == "c" * 12


@pytest.mark.parametrize(
    "name",
    ["-x", "--upload-pack=x", "a b", "a\nb", "a..b", "main~1", "HEAD@{1}", "a:b", "*", "/x", "x/", "", "\x1b[31m"],
)
def test_what_can_be_no_ref_is_refused_before_git_sees_it(name: str) -> None:
    with pytest.raises(InputError, match="is not the name of a ref"):
        asked_patterns(name, ["origin"])


def test_only_refs_that_may_be_meant_are_asked_for() -> None:
    assert asked_patterns(None, ["origin"]) == ("refs/remotes/",)
    assert asked_patterns("main", ["origin"]) == ("refs/remotes/origin/main",)
    assert asked_patterns("main", []) == ("refs/heads/main",)
    assert asked_patterns("refs/tags/v1", ["origin"]) == ("refs/tags/v1",)


def test_refs_are_read_with_tags_followed_and_names_are_told_short() -> None:
    listed = f"refs/tags/v1 {OTHER} {MAIN} \nrefs/remotes/origin/HEAD {MAIN}  refs/remotes/origin/main\nnonsense\n"
    assert read_refs(listed.encode()) == {
        "refs/tags/v1": Ref(MAIN),
        "refs/remotes/origin/HEAD": Ref(MAIN, "refs/remotes/origin/main"),
    }
    assert [spoken_ref(f"refs/{one}") for one in ("remotes/origin/a/b", "heads/a", "tags/v1", "pull/1/head")] == [
        "origin/a/b", "a", "v1", "refs/pull/1/head",
    ]  # fmt: skip
    assert Protected("refs/remotes/origin/main", MAIN).short == "origin/main"
