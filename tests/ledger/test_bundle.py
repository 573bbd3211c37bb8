import base64
import json
import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer._key import SSlibKey

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.evidence.trust import Trust
from infratrack.ledger.bundle import export_bundle, import_bundle, verify_bundle
from infratrack.ledger.check import LedgerDamage
from infratrack.ledger.checkpoint import read_note, sign_checkpoint
from infratrack.ledger.log import Appended, Incoming, Ledger
from infratrack.ledger.storage.interface import Head
from infratrack.ledger.verify import verify_ledger
from infratrack.testing.builders import signing_key
from infratrack.testing.ledgers import append, incoming, sample_ledger, trust_in

CI, OTHER = signing_key("ci"), signing_key("other")
TRUST = trust_in(CI)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = sample_ledger(tmp_path, 5)
    append(ledger, [incoming(100, OTHER)], CI)
    return ledger


@pytest.fixture
def bundle(ledger: Ledger, tmp_path: Path) -> Path:
    export_bundle(ledger, tmp_path / "bundle")
    return tmp_path / "bundle"


def findings(bundle: Path, trust: Trust = TRUST) -> str:
    with pytest.raises(LedgerDamage) as raised:
        verify_bundle(bundle, trust)
    return "\n".join(raised.value.findings)


def appending(ledger: Ledger, items: Sequence[Incoming]) -> Sequence[Appended]:
    return append(ledger, items)


def test_a_bundle_is_plain_files_and_verifies_alone(bundle: Path, ledger: Ledger) -> None:
    names = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert {"envelopes.intoto.jsonl", "entries.jsonl", "checkpoint", "keys.json"} < names
    assert len(names) == 6
    assert (bundle / "checkpoint").read_text() == ledger.checkpoint()
    lines = (bundle / "envelopes.intoto.jsonl").read_bytes().split(b"\n")
    assert lines == [*(entry.line for entry in ledger.entries()), b""]
    verified = verify_bundle(bundle, TRUST)
    assert (verified.entries, verified.trusted, verified.keys, verified.blobs) == (6, 5, 2, 2)
    assert verified.root == ledger.root()


def test_securesystemslib_verifies_every_exported_envelope(bundle: Path) -> None:
    keys = {
        keyid: SSlibKey.from_dict(keyid, dict(written))
        for keyid, written in json.loads((bundle / "keys.json").read_text()).items()
    }
    for line in (bundle / "envelopes.intoto.jsonl").read_text().splitlines():
        document = json.loads(line)
        signer = keys[document["signatures"][0]["keyid"]]
        envelope = Envelope.from_dict(document)
        assert list(envelope.verify([signer], 1)) == [signer.keyid]
        assert envelope.payload == base64.b64decode(document["payload"])


def test_an_export_appears_whole_or_not_at_all(ledger: Ledger, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "bundle"
    damaged = next(path for path in (tmp_path / ".infratrack" / "blobs").rglob("*") if path.is_file())
    content = damaged.read_bytes()
    damaged.write_bytes(b"altered")
    with pytest.raises(IntegrityFailure, match="is damaged"):
        export_bundle(ledger, target)
    assert list(target.parent.iterdir()) == []
    damaged.write_bytes(content)
    target.mkdir()
    export_bundle(ledger, target)
    verify_bundle(target, TRUST)


def test_an_export_overwrites_nothing(ledger: Ledger, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for target in (bundle, bundle / "checkpoint", tmp_path / "link"):
        with pytest.raises(InputError, match="is in use"):
            export_bundle(ledger, target)
    with pytest.raises(Unreachable, match="could not be written"):
        export_bundle(ledger, bundle / "checkpoint" / "below")


def test_an_empty_ledger_has_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to export"):
        export_bundle(sample_ledger(tmp_path, 0), tmp_path / "bundle")


def test_a_blob_that_is_not_there_is_told(ledger: Ledger, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / ".infratrack" / "blobs")
    exported = export_bundle(ledger, tmp_path / "bundle")
    assert (exported.blobs, len(exported.absent)) == (0, 2)
    assert "it is missing, entry 0 names it" in findings(tmp_path / "bundle")


def test_a_trust_root_comes_from_outside_only(bundle: Path) -> None:
    with pytest.raises(IntegrityFailure, match="no trust root"):
        verify_bundle(bundle, Trust())
    assert "no key that the trust root names" in findings(bundle, trust_in(OTHER))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no bundle"):
        verify_bundle(tmp_path / "nowhere", TRUST)


def test_an_empty_bundle_verifies_nothing(bundle: Path) -> None:
    for name in ("entries.jsonl", "envelopes.intoto.jsonl", "keys.json", "checkpoint"):
        (bundle / name).write_bytes(b"")
    assert findings(bundle)


@pytest.mark.parametrize(
    ("name", "old", "new", "finding"),
    [
        ("entries.jsonl", b"}\n", b"}", "entries.jsonl: line 6 does not end with a line feed"),
        ("entries.jsonl", b"}\n", b"}\r\n", "not in canonical form"),
        ("entries.jsonl", b"}\n", b"}\n\n", "do not have the same number of lines"),
        ("envelopes.intoto.jsonl", b"}\n", b"} \n", "the envelope is not the one"),
        ("keys.json", b"\n", b"", "keys.json: it is not what the keys in it are written as"),
        ("keys.json", b"{", b"{ ", "keys.json: it is not what the keys in it are written as"),
        ("keys.json", b"public", b"secret", "keys.json: it cannot be read"),
        ("keys.json", b"}", b"\xff", "keys.json: it cannot be read"),
        ("checkpoint", "—".encode(), b"-", "is not a signature line"),
        ("checkpoint", "—".encode(), b"\xff", "checkpoint: it is not UTF-8"),
        ("checkpoint", b"infratrack/", b"infratracK/", "signature by 'ci' does not fit"),
    ],
)  # fmt: skip
def test_a_bundle_is_exactly_what_an_export_writes(
    bundle: Path, name: str, old: bytes, new: bytes, finding: str
) -> None:
    content = (bundle / name).read_bytes()
    head, found, tail = content.rpartition(old)
    assert found
    (bundle / name).write_bytes(head + new + tail)
    assert finding in findings(bundle)


def test_what_is_missing_or_added_is_damage(bundle: Path) -> None:
    (bundle / "checkpoint").unlink()
    assert "checkpoint: it is missing" in findings(bundle)
    (bundle / "notes.txt").write_text("hello")
    assert "notes.txt: it is no part of a bundle" in findings(bundle)
    (bundle / "keys.json").rename(bundle / "keys")
    (bundle / "keys.json").symlink_to(bundle / "keys")
    assert "keys.json: it is no part of a bundle" in findings(bundle)
    (bundle / "entries.jsonl").unlink()
    assert "entries.jsonl: it is missing" in findings(bundle)


@pytest.mark.parametrize("name", ["checkpoint", "entries.jsonl", "envelopes.intoto.jsonl", "keys.json"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_plain_file_is_damage_and_is_not_opened(
    bundle: Path, name: str, make: Callable[[Path], None]
) -> None:
    (bundle / name).unlink()
    make(bundle / name)
    found = findings(bundle)
    assert f"{name}: it is no part of a bundle" in found
    assert f"{name}: it is missing" in found


def test_a_blob_that_no_entry_names_is_damage(bundle: Path) -> None:
    (bundle / "blobs" / "sha256" / ("0" * 64)).write_bytes(b"")
    assert "no entry names it" in findings(bundle)


def test_an_altered_blob_is_damage(bundle: Path) -> None:
    next((bundle / "blobs" / "sha256").iterdir()).write_bytes(b"altered")
    assert "its content was altered" in findings(bundle)


def test_a_key_that_nobody_used_is_damage(bundle: Path) -> None:
    document = json.loads((bundle / "keys.json").read_text())
    key = signing_key("nobody").public_key
    document[key.keyid] = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": key.raw.hex()}}
    (bundle / "keys.json").write_text(json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n")
    assert "it does not hold exactly the keys" in findings(bundle)


def test_a_signature_of_an_unknown_key_is_damage_in_a_bundle(bundle: Path) -> None:
    note = (bundle / "checkpoint").read_text()
    witness = sign_checkpoint(read_note(note).checkpoint, signing_key("witness"), "witness").rpartition("\n\n")[2]
    (bundle / "checkpoint").write_text(note + witness)
    assert "a signature of an unknown key named 'witness'" in findings(bundle)


def test_a_signature_that_stands_twice_is_damage(bundle: Path) -> None:
    note = (bundle / "checkpoint").read_text()
    (bundle / "checkpoint").write_text(note + note.splitlines(keepends=True)[-1])
    assert "it carries the same signature twice" in findings(bundle)


def test_an_empty_ledger_becomes_the_log_that_was_exported(bundle: Path, ledger: Ledger, tmp_path: Path) -> None:
    target = sample_ledger(tmp_path / "target", 0)
    imported = import_bundle(bundle, target, TRUST, partial(appending, target))
    assert (imported.added, imported.restored) == (6, True)
    assert target.checkpoint() == ledger.checkpoint()
    assert [entry.entry for entry in target.entries()] == [entry.entry for entry in ledger.entries()]
    assert verify_ledger(target, TRUST).blobs == 2
    again = import_bundle(bundle, target, TRUST, partial(appending, target))
    assert (again.added, again.restored) == (0, False)
    append(target, [incoming(200)])
    verify_ledger(target, TRUST)
    with pytest.raises(InputError, match="not empty"):
        target.restore(Head("log", None), list, {})


def test_into_another_log_what_is_missing_is_appended(bundle: Path, tmp_path: Path) -> None:
    target = sample_ledger(tmp_path / "target", 2, blobs=0)
    origin = target.origin()
    imported = import_bundle(bundle, target, TRUST, partial(appending, target))
    assert (imported.restored, target.origin(), imported.added) == (False, origin, 6)
    assert verify_ledger(target, TRUST).entries == 8


def test_a_damaged_bundle_is_not_imported(bundle: Path, tmp_path: Path) -> None:
    (bundle / "checkpoint").write_text("x")
    target = sample_ledger(tmp_path / "target", 0)
    with pytest.raises(LedgerDamage):
        import_bundle(bundle, target, TRUST, partial(appending, target))
    assert (target.size(), list(target.blobs.list())) == (0, [])


def test_records_that_do_not_lead_to_the_checkpoint_are_not_restored(ledger: Ledger, tmp_path: Path) -> None:
    target = sample_ledger(tmp_path / "target", 0)
    records = [(entry.entry, entry.line) for entry in ledger.entries()][:-1]
    with pytest.raises(IntegrityFailure, match="do not lead to the checkpoint's root"):
        target.restore(Head(ledger.origin(), ledger.checkpoint()), lambda: records, ledger.known_keys())
    assert target.size() == target.storage.count() == 0
