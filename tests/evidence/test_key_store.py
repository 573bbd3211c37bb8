"""The key store: private keys stay private, are never overwritten, and it is always plain which one signs."""

from __future__ import annotations

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infratrack.errors import InputError, Unreachable
from infratrack.evidence.key_store import (
    KeyExists,
    KeyStore,
    NoSigningKey,
    choose_signing_key,
    home_folder,
    key_from_environment,
)
from infratrack.evidence.keys import PublicKey, SigningKey


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "home")


def test_a_new_key_is_private_to_its_owner_and_comes_back(store: KeyStore) -> None:
    made = store.create("ci")
    path = store.folder / "ci.pem"
    assert made.source == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert store.load("ci").key.keyid == made.key.keyid
    assert PublicKey.from_pem(store.export("ci")) == made.key.public_key
    assert [path.name for path in store.folder.iterdir()] == ["ci.pem"]


def test_a_key_is_never_overwritten(store: KeyStore) -> None:
    keyid = store.create("ci").key.keyid
    with pytest.raises(KeyExists, match="is there already"):
        store.create("ci")
    assert [key.key.keyid for key in store.list()] == [keyid]


def test_of_many_who_make_the_same_key_one_succeeds(store: KeyStore) -> None:
    def attempt(_: int) -> str | None:
        try:
            return store.create("ci").key.keyid
        except KeyExists:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [keyid for keyid in pool.map(attempt, range(16)) if keyid]
    assert made == [store.load("ci").key.keyid]


def test_keys_are_listed_by_name_and_other_files_are_none(store: KeyStore) -> None:
    assert store.list() == ()
    for name in ("b", "a"):
        store.create(name)
    (store.folder / ".c-0011.pem").write_text("left behind")
    (store.folder / "notes.txt").write_text("x")
    assert [key.name for key in store.list()] == ["a", "b"]


@pytest.mark.parametrize("name", ["", ".", "../x", "a/b", "a b", "-x", "x" * 65, "é"])
def test_names_that_could_not_be_file_names_are_refused(store: KeyStore, name: str) -> None:
    for attempt in (store.create, store.load, store.export):
        with pytest.raises(InputError, match="cannot be a key's name"):
            attempt(name)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_private_key_that_others_can_reach_is_refused(store: KeyStore, mode: int) -> None:
    store.create("ci")
    (store.folder / "ci.pem").chmod(mode)
    with pytest.raises(InputError, match=f"can be read by others \\(mode {mode:04o}\\)") as caught:
        store.load("ci")
    assert "chmod 600" in caught.value.hint


def test_a_file_that_is_no_key_is_named_and_not_quoted(store: KeyStore) -> None:
    store.create("ci")
    (store.folder / "ci.pem").write_text("hunter2-hunter2")
    with pytest.raises(InputError, match=r"ci\.pem: this is not a private key") as caught:
        store.list()
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_a_key_that_is_not_there_is_told_with_those_that_are(store: KeyStore) -> None:
    with pytest.raises(InputError, match="no key named 'ci'") as caught:
        store.load("ci")
    assert "keys here: none" in caught.value.hint
    store.create("other")
    with pytest.raises(InputError) as caught:
        store.load("ci")
    assert "keys here: other" in caught.value.hint


def test_a_folder_in_the_place_of_a_key_is_told(store: KeyStore) -> None:
    (store.folder / "ci.pem").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be read"):
        store.load("ci")


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(Unreachable, match="could not be written") as caught:
        KeyStore(tmp_path / "home").create("ci")
    assert "INFRATRACK_HOME" in caught.value.hint


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"INFRATRACK_HOME": "/a/b", "HOME": "/h"}, "/a/b"),
        ({"INFRATRACK_HOME": "b", "HOME": "/h"}, "{cwd}/b"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/infratrack"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "relative"}, "/h/.config/infratrack"),
        ({"HOME": "/h", "INFRATRACK_HOME": ""}, "/h/.config/infratrack"),
    ],
)
def test_home_is_where_it_was_asked_for(
    environ: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    assert str(home_folder(environ)) == expected.format(cwd=tmp_path)


def test_home_follows_the_custom_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert home_folder({"HOME": "/h"}) == Path("/h/Library/Application Support/infratrack")


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(InputError) as caught:
        home_folder({})
    assert "INFRATRACK_HOME" in caught.value.hint


PEM = SigningKey.from_seed(bytes(32)).private_pem().decode()


@pytest.mark.parametrize("text", [PEM, PEM.strip(), PEM.replace("\n", "\\n"), f"\n{PEM}\n", PEM.splitlines()[1]])
def test_a_key_in_the_environment_is_read_however_its_lines_are_broken(text: str) -> None:
    given = key_from_environment({"INFRATRACK_SIGNING_KEY": text})
    assert given is not None
    assert given.key.keyid == SigningKey.from_seed(bytes(32)).keyid


def test_no_key_in_the_environment_is_none_and_a_broken_one_is_told() -> None:
    assert key_from_environment({}) is None
    assert key_from_environment({"INFRATRACK_SIGNING_KEY": " "}) is None
    with pytest.raises(InputError, match="INFRATRACK_SIGNING_KEY: this is not a private key"):
        key_from_environment({"INFRATRACK_SIGNING_KEY": "nonsense"})


def test_which_key_signs(store: KeyStore) -> None:
    with pytest.raises(NoSigningKey):
        choose_signing_key(store, {}, None, ())
    first = store.create("first")
    assert choose_signing_key(store, {}, None, ()).name == "first"
    second = store.create("second")
    with pytest.raises(InputError, match="which key is to sign: first, second") as caught:
        choose_signing_key(store, {}, None, ())
    assert "--key NAME" in caught.value.hint
    assert choose_signing_key(store, {}, None, {second.key.keyid}).name == "second"
    with pytest.raises(InputError, match="first, second"):
        choose_signing_key(store, {}, None, {first.key.keyid, second.key.keyid})
    assert choose_signing_key(store, {"INFRATRACK_KEY": "first"}, None, {second.key.keyid}).name == "first"
    environ = {"INFRATRACK_KEY": "first", "INFRATRACK_SIGNING_KEY": PEM}
    assert choose_signing_key(store, environ, None, ()).name == "environment"
    assert choose_signing_key(store, environ, "second", ()).name == "second"
