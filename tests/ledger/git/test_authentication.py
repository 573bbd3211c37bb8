"""How the remote is found and reached: asked of real repositories, against a real Git server with a password."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from infratrack.errors import InputError, Unreachable
from infratrack.ledger.storage.git.authentication import RemoteAddress, given_remote, named_remote
from infratrack.ledger.storage.git.remote import GitRemote
from tests.ledger.git.daemon import bare_repository, git
from tests.ledger.git.http_server import GitHttpServer

TOKEN = "ghs_" + "x7Qd9" * 6
BASIC = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git("init", "--quiet", folder=folder)
    git("commit", "--quiet", "--allow-empty", "-m", "first", folder=folder)
    git("remote", "add", "origin", "https://git.example.org/team/infra.git", folder=folder)
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    bare_repository(tmp_path / "served" / "ledger.git")
    git("config", "http.receivepack", "true", folder=tmp_path / "served" / "ledger.git")
    with GitHttpServer(tmp_path / "served", BASIC).running() as server:
        yield server


def opened(address: RemoteAddress, cache: Path, environ: Mapping[str, str]) -> GitRemote:
    return GitRemote.open(
        address.url, "infratrack/ledger", cache, settings=address.settings, report=print, environ=environ
    )


def round_trip(address: RemoteAddress, tmp_path: Path, environ: Mapping[str, str]) -> None:
    for machine in ("one", "two"):
        remote = opened(address, tmp_path / machine, environ)
        base = remote.tip()
        new = remote.commit(base, {"checkpoint": machine.encode()}, "m")
        assert remote.push(new, base)
        assert remote.read(new, ["checkpoint"]) == {"checkpoint": machine.encode()}
        remote.close()


def test_the_remote_is_where_origin_is_pushed_to(checkout: Path, environ: dict[str, str]) -> None:
    assert named_remote(checkout, "origin", environ).url == "https://git.example.org/team/infra.git"
    git("config", "remote.origin.pushurl", "ssh://git@push.example.org/infra.git", folder=checkout)
    assert named_remote(checkout, "origin", environ).url == "ssh://git@push.example.org/infra.git"


def test_urls_are_rewritten_as_git_would(checkout: Path, environ: dict[str, str]) -> None:
    git("config", "url.https://mirror.example.org/.insteadOf", "https://git.example.org/", folder=checkout)
    git("config", "url.https://longer.example.org/x/.insteadOf", "https://git.example.org/team/", folder=checkout)
    expected = git("remote", "get-url", "--push", "origin", folder=checkout)
    assert named_remote(checkout, "origin", environ).url == expected == "https://longer.example.org/x/infra.git"
    git("config", "url.ssh://git@git.example.org/.pushInsteadOf", "https://git.example.org/", folder=checkout)
    expected = git("remote", "get-url", "--push", "origin", folder=checkout)
    assert named_remote(checkout, "origin", environ).url == expected == "ssh://git@git.example.org/team/infra.git"
    assert given_remote("https://git.example.org/a", checkout, environ).url == "https://mirror.example.org/a"


def test_a_relative_path_starts_at_the_top_of_the_checkout(checkout: Path, environ: dict[str, str]) -> None:
    git("remote", "set-url", "origin", "../served/ledger.git", folder=checkout)
    (checkout / "deep" / "down").mkdir(parents=True)
    url = named_remote(checkout / "deep" / "down", "origin", environ).url
    assert Path(url).resolve() == checkout.parent / "served" / "ledger.git"


def test_a_worktree_a_submodule_a_shallow_a_detached_and_a_dirty_checkout_all_know_their_remote(
    checkout: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    git("worktree", "add", "--quiet", tmp_path / "worktree", folder=checkout)
    git("clone", "--quiet", "--depth=1", checkout.as_uri(), tmp_path / "shallow", folder=tmp_path)
    git("checkout", "--quiet", "--detach", folder=tmp_path / "shallow")
    (tmp_path / "shallow" / "dirt").write_text("x")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", checkout, "sub", folder=tmp_path / "shallow")

    assert named_remote(tmp_path / "worktree", "origin", environ).url == "https://git.example.org/team/infra.git"
    assert named_remote(tmp_path / "shallow", "origin", environ).url == checkout.as_uri()
    assert named_remote(tmp_path / "shallow" / "sub", "origin", environ).url == str(checkout)


def test_what_git_cannot_tell_is_a_sentence(checkout: Path, environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no remote called upstream"):
        named_remote(checkout, "upstream", environ)
    with pytest.raises(InputError, match="no Git repository here"):
        named_remote(tmp_path, "origin", environ)
    with pytest.raises(InputError, match="not the name of a Git remote"):
        named_remote(checkout, "--upload-pack=evil", environ)
    with pytest.raises(Unreachable, match="is gone"):
        named_remote(tmp_path / "nowhere", "origin", environ)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder to somebody else takes root")
def test_a_repository_of_somebody_else_is_a_sentence(checkout: Path, environ: dict[str, str]) -> None:
    os.chown(checkout, 65_534, 65_534)
    with pytest.raises(InputError, match="belongs to somebody else") as refused:
        named_remote(checkout, "origin", environ)
    assert "safe.directory" in refused.value.hint

    git("config", "--file", Path(environ["HOME"]) / ".gitconfig", "safe.directory", checkout, folder=checkout)
    assert named_remote(checkout, "origin", environ).url == "https://git.example.org/team/infra.git"


def test_a_folder_of_a_pull_request_that_looks_like_a_repository_is_not_asked(
    checkout: Path, environ: dict[str, str]
) -> None:
    trap = checkout / "trap"
    git("init", "--quiet", "--bare", trap, folder=checkout)
    git("config", "remote.origin.url", "https://evil.example.org/", folder=trap)
    git("config", "core.fsmonitor", "touch /tmp/never", folder=trap)
    with pytest.raises(InputError, match="cannot read the repository"):
        named_remote(trap, "origin", environ)


def test_the_environment_of_a_hook_does_not_lead_astray(
    checkout: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    hook = {
        "GIT_DIR": str(tmp_path),
        "GIT_INDEX_FILE": "x",
        "GIT_WORK_TREE": "/",
        "GIT_TRACE": "1",
        "GIT_EXEC_PATH": "/",
    }
    assert named_remote(checkout, "origin", environ | hook).url == "https://git.example.org/team/infra.git"


def test_a_header_that_the_checkout_step_left_behind_is_used(
    checkout: Path, environ: dict[str, str], server: GitHttpServer, tmp_path: Path
) -> None:
    git("remote", "set-url", "origin", server.url("ledger.git"), folder=checkout)
    credentials = tmp_path / "credentials.config"
    git(
        "config",
        "--file",
        credentials,
        f"http.{server.url('')}.extraheader",
        f"AUTHORIZATION: {BASIC}",
        folder=checkout,
    )
    git("config", f"includeIf.gitdir:{checkout}/.git.path", credentials, folder=checkout)

    round_trip(named_remote(checkout, "origin", environ), tmp_path, environ)

    assert set(server.authorizations) == {BASIC}


def test_settings_of_the_environment_are_used(
    checkout: Path, environ: dict[str, str], server: GitHttpServer, tmp_path: Path
) -> None:
    environ |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: {BASIC}",
    }
    round_trip(given_remote(server.url("ledger.git"), checkout, environ), tmp_path, environ)


def test_a_credential_helper_is_asked(
    checkout: Path, environ: dict[str, str], server: GitHttpServer, tmp_path: Path
) -> None:
    git("remote", "set-url", "origin", server.url("ledger.git"), folder=checkout)
    helper = f'!f() {{ test "$1" = get && echo username=x-access-token && echo password={TOKEN}; }}; f'
    git("config", "--file", Path(environ["HOME"]) / ".gitconfig", "credential.helper", helper, folder=checkout)

    round_trip(named_remote(checkout, "origin", environ), tmp_path, environ)


def test_a_password_in_the_url_is_used_and_stands_in_no_argument(
    checkout: Path, environ: dict[str, str], server: GitHttpServer, tmp_path: Path
) -> None:
    git("remote", "set-url", "origin", server.url("ledger.git", f"x-access-token:{TOKEN}"), folder=checkout)

    round_trip(named_remote(checkout, "origin", environ), tmp_path, environ)

    arguments = [line for line in server.command_lines if server.url("ledger.git") in line]
    assert arguments or not Path("/proc/self/cmdline").exists()
    assert not [line for line in arguments if TOKEN in line or BASIC in line]


def test_without_credentials_the_refusal_says_what_to_do_and_shows_none(
    checkout: Path, environ: dict[str, str], server: GitHttpServer, tmp_path: Path
) -> None:
    git("remote", "set-url", "origin", server.url("ledger.git", "x-access-token:wrong-secret"), folder=checkout)
    address = named_remote(checkout, "origin", environ)
    assert "wrong-secret" not in repr(address)
    remote = opened(address, tmp_path / "cache", environ)

    with pytest.raises(Unreachable) as refused:
        remote.tip()

    told = f"{refused.value.message} {refused.value.hint} {remote.name}"
    assert "right to push" in told
    assert "wrong-secret" not in told
    assert "x-access-token" not in told
    remote.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder to somebody else takes root")
def test_a_local_remote_of_somebody_else_works_when_the_user_trusts_it(
    checkout: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    shared = bare_repository(tmp_path / "shared.git")
    os.chown(shared, 65_534, 65_534)
    address = given_remote(str(shared), checkout, environ)
    remote = opened(address, tmp_path / "cache", environ)
    with pytest.raises(Unreachable, match="dubious ownership"):
        remote.tip()
    remote.close()

    git("config", "--file", Path(environ["HOME"]) / ".gitconfig", "safe.directory", shared, folder=checkout)
    round_trip(given_remote(str(shared), checkout, environ), tmp_path, environ)


def test_the_users_repository_stays_as_it_is(
    checkout: Path, environ: dict[str, str], server: GitHttpServer, tmp_path: Path
) -> None:
    git("remote", "set-url", "origin", server.url("ledger.git", f"x-access-token:{TOKEN}"), folder=checkout)
    (checkout / ".git" / "hooks").mkdir(exist_ok=True)
    for hook in ("pre-push", "reference-transaction", "post-index-change"):
        (checkout / ".git" / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
        (checkout / ".git" / "hooks" / hook).chmod(0o755)
    before = contents(checkout)

    round_trip(named_remote(checkout, "origin", environ), tmp_path, environ)

    assert contents(checkout) == before
    assert not (tmp_path / "hook-ran").exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
