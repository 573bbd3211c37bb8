import hashlib

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.ledger import merkle
from infratrack.ledger.merkle import GrowingTree, Place

ENTRIES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
ENTRIES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def naive_root(entries: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word by word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return hashlib.sha256(b"\x01" + naive_root(entries[:half]) + naive_root(entries[half:])).digest()


class Tree:
    """A log in memory that keeps the hashes as the storage does: with the leaf that completes them."""

    def __init__(self, entries: list[bytes]) -> None:
        growing = GrowingTree()
        self.completed = [growing.add(entry) for entry in entries]
        self.root = growing.root()
        self.edge = growing.edge

    def hash_at(self, place: Place) -> bytes:
        return self.completed[place.last_leaf][32 * place.level : 32 * place.level + 32]


def sizes(most: int = 70) -> st.SearchStrategy[int]:
    return st.integers(0, most)


def some(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_the_published_vectors(size: int, root: str) -> None:
    assert Tree(ENTRIES[:size]).root.hex() == root


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_the_root_is_the_one_of_the_definition(entries: list[bytes]) -> None:
    assert Tree(entries).root == naive_root(entries)


@given(sizes())
def test_the_edge_is_made_of_the_stored_subtrees(size: int) -> None:
    tree = Tree(some(size))
    assert tree.edge == tuple(tree.hash_at(place) for place in merkle.places((0, size)))
    assert merkle.fold(tree.edge) == tree.root
    again = GrowingTree(size, tree.edge)
    again.add(b"one more")
    assert again.root() == naive_root([*some(size), b"one more"])


@given(sizes(), sizes())
def test_every_inclusion_is_proven_and_nothing_else(index: int, more: int) -> None:
    size = index + 1 + more
    tree = Tree(some(size))
    proof = merkle.proof_hashes(merkle.inclusion_spans(index, size), tree.hash_at)
    leaf = merkle.leaf_hash(b"entry %d" % index)
    assert merkle.is_included(leaf, index, size, proof, tree.root)
    assert not merkle.is_included(merkle.leaf_hash(b"another"), index, size, proof, tree.root)
    assert not merkle.is_included(leaf, index, size, (*proof, leaf), tree.root)
    assert not merkle.is_included(leaf, size, size, proof, tree.root)
    if proof:
        assert not merkle.is_included(leaf, index, size, proof[:-1], tree.root)


@given(sizes(), sizes())
def test_every_growth_is_proven_and_nothing_else(old: int, more: int) -> None:
    size = old + more
    tree, before = Tree(some(size)), Tree(some(old)).root
    proof = merkle.proof_hashes(merkle.consistency_spans(old, size), tree.hash_at)
    assert merkle.is_consistent(old, size, before, tree.root, proof)
    wrong = hashlib.sha256(b"wrong").digest()
    assert not merkle.is_consistent(old, size, wrong, tree.root, proof)
    assert not merkle.is_consistent(old, size, before, tree.root, (*proof, wrong))
    assert not merkle.is_consistent(size + 1, size, before, tree.root, proof)
    if old:
        assert not merkle.is_consistent(old, size, before, wrong, proof)
    if proof:
        assert not merkle.is_consistent(old, size, before, tree.root, proof[:-1])


def test_a_consistency_proof_that_is_empty_proves_nothing_of_an_odd_size() -> None:
    assert not merkle.is_consistent(3, 5, Tree(some(3)).root, Tree(some(5)).root, ())


@given(st.integers(1, 40), st.data())
def test_pymerkle_agrees_on_roots_and_proofs(size: int, data: st.DataObject) -> None:
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in some(size):
        theirs.append_entry(entry)
    tree = Tree(some(size))
    assert theirs.get_root() == tree.root
    index = data.draw(st.integers(0, size - 1))
    ours = merkle.proof_hashes(merkle.inclusion_spans(index, size), tree.hash_at)
    proven = theirs.prove_inclusion(index + 1, size)
    assert tuple(proven.path[1:]) == ours
    pymerkle.verify_inclusion(merkle.leaf_hash(b"entry %d" % index), tree.root, proven)
    old = data.draw(st.integers(1, size))
    consistency = theirs.prove_consistency(old, size)
    pymerkle.verify_consistency(Tree(some(old)).root, tree.root, consistency)


def test_questions_about_leaves_that_are_not_there() -> None:
    with pytest.raises(ValueError, match="leaf 3 is not in a tree of 3"):
        merkle.inclusion_spans(3, 3)
    with pytest.raises(ValueError, match="a tree of 4 cannot have grown to 3"):
        merkle.consistency_spans(4, 3)
