"""`infratrack key`, through the real command."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infratrack.evidence.keys import PublicKey, SigningKey


class Keys:
    """Runs `infratrack key …` with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(home), "INFRATRACK_HOME": str(home / "infratrack")}

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "infratrack", "key", *arguments],
            env={**self.environ, **environ}, cwd=self.home, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def key(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def test_new_prints_the_key_id_and_tells_how_to_trust_it(key: Keys) -> None:
    made = key("new", "ci")
    assert made.returncode == 0
    public = PublicKey.from_pem(key("export", "ci").stdout)
    assert made.stdout == f"{public.keyid}\n"
    assert "infratrack key export ci > keys/ci.pub" in made.stderr
    assert "trust: {signers: [{name: ci, key: keys/ci.pub}]}" in made.stderr
    path = key.home / "infratrack/keys/ci.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PRIVATE" not in made.stdout + made.stderr
    assert "INFRATRACK_KEY" not in made.stderr
    assert "say\n    which is to sign with --key two or INFRATRACK_KEY=two\n" in key("new", "two").stderr


def test_export_prints_the_public_key_and_nothing_else(key: Keys) -> None:
    key("new", "ci")
    exported = key("export", "ci")
    assert exported.returncode == 0
    assert exported.stderr == ""
    assert exported.stdout.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert exported.stdout.endswith("-----END PUBLIC KEY-----\n")


def test_list_shows_every_key_whole(key: Keys) -> None:
    keyids = {name: key("new", name).stdout.strip() for name in ("ci", "ana")}
    table = key("list", COLUMNS="40").stdout.splitlines()
    assert [line.split()[:2] for line in table[1:]] == [["ana", keyids["ana"]], ["ci", keyids["ci"]]]
    document = json.loads(key("list", "--format", "json").stdout)
    assert [(one["name"], one["keyid"]) for one in document["keys"]] == [("ana", keyids["ana"]), ("ci", keyids["ci"])]
    assert {one["source"] for one in document["keys"]} == {
        str(key.home / f"infratrack/keys/{name}.pem") for name in keyids
    }


def test_list_without_a_key_says_how_to_make_one(key: Keys) -> None:
    listed = key("list")
    assert (listed.returncode, listed.stdout) == (0, "")
    assert "make one with `infratrack key new NAME`" in listed.stderr
    assert json.loads(key("list", "--format", "json").stdout) == {"keys": []}
    assert not (key.home / "infratrack").exists()


def test_list_names_the_key_of_the_environment(key: Keys) -> None:
    given = SigningKey.from_seed(bytes(32))
    listed = key("list", "--format", "json", INFRATRACK_SIGNING_KEY=given.private_pem().decode())
    assert json.loads(listed.stdout) == {
        "keys": [{"name": "environment", "keyid": given.keyid, "source": "INFRATRACK_SIGNING_KEY"}]
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["new", "ci"], "ci.pem is there already"),
        (["new", "../ci"], "'../ci' cannot be a key's name"),
        (["export", "other"], "there is no key named 'other'"),
    ],
)
def test_what_cannot_be_done_is_told_with_exit_code_2(key: Keys, arguments: list[str], told: str) -> None:
    key("new", "ci")
    ended = key(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("infratrack: ")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_key_that_others_can_read_is_refused(key: Keys) -> None:
    key("new", "ci")
    (key.home / "infratrack/keys/ci.pem").chmod(0o644)
    for arguments in (["export", "ci"], ["list"]):
        ended = key(*arguments)
        assert ended.returncode == 2
        assert "chmod 600" in ended.stderr


def test_a_home_that_cannot_be_written_is_exit_code_4(key: Keys) -> None:
    (key.home / "infratrack").write_text("a file")
    ended = key("new", "ci")
    assert ended.returncode == 4
    assert "INFRATRACK_HOME" in ended.stderr


@pytest.mark.parametrize("command", [[], ["new"], ["list"], ["export"]])
def test_help_has_an_example(key: Keys, command: list[str]) -> None:
    told = key(*command, "--help")
    assert told.returncode == 0
    assert "Example: infratrack key" in told.stdout
