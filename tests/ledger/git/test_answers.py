"""What git and servers say, and what is shown of it; refs, addresses, passwords, settings."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.ledger.storage.git import answers, capabilities
from infratrack.ledger.storage.git.configuration import Configuration, Setting, is_relative_path, read_configuration
from infratrack.ledger.storage.git.credentials import secrets_of, without_password
from infratrack.ledger.storage.git.environment import given_settings, numbered, own_environment, reading_environment
from infratrack.ledger.storage.git.plumbing import Ended
from infratrack.ledger.storage.git.refs import check_url, full_ref


def failed(errors: bytes = b"", output: bytes = b"", code: int | None = 128) -> Ended:
    return Ended(code, output, errors)


@pytest.mark.parametrize(
    ("errors", "refusal"),
    [
        (b"fatal: couldn't find remote ref refs/heads/x\n", "no ref"),
        (b"fatal: remote error: tree filter allows max depth 0, but got 1\n", "filter refused"),
        (b"fatal: remote error: filter 'tree' not supported\n", "filter refused"),
        (b"error: Server does not allow request for unadvertised object aa\n", "single objects"),
        (b"fatal: mismatched algorithms: client sha256; server sha1\n", "format"),
        (b"error: object file ./objects/aa/bb is empty\n", "damaged"),
        (b"fatal: Unable to create '/x/shallow.lock': File exists.\n", "damaged"),
        (b"fatal: not a git repository: '/x'\n", "damaged"),
        (b"fatal: remote error: their repository is corrupt\n", "other"),
        (b"fatal: the remote end hung up unexpectedly\n", "other"),
        (b"remote: fatal: couldn't find remote ref x\n", "other"),
    ],
)
def test_a_refusal_is_recognised_by_gits_own_words(errors: bytes, refusal: str) -> None:
    assert answers.refusal_of(failed(b"warning: something\n" + errors)) == refusal


def test_a_filter_that_was_ignored_is_noticed() -> None:
    assert answers.refusal_of(Ended(0, b"", b"")) is None
    ignored = b"warning: filtering not recognized by server, ignoring\n"
    assert answers.refusal_of(Ended(0, b"", ignored)) == "filter ignored"
    assert answers.refusal_of(Ended(0, b"", b"remote: " + ignored)) is None


@pytest.mark.parametrize(
    ("output", "result"),
    [
        (b"!\ta:b\t[rejected] (stale info)\nDone\n", "outrun"),
        (b"!\ta:b\t[rejected] (fetch first)\n", "outrun"),
        (b"!\ta:b\t[remote rejected] (cannot lock ref 'b': is at x but expected y)\n", "outrun"),
        (b"!\ta:b\t[remote rejected] (failed to update ref)\n", "outrun"),
        (b"!\ta:b\t[remote rejected] (pre-receive hook declined)\n", "unclear"),
        (b"", "unclear"),
    ],
)
def test_a_push_was_outrun_or_it_is_unclear(output: bytes, result: str) -> None:
    assert answers.push_result(failed(output=output, code=1)) == result
    assert answers.push_result(Ended(0, output, b"")) == "done"


def test_what_the_server_said_is_told_first_and_short() -> None:
    ended = failed(
        b"remote: GitLab: You are not allowed to push.\nremote: \nhint: many\nerror: failed to push some refs to 'x'\n",
        b"To x\n!\ta:b\t[remote rejected] (protected branch hook declined)\nDone\n",
    )
    assert answers.said(ended, ()) == "protected branch hook declined; GitLab: You are not allowed to push."
    assert answers.said(Ended(None, b"", b"", 5), ()) == "no answer within 5 s"
    assert answers.said(failed(), ()) == "git ended with 128"
    assert answers.said(failed(b"fatal: " + b"x" * 9_000), ()) == "x" * 240
    assert answers.said(failed(b"fatal: same\nfatal: same\nfatal: other\n"), ()) == "same; other"


def test_what_is_shown_holds_no_secret_and_nothing_that_moves_a_terminal() -> None:
    text = "fatal: \x1b[2J'https://user:hunter2@host/x' \u202eabc \u2028::set-output ghs_token https://u@h"
    shown = answers.shown(text, ["ghs_token", ""])
    assert "hunter2" not in shown
    assert "ghs_token" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "https://host/x" in shown


@given(st.text(), st.binary())
def test_whatever_a_server_says_stays_on_one_line(secret: str, said: bytes) -> None:
    told = answers.said(failed(said, said), [secret])
    assert told.isprintable()
    assert len(told) <= 240
    assert "\n" not in told


def test_who_is_denied_is_told_about_rights_and_others_about_the_network() -> None:
    for words in ("Authentication failed", "The requested URL returned error: 403", "Permission denied (publickey)."):
        assert "right to push" in answers.what_to_do(words)
    assert "network" in answers.what_to_do("Connection refused")
    for say in (answers.what_to_do, answers.what_is_missing):
        assert "make room" in say("cannot copy: No space left on device")
    assert "git 2.36" in answers.what_is_missing("unknown option `object-format=sha1'")


def test_the_modes_are_tried_from_the_thriftiest_on() -> None:
    mode: capabilities.FetchMode | None = capabilities.mode_named("nonsense")
    tried = []
    while mode is not None:
        tried.append(mode.name)
        assert capabilities.mode_named(mode.name) == mode
        mode = capabilities.after(mode)
    assert tried == ["by-folder", "by-object", "without-files", "whole"]


def test_a_branch_becomes_a_whole_ref() -> None:
    assert full_ref("infratrack/ledger") == "refs/heads/infratrack/ledger"
    assert full_ref("refs/infratrack/ledger") == "refs/infratrack/ledger"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-x",
        "--force",
        "a b",
        "a..b",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "a/",
        "a//b",
        "a:b",
        "+a",
        "a\n",
        "@{x",
        "refs/x",
        "a~1",
        "a^",
        "a*",
        "a\\b",
        "x" * 300,
        "a/-b",
    ],
)
def test_what_is_no_branch_is_refused(name: str) -> None:
    if name == "+a":
        assert full_ref(name) == "refs/heads/+a"
        return
    with pytest.raises(InputError):
        full_ref(name)


@pytest.mark.parametrize(
    "url",
    [
        "https://h/x",
        "http://h",
        "ssh://git@h:22/x",
        "git@h:x/y.git",
        "/srv/x.git",
        "../x",
        "file:///x",
        "git://h/x",
        "host:x",
        "HTTPS://h",
    ],
)
def test_addresses_that_git_has_transports_for_are_taken(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-x",
        "--upload-pack=x",
        "ext::sh -c x",
        "ftp://h/x",
        "https://h/\nx",
        "x\x00",
        "fd::7",
        "x" * 5000,
        "persistent-https://h/x",
        "http::https://h",
    ],
)
def test_addresses_that_could_run_something_are_refused(url: str) -> None:
    with pytest.raises(InputError) as refused:
        check_url(url)
    assert "\n" not in refused.value.message


def test_a_password_moves_from_the_url_into_a_setting() -> None:
    token = base64.b64encode(b"us:er@:pa/ss").decode()
    url, settings = without_password("https://us%3Aer%40:pa%2Fss@host:8443/x.git")
    assert url == "https://host:8443/x.git"
    assert settings == [("http.https://host:8443/.extraHeader", f"Authorization: Basic {token}")]
    for other in ("https://user@host/x", "ssh://git:x@host/y", "git@host:x", "/path", "http://[bad"):
        assert without_password(other) == (other, ())


def test_secrets_of_urls_and_headers_are_known() -> None:
    header = base64.b64encode(b"x-access-token:ghs_secret").decode()
    settings = [
        ("http.https://h/.extraheader", f"AUTHORIZATION: basic {header}"),
        ("http.extraHeader", "X-Token: plainvalue"),
        ("http.extraHeader", "X: bm9jb2xvbg=="),
        ("http.https://a:insideurl@h/.proxy", "http://me:proxypass@proxy"),
        ("core.sshCommand", "ssh -i key"),
    ]
    found = secrets_of("https://tok%40en@h/x", settings)
    assert {header, "ghs_secret", "plainvalue", "insideurl", "proxypass", "tok@en", "tok%40en"} <= found
    assert secrets_of("ssh://git@h/x", ()) == frozenset()
    assert secrets_of("git@h:x", ()) == frozenset()


def test_our_git_gets_the_way_to_the_network_and_nothing_else() -> None:
    environ = {
        "PATH": "/bin",
        "SSH_AUTH_SOCK": "/s",
        "HTTPS_PROXY": "http://p",
        "GIT_SSH_COMMAND": "ssh -i k",
        "GIT_DIR": "/evil",
        "GIT_INDEX_FILE": "/evil",
        "GIT_WORK_TREE": "/evil",
        "GIT_TRACE_CURL": "1",
        "GIT_TEMPLATE_DIR": "/evil",
        "GIT_CONFIG_PARAMETERS": "'core.hooksPath=/evil'",
        "GIT_EXEC_PATH": "/evil",
        "INFRATRACK_SIGNING_KEY": "secret",
    }
    made = own_environment(environ, [("http.proxy", "x")], repository="/r", configuration="/c")
    assert "/evil" not in " ".join(made.values())
    assert "secret" not in made.values()
    assert made["GIT_SSH_COMMAND"] == "ssh -i k"
    assert (made["GIT_DIR"], made["GIT_CONFIG_GLOBAL"]) == ("/r", "/c")
    assert (made["GIT_TERMINAL_PROMPT"], made["GIT_NO_LAZY_FETCH"]) == ("0", "1")
    assert "ext" not in made["GIT_ALLOW_PROTOCOL"].split(":")
    pairs = given_settings(made)
    assert pairs[0] == ("http.proxy", "x")
    assert ("protocol.ext.allow", "never") in pairs
    assert ("core.hooksPath", "/dev/null") in pairs


def test_settings_of_the_environment_are_read_and_written_as_git_does() -> None:
    pairs = [("a.b", "c\nd"), ("a.b", "")]
    assert given_settings(numbered(pairs)) == pairs
    for count in ("x", "-1", "", "99999", "²"):
        assert given_settings({"GIT_CONFIG_COUNT": count}) == []
    assert given_settings({"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "a", "GIT_CONFIG_VALUE_0": "b"}) == [("a", "b")]
    reading = reading_environment({**numbered(pairs), "GIT_CONFIG_GLOBAL": "/mine", "GIT_DIR": "/evil"})
    assert reading["GIT_CONFIG_GLOBAL"] == "/mine"
    assert "GIT_DIR" not in reading
    assert given_settings(reading)[:2] == pairs
    assert ("safe.bareRepository", "explicit") in given_settings(reading)


def test_a_configuration_is_read_with_its_scopes() -> None:
    output = b"global\0core.bare\0local\0a.b\nx\ny\0local\0a.c\n\xff\0"
    assert read_configuration(output).settings == [
        Setting("core.bare", "true", "global"),
        Setting("a.b", "x\ny", "local"),
        Setting("a.c", "\udcff", "local"),
    ]


def test_a_remote_is_where_it_is_pushed_to_after_the_longest_rule() -> None:
    def url(**values: str) -> str | None:
        rules = [("url.https://long/.insteadof", "short:x/"), ("url.https://s/.insteadof", "short:")]
        pairs = [*rules, *((name.replace("__", "."), value) for name, value in values.items())]
        return Configuration([Setting(name, value, "local") for name, value in pairs]).url_of("origin")

    assert url() is None
    assert url(remote__origin__url="short:x/y") == "https://long/y"
    assert url(remote__origin__url="short:y") == "https://s/y"
    assert url(remote__origin__url="other:y") == "other:y"
    assert url(remote__origin__url="other:y", remote__origin__pushurl="short:z") == "https://s/z"
    assert url(remote__origin__url="short:y", url__ssh__pushinsteadof="short:") == "sshy"


def test_only_the_ways_to_a_server_are_handed_over() -> None:
    names = [
        "http.https://h/.extraheader",
        "credential.helper",
        "core.sshcommand",
        "ssh.variant",
        "remote.origin.proxy",
        "remote.other.proxy",
        "core.hookspath",
        "core.fsmonitor",
        "filter.x.clean",
        "alias.push",
        "safe.directory",
    ]
    configuration = Configuration([Setting(name, "v", "local") for name in names])
    assert [name for name, _ in configuration.ways("origin")] == [*names[:4], "remote.ledger.proxy"]
    assert [name for name, _ in configuration.ways(None)] == names[:4]
    trusted = Configuration([Setting("safe.directory", "/x", "global")])
    assert trusted.ways(None) == [("safe.directory", "/x")]


def test_paths_without_a_beginning_start_in_the_repository() -> None:
    assert [is_relative_path(url) for url in ("../x", "x/y:z", "./a")] == [True, True, True]
    assert [is_relative_path(url) for url in ("/x", "h:x", "https://h", "git@h:x")] == [False] * 4
