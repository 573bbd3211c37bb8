"""Packs: what travels arrives byte for byte, and a file that is not exactly a pack brings nothing in."""

from __future__ import annotations

import io
import os
import random
import tarfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infratrack.capture import pack_format
from infratrack.capture.pack import write_pack
from infratrack.capture.pack_format import ABOUT, BLOBS, ENVELOPES, KEYS, Member
from infratrack.capture.unpack import Checked, check_pack, take_in
from infratrack.errors import InfratrackError, InputError, IntegrityFailure, Unreachable
from infratrack.evidence.envelope import seal
from infratrack.evidence.identity.endorsement import endorsement_of
from infratrack.evidence.identity.tokens import audience_for
from infratrack.evidence.identity.trusted import TrustedIdentity
from infratrack.evidence.keys import PublicKey, SigningKey
from infratrack.evidence.predicates import COMMAND, ENDORSEMENT, Artifact, Links, Run, RunPredicate, artifact
from infratrack.evidence.spool import Spool
from infratrack.evidence.spooled_keys import SpooledKeys
from infratrack.evidence.statement import bare_subject, build_statement, run_predicate
from infratrack.evidence.trust import Trust, TrustedSigner
from infratrack.ledger.bundle_format import write_keys
from infratrack.values import Digest, sha256_digest
from tests.evidence.identity.issuer import GITHUB, github_claims, issuer_key, token

KEY = SigningKey.from_seed(bytes(32))
STRANGER = SigningKey.from_seed(b"s" * 32)
KNOWN = {KEY.keyid: KEY.public_key}
LOG = b"a log\n" * 100
LOG_DIGEST = sha256_digest(LOG)


def evidence(
    run: str, *named: Digest, project: str | None = "dc-west", key: SigningKey = KEY, more: tuple[Artifact, ...] = ()
) -> bytes:
    predicate = RunPredicate(
        run=Run(run, outcome="succeeded"),
        links=None if project is None else Links(project),
        artifacts=(*(artifact("log", digest, "text/plain") for digest in named), *more),
    )
    payload = build_statement(subjects=[bare_subject(None, run)], predicate_type=COMMAND, predicate=predicate)
    return seal(payload, key)


def tar(members: Mapping[str, bytes], end: bytes = pack_format.END) -> bytes:
    """A pack with these members, whatever they are."""
    parts = []
    for name, content in members.items():
        member = Member(name, len(content))
        parts += [pack_format.write_header(member), content, bytes(member.padding)]
    return b"".join(parts) + end


def members(*lines: bytes, blobs: Mapping[Digest, bytes] | None = None, project: str = "dc-west") -> dict[str, bytes]:
    return {
        ABOUT: pack_format.write_about(project),
        KEYS: write_keys(KNOWN),
        ENVELOPES: b"".join(line + b"\n" for line in lines),
        **{pack_format.blob_name(digest): content for digest, content in sorted((blobs or {}).items())},
    }


GOOD = members(evidence("r1", LOG_DIGEST), evidence("r2"), blobs={LOG_DIGEST: LOG})


@pytest.fixture
def here(tmp_path: Path) -> Spool:
    """The spool of the machine that packs; two runs wait, one with a log."""
    spool = Spool(tmp_path / "here", "dc-west")
    spool.put(evidence("r1", LOG_DIGEST), {LOG_DIGEST: LOG})
    spool.put(evidence("r2"))
    return spool


@pytest.fixture
def there(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "there", "dc-west")


TRUST = Trust(signers={KEY.keyid: TrustedSigner("ci", None)})


def check(path: Path, known: Mapping[str, PublicKey] = KNOWN, trust: Trust = TRUST) -> Checked:
    return check_pack(path, "dc-west", trust, known)


def check_bytes(tmp_path: Path, content: bytes) -> Checked:
    path = tmp_path / "given.tar"
    path.write_bytes(content)
    return check(path)


def test_what_waits_here_waits_there_byte_for_byte(tmp_path: Path, here: Spool, there: Spool) -> None:
    packed = write_pack(tmp_path / "evidence.tar", "dc-west", here, KNOWN)
    assert (len(packed.evidence), packed.left_out) == (2, {})
    assert here.count() == 2
    for _ in range(2):  # again changes nothing
        take_in(check(tmp_path / "evidence.tar"), there)
    assert {one.line for one in there.pending()} == {one.line for one in here.pending()}
    assert [one.read_blobs() for one in there.pending() if one.blobs] == [{LOG_DIGEST: LOG}]


def test_a_pack_is_a_tar_that_every_tool_reads_and_the_same_content_is_the_same_bytes(
    tmp_path: Path, here: Spool
) -> None:
    for name in ("a.tar", "b.tar"):
        write_pack(tmp_path / name, "dc-west", here, KNOWN)
    content = (tmp_path / "a.tar").read_bytes()
    assert content == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getnames() == [ABOUT, KEYS, ENVELOPES, pack_format.blob_name(LOG_DIGEST)]
        envelopes = archive.extractfile(ENVELOPES)
        assert envelopes is not None
        assert sorted(envelopes.read().splitlines()) == sorted(one.line for one in here.pending())


def test_an_empty_spool_makes_an_empty_pack(tmp_path: Path, there: Spool) -> None:
    write_pack(tmp_path / "evidence.tar", "dc-west", Spool(tmp_path / "new", "dc-west"), {})
    checked = check(tmp_path / "evidence.tar")
    take_in(checked, there)
    assert checked.pieces == ()
    assert there.count() == 0


def test_what_is_no_evidence_is_left_out_and_told(tmp_path: Path, here: Spool) -> None:
    digest = here.put(b"not an envelope")
    packed = write_pack(tmp_path / "evidence.tar", "dc-west", here, KNOWN)
    assert list(packed.left_out) == [digest]
    assert len(check(tmp_path / "evidence.tar").pieces) == 2


def test_nothing_is_overwritten_and_nothing_half_written_is_left(
    tmp_path: Path, here: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there.tar").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        write_pack(tmp_path / "there.tar", "dc-west", here, KNOWN)
    assert (tmp_path / "there.tar").read_text() == "mine"
    with pytest.raises(Unreachable, match="no such file"):
        write_pack(tmp_path / "no" / "folder.tar", "dc-west", here, KNOWN)
    monkeypatch.setattr("infratrack.capture.pack.LARGEST_PACK", 1_000)
    with pytest.raises(InputError, match="more evidence waits"):
        write_pack(tmp_path / "large.tar", "dc-west", here, KNOWN)
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["there.tar"]
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_a_blob_that_is_gone_or_damaged_stays_behind(tmp_path: Path, here: Spool) -> None:
    (one,) = (one for one in here.pending() if one.blobs)
    (one.path / LOG_DIGEST.removeprefix("sha256:")).write_bytes(b"altered")
    write_pack(tmp_path / "evidence.tar", "dc-west", here, KNOWN)
    assert check(tmp_path / "evidence.tar").blobs == {}


def test_a_key_that_the_project_names_by_its_id_may_come_with_the_pack(
    tmp_path: Path, here: Spool, there: Spool
) -> None:
    write_pack(tmp_path / "evidence.tar", "dc-west", here, KNOWN)
    checked = check(tmp_path / "evidence.tar", known={})
    take_in(checked, there)
    assert SpooledKeys(there.folder).all() == KNOWN
    write_pack(tmp_path / "without.tar", "dc-west", here, {})
    with pytest.raises(IntegrityFailure, match="signing key is not known"):
        check(tmp_path / "without.tar", known={})


def test_a_key_is_not_trusted_for_coming_along(tmp_path: Path, there: Spool) -> None:
    line = evidence("forged", key=STRANGER)
    given = members(line) | {KEYS: write_keys({STRANGER.keyid: STRANGER.public_key})}
    with pytest.raises(IntegrityFailure, match="envelope 1 of the pack: the project does not trust its signer"):
        check_bytes(tmp_path, tar(given))
    (tmp_path / "given.tar").write_bytes(tar(members(evidence("r1"), line)))
    with pytest.raises(IntegrityFailure, match="envelope 2"):
        check(tmp_path / "given.tar", known={**KNOWN, STRANGER.keyid: STRANGER.public_key})
    assert there.count() == 0


def test_a_key_file_in_the_spool_that_lies_is_passed_over(tmp_path: Path) -> None:
    keys = SpooledKeys(tmp_path)
    assert keys.all() == {}
    keys.keep([KEY.public_key])
    (keys.folder / f"{STRANGER.keyid}.pub").write_text(KEY.public_key.pem)
    (keys.folder / "x.pub").write_text("no key")
    (keys.folder / "folder.pub").mkdir()
    assert keys.all() == KNOWN


def changed(at: str, content: bytes) -> bytes:
    return tar({**GOOD, at: content})


def renamed(name: str, to: str) -> bytes:
    return tar({to if one == name else one: content for one, content in GOOD.items()})


def with_header(**changes: object) -> bytes:
    """A pack whose first member has another kind of header."""
    info = tarfile.TarInfo(ABOUT)
    info.size, info.mode = len(GOOD[ABOUT]), 0o600
    for name, value in changes.items():
        setattr(info, name, value)
    return info.tobuf(tarfile.USTAR_FORMAT) + tar(GOOD)[512:]


BLOB_NAME = pack_format.blob_name(LOG_DIGEST)
LINES = GOOD[ENVELOPES].splitlines()
HOSTILE = {
    "nothing": b"",
    "text": b"hello" * 1_000,
    "compressed": b"\x1f\x8b" + bytes(2_000),
    "one zero block": bytes(512),
    "only an end": pack_format.END,
    "no end": tar(GOOD, b""),
    "half an end": tar(GOOD, bytes(512)),
    "something after the end": tar(GOOD) + bytes(512),
    "one byte less": tar(GOOD)[:-1],
    "a path upwards": renamed(BLOB_NAME, "../../" + BLOB_NAME),
    "a path from the root": renamed(BLOB_NAME, "/" + BLOB_NAME),
    "a path in the folder of blobs": renamed(BLOB_NAME, BLOBS + "../keys.json"),
    "another file": tar({**GOOD, "zzz": b""}),
    "a name of 100 characters": renamed(BLOB_NAME, BLOBS + "a" * 87),
    "upper case": renamed(BLOB_NAME, BLOB_NAME.upper()),
    "a symbolic link": with_header(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": with_header(type=tarfile.LNKTYPE, linkname="keys.json"),
    "a device": with_header(type=tarfile.CHRTYPE),
    "a pipe": with_header(type=tarfile.FIFOTYPE),
    "a sparse file": with_header(type=tarfile.GNUTYPE_SPARSE),
    "extended headers": with_header(type=tarfile.XHDTYPE),
    "an owner": with_header(uname="root"),
    "a set-uid bit": with_header(mode=0o4755),
    "a size too large": with_header(size=pack_format.LARGEST_ABOUT + 1),
    "a huge size": with_header(size=8**11 - 1),
    "members out of order": tar(dict(reversed(GOOD.items()))),
    "no keys": tar({name: content for name, content in GOOD.items() if name != KEYS}),
    "keys twice": tar(GOOD, tar({KEYS: GOOD[KEYS]})),
    "envelopes twice": tar(GOOD, tar({ENVELOPES: GOOD[ENVELOPES]})),
    "a blob twice": tar(GOOD, tar({BLOB_NAME: LOG})),
    "a blob that nothing names": tar({**members(LINES[1]), BLOB_NAME: LOG}),
    "a blob that is another": changed(BLOB_NAME, LOG + b"x"),
    "another version": changed(ABOUT, b'{"project":"dc-west","v":2}\n'),
    "no version": changed(ABOUT, b'{"project":"dc-west"}\n'),
    "white space": changed(ABOUT, b'{"project": "dc-west","v":1}\n'),
    "deep nesting": changed(ABOUT, b"[" * 4_000),
    "no text": changed(ABOUT, b"\xff"),
    "keys that are none": changed(KEYS, b"{}"),
    "a line without end": changed(ENVELOPES, GOOD[ENVELOPES][:-1]),
    "an empty line": changed(ENVELOPES, GOOD[ENVELOPES] + b"\n"),
    "a line twice": changed(ENVELOPES, GOOD[ENVELOPES] + LINES[0] + b"\n"),
    "an altered line": changed(ENVELOPES, GOOD[ENVELOPES].replace(b"A", b"B", 1)),
    "evidence of another project": tar(members(evidence("r1", project="other"))),
    "evidence of no project": tar(members(evidence("r1", project=None))),
}  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_is_not_exactly_a_pack_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(IntegrityFailure) as caught:
        check_bytes(tmp_path, content)
    assert "pack" in caught.value.message or KEYS in caught.value.message
    assert caught.value.message.isprintable()


def test_something_hidden_in_the_padding_is_found(tmp_path: Path) -> None:
    content = bytearray(tar(GOOD))
    content[512 + len(GOOD[ABOUT]) + 3] = 1
    with pytest.raises(IntegrityFailure, match="hidden behind"):
        check_bytes(tmp_path, bytes(content))


def test_no_byte_can_be_changed_unseen(tmp_path: Path) -> None:
    content = tar(GOOD)
    good = check_bytes(tmp_path, content).pieces
    chance = random.Random(5)  # noqa: S311 -- places to change, the same in every run
    for place in [*range(0, 600, 7), *(chance.randrange(len(content)) for _ in range(400))]:
        altered = bytearray(content)
        altered[place] ^= 1 << chance.randrange(8)
        with pytest.raises(InfratrackError):
            check_bytes(tmp_path, bytes(altered))
    assert len(good) == 2


def test_no_length_that_a_pack_breaks_off_at_is_taken_for_a_whole_one(tmp_path: Path) -> None:
    content = tar(GOOD)
    for length in range(0, len(content), 97):
        with pytest.raises(IntegrityFailure):
            check_bytes(tmp_path, content[:length])


def test_names_in_evidence_never_become_paths(tmp_path: Path, there: Spool) -> None:
    crafted = (
        Artifact("a", {"sha256": "../../../../etc/passwd"}),
        Artifact("b", {"sha256": ""}),
        Artifact("c", {"sha512": "x"}),
    )
    take_in(check_bytes(tmp_path, tar(members(evidence("r1", more=crafted)))), there)
    (one,) = there.pending()
    assert sorted(path.name for path in one.path.iterdir()) == ["line"]
    assert {path.name for path in there.folder.iterdir()} == {"keys", "waiting"}


def test_the_pack_of_another_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'other', not of 'dc-west'"):
        check_bytes(tmp_path, tar(members(project="other")))


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_BLOBS", "MOST_ENVELOPES"):
        with monkeypatch.context() as patched:
            patched.setattr(f"infratrack.capture.unpack.{name}", 0)
            with pytest.raises(IntegrityFailure):
                check_bytes(tmp_path, tar(GOOD))
    monkeypatch.setattr("infratrack.capture.unpack.LARGEST_PACK", 1_000)
    with pytest.raises(IntegrityFailure, match="at most 1000"):
        check_bytes(tmp_path, tar(GOOD))


def test_a_file_that_changes_between_the_two_readings_is_noticed(tmp_path: Path, there: Spool) -> None:
    checked = check_bytes(tmp_path, tar(GOOD))
    (tmp_path / "given.tar").write_bytes(bytes(len(tar(GOOD))))
    with pytest.raises(IntegrityFailure, match="was changed"):
        take_in(checked, there)
    assert there.count() == 0


def test_only_files_are_read_and_nothing_hangs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "pipe", tmp_path / "folder", Path("/dev/zero"), tmp_path / "none", Path("a\0b")):
        failures: list[BaseException] = []

        def look(path: Path = path, failures: list[BaseException] = failures) -> None:
            try:
                check(path)
            except InputError as error:
                failures.append(error)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        thread.join(10)
        assert len(failures) == 1, path


KEYLESS = SigningKey.from_seed(b"k" * 32)
JOBS = TrustedIdentity("deliver", GITHUB, (issuer_key().thumbprint,), (("repository", "acme/network"),))


def endorsement(key: SigningKey, **claims: Any) -> bytes:
    """The endorsement of a job's key, signed by the key, as a keyless job leaves it."""
    made = endorsement_of(key.keyid, token(github_claims(audience_for(key.keyid), **claims)), issuer_key())
    payload = build_statement(
        subjects=[bare_subject(None, "e1")],
        predicate_type=ENDORSEMENT,
        predicate=run_predicate(
            RunPredicate(run=Run("e1", outcome="succeeded"), links=Links("dc-west")), msgspec.to_builtins(made)
        ),
    )
    return seal(payload, key)


def keyless(tmp_path: Path, *lines: bytes) -> Path:
    path = tmp_path / "keyless.tar"
    keys = {one.keyid: one.public_key for one in (KEYLESS, STRANGER)}
    path.write_bytes(tar(members(*lines) | {KEYS: write_keys(keys)}))
    return path


def test_a_job_without_a_key_is_trusted_for_its_identity(tmp_path: Path, there: Spool) -> None:
    path = keyless(tmp_path, evidence("r1", key=KEYLESS), endorsement(KEYLESS))
    take_in(check(path, {}, Trust(identities=(JOBS,))), there)
    assert there.count() == 2
    assert SpooledKeys(there.folder).all() == {KEYLESS.keyid: KEYLESS.public_key}


@pytest.mark.parametrize(
    ("lines", "trust"),
    [
        ([evidence("r1", key=KEYLESS)], Trust(identities=(JOBS,))),
        ([evidence("r1", key=KEYLESS), endorsement(KEYLESS)], Trust()),
        ([evidence("r1", key=STRANGER), endorsement(KEYLESS)], Trust(identities=(JOBS,))),
        ([endorsement(KEYLESS, event_name="pull_request")], Trust(identities=(JOBS,))),
        ([endorsement(KEYLESS, repository="mallory/network")], Trust(identities=(JOBS,))),
    ],
)
def test_an_identity_vouches_for_nobody_else(tmp_path: Path, lines: list[bytes], trust: Trust) -> None:
    with pytest.raises(IntegrityFailure, match="does not trust its signer"):
        check(keyless(tmp_path, *lines), {}, trust)
