import pytest

from infratrack.errors import IntegrityFailure
from infratrack.ledger import merkle
from infratrack.ledger.checkpoint import Checkpoint, sign_checkpoint
from infratrack.ledger.merkle import GrowingTree
from infratrack.ledger.proof import HEADER, LogProof, read_proof, verify_proof, write_proof
from infratrack.testing.builders import signing_key

CI, OTHER = signing_key("ci"), signing_key("other")
ENTRIES = [b"zero", b"one", b"two"]


def proof_of(index: int) -> LogProof:
    tree = GrowingTree()
    completed = [tree.add(entry) for entry in ENTRIES]
    hashes = merkle.proof_hashes(
        merkle.inclusion_spans(index, 3),
        lambda place: completed[place.last_leaf][32 * place.level : 32 * place.level + 32],
    )
    return LogProof(index, hashes, sign_checkpoint(Checkpoint("log", 3, tree.root()), CI, "ci"))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_proof_file_proves_its_entry_and_no_other(index: int) -> None:
    text = write_proof(proof_of(index))
    assert text.startswith(f"c2sp.org/tlog-proof@v1\nindex {index}\n")
    assert text.endswith("\n\n" + proof_of(index).note)
    proof = read_proof(text)
    assert proof == proof_of(index)
    assert verify_proof(proof, ENTRIES[index], [CI.public_key]).size == 3
    with pytest.raises(IntegrityFailure, match=f"does not show that the entry stands at index {index}"):
        verify_proof(proof, b"other", [CI.public_key])


def test_a_proof_under_a_checkpoint_of_nobody_trusted_proves_nothing() -> None:
    with pytest.raises(IntegrityFailure, match="no key that is trusted here"):
        verify_proof(proof_of(0), ENTRIES[0], [OTHER.public_key])


def test_the_opaque_extra_line_is_kept() -> None:
    proof = LogProof(0, (), proof_of(0).note, b"opaque")
    assert "\nextra b3BhcXVl\nindex 0\n\n" in write_proof(proof)
    assert read_proof(write_proof(proof)) == proof


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the first line"),
        ("c2sp.org/tlog-proof@v2\nindex 0\n\n", "expected the first line"),
        (f"{HEADER}\nindex 0\n", "expected the first line"),
        (f"{HEADER}\n\nnote", "expected a line `index N`"),
        (f"{HEADER}\nindex 00\n\nnote", "expected a line `index N`"),
        (f"{HEADER}\nindex 0\nAAAA\n\nnote", "does not have 32 bytes"),
        (f"{HEADER}\nindex 0\n!\n\nnote", "is not base64"),
        (f"{HEADER}\nindex 0" + "\nAAAA" * 65 + "\n\nnote", "more than 64 hashes"),
        ("x" * 3_000_000, "too long"),
    ],
)
def test_what_is_not_as_the_format_wants_it_is_told(text: str, message: str) -> None:
    with pytest.raises(IntegrityFailure, match=message):
        read_proof(text)
