"""Git's objects as a hostile server may send them, and the way to a path through them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError, IntegrityFailure
from infratrack.ledger.storage.git.importing import check_path, commit_stream
from infratrack.ledger.storage.git.objects import TreeEntry, read_batch, read_sizes, read_tree, tree_of_commit
from infratrack.ledger.storage.git.trees import DEEPEST, below, file_ids, find

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)


def tree(*entries: tuple[bytes, bytes, str]) -> bytes:
    return b"".join(b"%b %b\0%b" % (mode, name, bytes.fromhex(object_id)) for mode, name, object_id in entries)


def test_a_tree_is_read_by_name() -> None:
    content = tree((b"40000", b"folder", A), (b"100644", b"file", B), (b"120000", b"l", C), (b"160000", b"sub", D))
    assert read_tree(content, 20) == {
        "folder": TreeEntry("folder", A),
        "file": TreeEntry("file", B),
        "l": TreeEntry("link", C),
        "sub": TreeEntry("submodule", D),
    }
    assert read_tree(tree((b"100755", b"\xff\xfe", "a" * 64)), 32) == {"\udcff\udcfe": TreeEntry("file", "a" * 64)}
    assert read_tree(b"", 20) == {}


@pytest.mark.parametrize(
    "content",
    [
        b"100644",
        b"100644 name",
        b"100644 name\0short",
        b"10064400000 name\0" + b"x" * 20,
        tree((b"999999", b"name", A)),
        tree((b"100644", b"", A)),
        tree((b"100644", b".", A)),
        tree((b"40000", b"..", A)),
        tree((b"100644", b"a/b", A)),
        tree((b"100644", b"twice", A), (b"100644", b"twice", B)),
    ],
)
def test_a_tree_that_git_would_not_write_is_an_integrity_failure(content: bytes) -> None:
    with pytest.raises(IntegrityFailure):
        read_tree(content, 20)


def test_a_commit_names_its_tree() -> None:
    assert tree_of_commit(b"tree " + A.encode() + b"\nparent x\n") == A
    for content in (b"", b"tree x\n", b"parent " + A.encode() + b"\n"):
        with pytest.raises(IntegrityFailure):
            tree_of_commit(content)


def test_answers_of_cat_file_are_read_in_order() -> None:
    a, b = A.encode(), B.encode()
    output = b"%b blob 3\na\nb\n%b missing\n%b tree 0\n\n" % (a, b, b)
    found = [one and (one.object_id, one.type, one.content) for one in read_batch(output)]
    assert found == [(A, "blob", b"a\nb"), None, (B, "tree", b"")]
    assert read_sizes(b"%b blob 3\nx missing\n" % a) == [3, None]
    assert read_batch(b"") == []


@pytest.mark.parametrize("output", [b"no line end", b"nonsense\n", A.encode() + b" blob 9\nshort\n"])
def test_an_answer_of_cat_file_that_is_none_is_an_integrity_failure(output: bytes) -> None:
    with pytest.raises(IntegrityFailure):
        read_batch(output)


def test_sizes_that_are_none_are_an_integrity_failure() -> None:
    with pytest.raises(IntegrityFailure):
        read_sizes(b"nonsense\n")


@given(st.binary())
def test_no_bytes_make_any_other_trouble(content: bytes) -> None:
    for read in (lambda: read_tree(content, 20), lambda: read_batch(content), lambda: read_sizes(content)):
        with contextlib.suppress(IntegrityFailure):
            read()


FOLDERS = {
    A: {"folder": TreeEntry("folder", B), "file": TreeEntry("file", C), "far": TreeEntry("folder", D)},
    B: {"deep": TreeEntry("file", D)},
}


def test_paths_are_found_as_far_as_trees_are_here() -> None:
    search = find(A, ["file", "folder/deep", "folder/nothing", "nothing/at/all", "far/away", "folder"], FOLDERS)
    assert search.found == {
        "file": TreeEntry("file", C),
        "folder/deep": TreeEntry("file", D),
        "folder": TreeEntry("folder", B),
    }
    assert search.unread == {D}
    assert find("e" * 40, ["x"], FOLDERS).unread == {"e" * 40}


@pytest.mark.parametrize(
    ("kind", "path"), [("link", "x"), ("link", "x/y"), ("submodule", "x"), ("submodule", "x/y"), ("file", "x/y")]
)
def test_a_way_through_what_is_no_folder_is_an_integrity_failure(kind: str, path: str) -> None:
    with pytest.raises(IntegrityFailure, match="where it cannot be"):
        find(A, [path], {A: {"x": TreeEntry(kind, B)}})  # type: ignore[arg-type]  # each of them is a kind


def test_only_files_have_contents() -> None:
    assert file_ids({"a": TreeEntry("file", A)}) == {"a": A}
    with pytest.raises(IntegrityFailure, match="a folder where it cannot be"):
        file_ids({"a": TreeEntry("folder", A)})


def test_everything_below_a_folder_is_listed_as_far_as_it_is_here() -> None:
    found = below(A, FOLDERS)
    assert found.files == {"folder/deep": D, "file": C}
    assert found.unread == {D}
    with pytest.raises(IntegrityFailure):
        below(A, {A: {"x": TreeEntry("link", B)}})


def test_a_folder_that_holds_itself_ends_somewhere() -> None:
    with pytest.raises(IntegrityFailure):
        below(A, {A: {"again": TreeEntry("folder", A)}})
    assert DEEPEST < 100


def test_a_commit_is_told_to_fast_import_with_its_bytes_as_they_are() -> None:
    stream = commit_stream(branch="refs/x/y", base=A, files={"b": b"\0\n", "a/c": b""}, message="Zwölf\nfrom evil")
    assert stream.startswith(b"commit refs/x/y\nmark :1\nauthor infratrack <ledger@infratrack.invalid> now\n")
    told = "Zwölf\nfrom evil".encode()
    assert b"data %d\n%b\nfrom %b\nM 100644 inline a/c\ndata 0\n\nM 100644 inline b\ndata 2\n\0\n\n" % (
        len(told),
        told,
        A.encode(),
    ) in (stream)
    assert stream.endswith(b"get-mark :1\ndone\n")
    assert b"from" not in commit_stream(branch="refs/x/y", base=None, files={}, message="m")


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", "../a", "a/../b", ".git/config", "a b", 'a"', "a\nb", "ä", "a" * 1001]
)
def test_a_path_that_no_ledger_has_is_refused(path: str) -> None:
    with pytest.raises(InputError):
        check_path(path)
