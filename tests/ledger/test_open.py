import os
import re
import stat
from pathlib import Path

import pytest

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.ledger.open import NoLedgerYet, open_ledger, tell
from infratrack.testing.ledgers import append, incoming
from tests.ledger.git.daemon import bare_repository, git


def test_a_ledger_is_made_privately_when_asked_for(tmp_path: Path) -> None:
    ledger = open_ledger("sqlite:///.infratrack/ledger.db", tmp_path, project_id="dc-west", create=True)
    assert re.fullmatch(r"infratrack/dc-west/[0-9a-f]{8}", ledger.origin())
    assert stat.S_IMODE((tmp_path / ".infratrack").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / ".infratrack" / "ledger.db").stat().st_mode) == 0o600
    append(ledger, [incoming(0, blob=b"x")])
    assert stat.S_IMODE((tmp_path / ".infratrack" / "ledger.db-wal").stat().st_mode) == 0o600
    assert (tmp_path / ".infratrack" / "blobs" / "sha256").is_dir()


def test_opening_again_keeps_the_origin(tmp_path: Path) -> None:
    first = open_ledger("sqlite:///l.db", tmp_path, project_id="p", create=True).origin()
    assert open_ledger("sqlite:///l.db", tmp_path, project_id="p", create=True).origin() == first
    absolute = f"sqlite:///{tmp_path / 'l.db'}"
    assert open_ledger(absolute, Path("/elsewhere"), project_id="p").origin() == first


def test_blobs_can_lie_elsewhere(tmp_path: Path) -> None:
    ledger = open_ledger("sqlite:///l.db?blobs=memory:///", tmp_path, project_id="p", create=True)
    append(ledger, [incoming(0, blob=b"x")])
    assert len(list(ledger.blobs.list())) == 1
    assert not (tmp_path / "blobs").exists()


def test_a_ledger_that_is_not_there_is_not_made_by_the_way(tmp_path: Path) -> None:
    with pytest.raises(NoLedgerYet, match=r"there is no ledger at .*/l\.db yet") as raised:
        open_ledger("sqlite:///l.db", tmp_path, project_id="p")
    assert raised.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address",
    ["", "ledger.db", "postgresql://host/db", "sqlite://host/l.db", "sqlite:///", "sqlite:///l.db?x=1", "sqlite://[",
     "sqlite:///l.db?blobs", "sqlite:///a%00b"],
)  # fmt: skip
def test_an_address_of_another_kind_is_a_sentence(address: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ledger") as raised:
        open_ledger(address, tmp_path, project_id="p", create=True)
    assert "sqlite:///.infratrack/ledger.db" in raised.value.hint


def test_what_is_no_ledger_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(IntegrityFailure, match="is an empty file"):
        open_ledger("sqlite:///empty.db", tmp_path, project_id="p")
    (tmp_path / "text.db").write_text("hello " * 1000)
    with pytest.raises(IntegrityFailure, match="is no SQLite database"):
        open_ledger("sqlite:///text.db", tmp_path, project_id="p")


def test_a_path_that_cannot_be_used_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    for name in ("file/l.db", "folder"):
        with pytest.raises(Unreachable, match="could not be opened"):
            open_ledger(f"sqlite:///{name}", tmp_path, project_id="p", create=True)


def test_a_branch_is_opened_where_the_projects_remote_is(tmp_path: Path) -> None:
    bare_repository(tmp_path / "remote.git")
    project = tmp_path / "project"
    (project / "below").mkdir(parents=True)
    git("init", "--quiet", folder=project)
    git("remote", "add", "origin", "../remote.git", folder=project)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "INFRATRACK_HOME": str(tmp_path / "home")}
    with pytest.raises(NoLedgerYet, match="there is no ledger on refs/heads/ledger at"):
        open_ledger("git:ledger", project / "below", project_id="p", environ=environ)
    ledger = open_ledger("git:ledger", project / "below", project_id="p", create=True, environ=environ)
    append(ledger, [incoming(0, blob=b"x")])
    given = open_ledger(f"git+{tmp_path / 'remote.git'}#ledger", tmp_path, project_id="p", environ=environ)
    assert (given.size(), given.origin()) == (1, ledger.origin())
    assert git("for-each-ref", "--format=%(refname)", folder=tmp_path / "remote.git") == "refs/heads/ledger"
    assert git("for-each-ref", folder=project) == ""
    for one in (ledger, given):
        one.close()
    assert not list((tmp_path / "home").rglob("ledger.git"))


def test_a_branch_of_a_folder_without_a_remote_is_a_sentence(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "INFRATRACK_HOME": str(tmp_path / "home")}
    with pytest.raises(InputError, match="no Git repository here"):
        open_ledger("git:ledger", tmp_path, project_id="p", create=True, environ=environ)


def test_what_makes_a_ledger_dear_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    tell("the Git server does not filter")
    assert capsys.readouterr().err == "infratrack: the Git server does not filter\n"
