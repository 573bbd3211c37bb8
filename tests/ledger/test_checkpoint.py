import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import IntegrityFailure
from infratrack.evidence.keys import PublicKey
from infratrack.ledger import checkpoint as notes
from infratrack.ledger.checkpoint import Checkpoint, read_note, sign_checkpoint, verify_note
from infratrack.testing.builders import signing_key

CI, OTHER = signing_key("ci"), signing_key("other")
HEAD = Checkpoint("infratrack/dc-west/01234567", 42, hashlib.sha256(b"root").digest())
NOTE = sign_checkpoint(HEAD, CI, "ci")
ROOT = base64.b64encode(HEAD.root).decode()


def line_of(note: str) -> str:
    return note.rpartition("\n\n")[2]


def test_a_checkpoint_is_the_note_that_the_format_describes() -> None:
    key_id = hashlib.sha256(b"ci\n\x01" + CI.public_key.raw).digest()[:4]
    signature = CI.sign(f"infratrack/dc-west/01234567\n42\n{ROOT}\n".encode())
    signed = base64.b64encode(key_id + signature).decode()
    assert f"infratrack/dc-west/01234567\n42\n{ROOT}\n\n— ci {signed}\n" == NOTE


def test_the_published_example_verifies() -> None:
    """The example key and note of Go's golang.org/x/mod/sumdb/note, which the format comes from."""
    key = PublicKey.from_raw(base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:])
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    key_id = notes.note_key_id("PeterNeumann", key)
    assert key_id.hex() == "c74f20a3"
    line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert key.verify(base64.b64decode(line)[4:], text.encode())


@given(st.integers(0, 10**18), st.binary(min_size=32, max_size=32))
def test_what_is_signed_is_read_and_verifies(size: int, root: bytes) -> None:
    head = Checkpoint("log", size, root)
    note = read_note(sign_checkpoint(head, CI, "a b+c\n"))
    assert note.checkpoint == head
    assert note.body == head.body
    assert [one.name for one in note.signatures] == ["a-b-c-"]
    assert verify_note(note, [OTHER.public_key, CI.public_key]).signers == (CI.public_key,)


def test_signatures_of_unknown_keys_are_ignored_and_named() -> None:
    note = read_note(NOTE + line_of(sign_checkpoint(HEAD, OTHER, "witness")))
    verification = verify_note(note, [CI.public_key])
    assert verification.signers == (CI.public_key,)
    assert verification.unknown == ("witness",)
    assert verify_note(note, []).signers == ()


def test_a_known_key_that_does_not_fit_rejects_the_note() -> None:
    forged = NOTE.replace("\n42\n", "\n43\n") + line_of(
        sign_checkpoint(Checkpoint(HEAD.origin, 43, HEAD.root), OTHER, "o")
    )
    with pytest.raises(IntegrityFailure, match="signature by 'ci' does not fit"):
        verify_note(read_note(forged), [CI.public_key, OTHER.public_key])


def test_extension_lines_are_read_and_signed() -> None:
    body = f"{HEAD.body}extension\n"
    content = notes.note_key_id("ci", CI.public_key) + CI.sign(body.encode())
    note = read_note(f"{body}\n— ci {base64.b64encode(content).decode()}\n")
    assert note.checkpoint == HEAD
    assert note.body == body
    assert verify_note(note, [CI.public_key]).signers


def test_a_name_is_never_empty() -> None:
    assert notes.note_key_name("") == "-"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a text"),
        (NOTE.rstrip("\n"), "each with a line feed"),
        (NOTE.replace("\n\n", "\n"), "expected a text"),
        (NOTE.replace("\n42\n", "\n042\n"), "is not a tree size"),
        (NOTE.replace("\n42\n", "\n-1\n"), "is not a tree size"),
        (NOTE.replace("\n42\n", "\n٤٢\n"), "is not a tree size"),
        (NOTE.replace("\n42\n", "\n\n42\n"), "one a line"),
        (NOTE.replace("\n42\n", "\n"), "one a line"),
        (NOTE.replace("\n42\n", "\n42\r\n"), "control characters"),
        (NOTE.replace(ROOT, ROOT[:-1]), "is not base64"),
        (NOTE.replace(ROOT, ROOT[:-2] + chr(ord(ROOT[-2]) + 1) + "="), "not canonical base64"),
        (NOTE.replace(ROOT, "AAAA"), "3 bytes, expected 32"),
        (NOTE.replace("— ci", "- ci"), "is not a signature line"),
        (NOTE.replace("— ci", "—  ci"), "is not a signature line"),
        (NOTE.replace("— ci", "— c+i"), "is not a signature line"),
        (NOTE.replace("— ci ", "— ci more "), "is not a signature line"),
        (f"{HEAD.body}\n— ci AAAAAA==\n", "carries no signature"),
        (f"{HEAD.body}\n" + line_of(NOTE) * 65, "more than 64 signatures"),
        ("x" * 2_000_000, "too long"),
    ],
)
def test_what_is_not_as_the_format_wants_it_is_told(text: str, message: str) -> None:
    with pytest.raises(IntegrityFailure, match=message):
        read_note(text)
