"""Comments and statuses at GitHub and GitLab: the very requests that they document, and what happens in trouble."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infratrack.errors import InfratrackError, InputError, NotAllowed, Unreachable
from infratrack.pipelines.commit_status import CommitStatus
from infratrack.pipelines.forge.connect import connected
from infratrack.pipelines.forge.interface import Forge, Missing, NoAnswer, Refused
from infratrack.pipelines.forge.place import Place
from infratrack.pipelines.forge.sticky import keep_comment
from tests.pipelines.forge_server import (
    COMMIT,
    REPOSITORY,
    ForgePlayer,
    GitHubPlayer,
    GitLabPlayer,
    Trouble,
    account,
    playing,
)
from tests.pipelines.github_openapi import GitHubDescription, described

MARK = "<!-- infratrack:west -->"
APP_TOKEN = "ghs_" + "a1" * 18
PERSONAL = "ghp_" + "b2" * 18
SUCCESS = CommitStatus("success", "75 % delivered")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack.pipelines.forge.session.FIRST_WAIT", 0.01)


@pytest.fixture(scope="module")
def description() -> GitHubDescription:
    return described()


@pytest.fixture
def github() -> Iterator[GitHubPlayer]:
    player = GitHubPlayer()
    with playing(player):
        yield player


@pytest.fixture
def gitlab() -> Iterator[GitLabPlayer]:
    player = GitLabPlayer()
    with playing(player):
        yield player


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest) -> Iterator[tuple[ForgePlayer, Forge]]:
    """Either forge, with a player behind it."""
    player: ForgePlayer = request.getfixturevalue(request.param)
    with connected(place_of(player), tokens(player), lambda: 0.0) as connection:
        yield player, connection


def place_of(player: ForgePlayer, **more: object) -> Place:
    if isinstance(player, GitHubPlayer):
        return Place("github", player.url, REPOSITORY, 7, COMMIT, REPOSITORY, **more)  # type: ignore[arg-type]
    return Place("gitlab", player.url, "12", 7, COMMIT, "12", **more)  # type: ignore[arg-type]


def tokens(player: ForgePlayer) -> dict[str, str]:
    return {"GITHUB_TOKEN": APP_TOKEN} if isinstance(player, GitHubPlayer) else {"GITLAB_TOKEN": "glpat-0123456789"}


def test_every_request_to_github_is_one_that_github_publishes(
    github: GitHubPlayer, description: GitHubDescription
) -> None:
    github.user = account(41, "User")
    for token in (APP_TOKEN, PERSONAL):
        with connected(place_of(github), {"GITHUB_TOKEN": token}, lambda: 0.0) as forge:
            assert keep_comment(forge, MARK, f"{MARK}\none").outcome in {"created", "updated"}
            assert keep_comment(forge, MARK, f"{MARK}\ntwo {token[:3]}").outcome == "updated"
            forge.set_status(SUCCESS, "infratrack", "https://ci.example/1")
            forge.set_status(SUCCESS, "infratrack", None)
            forge.delete(github.comments[0]["id"])
    assert {one.method for one in github.asked} == {"GET", "POST", "PATCH", "DELETE"}
    for one in github.asked:
        description.check_request(one.method, one.target, one.body)
        assert one.headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert one.headers["Accept"] == "application/vnd.github+json"
        assert one.headers["User-Agent"].startswith("infratrack/")
    for method, target, status, body in github.answered:
        if not target.endswith("/user"):  # of a person only the number is looked at, and only that is played
            description.check_answer(method, target, status, body)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", f"/repos/{REPOSITORY}/pulls/7/notes", b""),
        ("GET", f"/repos/{REPOSITORY}/issues/seven/comments", b""),
        ("GET", f"/repos/{REPOSITORY}/issues/7/comments?sort=asc", b""),
        ("POST", f"/repos/{REPOSITORY}/issues/7/comments", b'{"text": "x"}'),
        ("POST", f"/repos/{REPOSITORY}/statuses/{COMMIT}", b'{"state": "failed"}'),
        ("POST", f"/repos/{REPOSITORY}/statuses/{COMMIT}", b'{"state": "success", "name": "x"}'),
        ("PUT", f"/repos/{REPOSITORY}/issues/comments/1", b'{"body": "x"}'),
    ],
)
def test_a_wrong_path_or_body_would_be_found(
    description: GitHubDescription, method: str, target: str, body: bytes
) -> None:
    with pytest.raises(AssertionError):
        description.check_request(method, target, body)


def test_requests_to_gitlab_have_the_documented_shapes(gitlab: GitLabPlayer) -> None:
    with connected(place_of(gitlab), tokens(gitlab), lambda: 0.0) as forge:
        assert keep_comment(forge, MARK, f"{MARK}\none").outcome == "created"
        assert keep_comment(forge, MARK, f"{MARK}\ntwo").outcome == "updated"
        forge.set_status(CommitStatus("failure", "1 regressed"), "infratrack", "https://ci.example/1")
    notes = "/api/v4/projects/12/merge_requests/7/notes"
    listing = f"{notes}?per_page=100&page=1&sort=asc&order_by=created_at"
    written = gitlab.comments[0]["id"]
    assert [(one.method, one.target) for one in gitlab.asked] == [
        ("GET", "/api/v4/user"),
        ("GET", listing),
        ("POST", notes),
        ("GET", "/api/v4/user"),
        ("GET", listing),
        ("GET", "/api/v4/user"),
        ("GET", listing),
        ("PUT", f"{notes}/{written}"),
        ("POST", f"/api/v4/projects/12/statuses/{COMMIT}"),
    ]
    assert gitlab.said("PUT") == [{"body": f"{MARK}\ntwo"}]
    assert gitlab.statuses == [
        {"state": "failed", "description": "1 regressed", "name": "infratrack", "target_url": "https://ci.example/1"}
    ]
    assert {one.headers["PRIVATE-TOKEN"] for one in gitlab.asked} == {"glpat-0123456789"}


def test_a_comment_is_written_once_and_then_kept_up_to_date(forge: tuple[ForgePlayer, Forge]) -> None:
    player, connection = forge
    bodies = [f"{MARK}\n{text}" for text in ("one", "two", "two")]
    assert [keep_comment(connection, MARK, body).outcome for body in bodies] == ["created", "updated", "unchanged"]
    assert [one["body"] for one in player.comments] == [bodies[-1]]


def test_another_topic_has_a_comment_of_its_own(forge: tuple[ForgePlayer, Forge]) -> None:
    player, connection = forge
    other = "<!-- infratrack:west/staging -->"
    keep_comment(connection, MARK, f"{MARK}\none")
    keep_comment(connection, other, f"{other}\none")
    assert len(player.comments) == 2


def test_nobody_elses_comment_is_taken_for_ours_or_touched(github: GitHubPlayer, gitlab: GitLabPlayer) -> None:
    github.comment(f"{MARK}\nforged", kind="User", user=7)
    gitlab.comment(f"{MARK}\nforged", user=7)
    gitlab.comment(f"{MARK}\nchanged this line", system=True)
    for player in (github, gitlab):
        with connected(place_of(player), tokens(player), lambda: 0.0) as connection:
            assert keep_comment(connection, MARK, f"{MARK}\nreal").outcome == "created"
        assert player.comments[0]["body"] == f"{MARK}\nforged"
        assert {one.method for one in player.asked} == {"GET", "POST"}


def test_a_persons_token_finds_that_persons_comments_only(github: GitHubPlayer) -> None:
    github.user = account(50, "User")
    github.comment(f"{MARK}\na bot's", kind="Bot", user=41)
    github.comment(f"{MARK}\nmine", kind="User", user=50)
    with connected(place_of(github), {"GH_TOKEN": PERSONAL}, lambda: 0.0) as connection:
        assert keep_comment(connection, MARK, f"{MARK}\nnew").outcome == "updated"
    assert [one["body"] for one in github.comments] == [f"{MARK}\na bot's", f"{MARK}\nnew"]


def test_it_is_found_behind_hundreds_of_other_comments(forge: tuple[ForgePlayer, Forge]) -> None:
    player, connection = forge
    for number in range(230):
        player.comment(f"talk {number}")  # type: ignore[attr-defined]
    player.comment(f"{MARK}\nold")  # type: ignore[attr-defined]
    assert keep_comment(connection, MARK, f"{MARK}\nnew").outcome == "updated"
    assert player.comments[-1]["body"] == f"{MARK}\nnew"


def test_of_two_jobs_that_write_at_once_one_comment_stays(forge: tuple[ForgePlayer, Forge]) -> None:
    player, connection = forge
    lists = 2 if isinstance(player, GitLabPlayer) else 1
    # Between our look and our own comment, another job writes one.
    waits: list[Callable[[], object]] = [lambda: None] * lists
    player.before_answer = [*waits, lambda: player.comment(f"{MARK}\nother")]  # type: ignore[attr-defined]
    assert keep_comment(connection, MARK, f"{MARK}\nours").outcome == "updated"
    assert [one["body"] for one in player.comments] == [f"{MARK}\nours"]


def test_second_comments_of_ours_are_cleared_away(forge: tuple[ForgePlayer, Forge]) -> None:
    player, connection = forge
    for text in ("one", "two", "three"):
        player.comment(f"{MARK}\n{text}")  # type: ignore[attr-defined]
    keep_comment(connection, MARK, f"{MARK}\nnew")
    assert [one["body"] for one in player.comments] == [f"{MARK}\nnew"]


def test_an_answer_that_is_lost_leads_to_no_second_comment(forge: tuple[ForgePlayer, Forge]) -> None:
    player, connection = forge
    before = 2 if isinstance(player, GitLabPlayer) else 1
    lose(player, before)
    assert keep_comment(connection, MARK, f"{MARK}\nours").outcome == "unchanged"
    assert [one["body"] for one in player.comments] == [f"{MARK}\nours"]


def test_a_comment_that_was_certainly_not_written_is_written_then(forge: tuple[ForgePlayer, Forge]) -> None:
    player, connection = forge
    before = 2 if isinstance(player, GitLabPlayer) else 1
    calls: list[Callable[[], object]] = [lambda: None] * (before - 1)
    player.before_answer = [*calls, lambda: player.troubles.append(Trouble(502))]
    assert keep_comment(connection, MARK, f"{MARK}\nours").outcome == "created"
    assert [one["body"] for one in player.comments] == [f"{MARK}\nours"]


def lose(player: ForgePlayer, after: int) -> None:
    """Lose the answer to the request that comes after so many."""
    calls: list[Callable[[], object]] = [lambda: None] * (after - 1)
    player.before_answer = [*calls, lambda: player.troubles.append(Trouble(lost=True))]


def test_disturbances_pass(forge: tuple[ForgePlayer, Forge]) -> None:
    player, connection = forge
    player.troubles.extend([Trouble(502, body=b"<html>"), Trouble(429, {"Retry-After": "0"})])
    assert keep_comment(connection, MARK, f"{MARK}\none").outcome == "created"
    assert len(player.comments) == 1


def test_a_rate_limit_that_lasts_is_told_with_its_end(github: GitHubPlayer) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767607200"}
    github.troubles.append(Trouble(403, headers, b'{"message": "API rate limit exceeded"}'))
    with (
        connected(place_of(github), tokens(github), lambda: 1_767_603_600.0) as connection,
        pytest.raises(NoAnswer, match="takes no more requests for another 3600 s: a rate limit"),
    ):
        connection.own_comments()
    assert len(github.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (401, b'{"message": "Bad credentials"}', Refused, "does not take the token"),
        (403, b'{"message": "Resource not accessible by integration"}', Refused, "not accessible by integration"),
        (404, b'{"message": "Not Found"}', Missing, "has nothing there, or does not show it"),
        (301, b"", Missing, "has moved"),
        (410, b'{"message": "Issues are disabled"}', Unreachable, "answers 410: Issues are disabled"),
        (422, b'{"message": {"note": ["too long"]}}', Unreachable, "too long"),
        (200, b'{"no": "list"}', Unreachable, "not answer with a list"),
        (200, b'[{"id": "x", "user": {"type": "Bot"}}]', Unreachable, "something that is no comment"),
        (200, b"[[[], 1, null]]", None, ""),
    ],
)
def test_what_github_refuses_is_a_sentence(
    github: GitHubPlayer, status: int, body: bytes, error: type[InfratrackError] | None, said: str
) -> None:
    github.troubles.append(Trouble(status, {"Location": "http://127.0.0.1:1/"}, body))
    with connected(place_of(github), tokens(github), lambda: 0.0) as connection:
        if error is None:
            assert connection.own_comments() == []
            return
        with pytest.raises(error, match=said) as raised:
            connection.own_comments()
    assert APP_TOKEN not in str(raised.value) + repr(raised.value.__cause__)
    assert len(github.asked) == 1


def test_a_token_that_the_forge_repeats_is_not_told(github: GitHubPlayer) -> None:
    github.troubles.append(Trouble(403, {}, b'{"message": "token ' + APP_TOKEN.encode() + b' \\u001b[31m may not"}'))
    with connected(place_of(github), tokens(github), lambda: 0.0) as connection, pytest.raises(Refused) as raised:
        connection.own_comments()
    assert APP_TOKEN not in raised.value.message
    assert raised.value.message.isprintable()


def test_an_answer_without_end_is_not_read_to_its_end(github: GitHubPlayer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack.pipelines.forge.session.LARGEST_ANSWER", 1_000)
    github.troubles.append(Trouble(200, {}, b"[" + b" " * 2_000 + b"]"))
    with (
        connected(place_of(github), tokens(github), lambda: 0.0) as connection,
        pytest.raises(Unreachable, match="answers with more than"),
    ):
        connection.own_comments()


def test_a_forge_that_is_not_there_is_told_without_its_address_or_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack.pipelines.forge.session.TRIES", 1)
    place = Place("github", "http://127.0.0.1:9", REPOSITORY, 7, COMMIT, REPOSITORY)
    with (
        connected(place, {"GITHUB_TOKEN": APP_TOKEN}, lambda: 0.0) as connection,
        pytest.raises(NoAnswer, match=r"GitHub could not be reached \(ConnectionError\)"),
    ):
        connection.own_comments()


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "naïve", "tab\there"])
def test_what_is_no_token_is_never_sent(github: GitHubPlayer, token: str) -> None:
    with (
        pytest.raises(InputError, match="is not a token") as raised,
        connected(place_of(github), {"GITHUB_TOKEN": token}, lambda: 0.0),
    ):
        pass
    assert token not in raised.value.message
    assert github.asked == []


def test_without_a_token_it_is_said_what_to_do_and_forks_are_told_that_all_is_well(github: GitHubPlayer) -> None:
    with (
        pytest.raises(NotAllowed, match="no token in GITHUB_TOKEN or GH_TOKEN") as raised,
        connected(place_of(github), {"GITHUB_TOKEN": ""}, lambda: 0.0),
    ):
        pass
    assert "pull-requests: write" in raised.value.hint
    with pytest.raises(NotAllowed) as raised, connected(place_of(github, fork=True), {}, lambda: 0.0):
        pass
    assert "comes from a fork" in raised.value.hint


def test_what_is_not_known_is_asked_for_by_name(github: GitHubPlayer, gitlab: GitLabPlayer) -> None:
    for player in (github, gitlab):
        nowhere = Place(place_of(player).provider, player.url, "12")
        with connected(nowhere, tokens(player), lambda: 0.0) as connection:
            with pytest.raises(InputError, match="request is known to comment on"):
                connection.create("x")
            with pytest.raises(InputError, match="no commit is known"):
                connection.set_status(SUCCESS, "infratrack", None)


def test_no_netrc_of_this_machine_takes_the_tokens_place(
    github: GitHubPlayer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login anna password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with connected(place_of(github), tokens(github), lambda: 0.0) as connection:
        connection.own_comments()
    assert {one.headers["Authorization"] for one in github.asked} == {f"Bearer {APP_TOKEN}"}


@pytest.mark.parametrize("package", ["requests", "stamina"])
def test_without_the_extra_it_is_said_what_to_install(
    github: GitHubPlayer, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"{package}.instrumentation", raising=False)
    with (
        pytest.raises(InputError, match=f"the Python package {package} is missing") as raised,
        connected(place_of(github), tokens(github), lambda: 0.0),
    ):
        pass
    assert raised.value.hint == "pip install 'infratrack[forge]'"


@pytest.mark.parametrize(
    ("bodies", "said"),
    [
        ([b'{"id": null}'], "does not say whose token this is"),
        ([b'{"id": 41}', b'{"no": "list"}'], "does not answer with a list of notes"),
        ([b'{"id": 41}', b'[{"id": "x", "author": {"id": 41}}]'], "something that is no note"),
    ],
)
def test_what_gitlab_answers_oddly_is_a_sentence(gitlab: GitLabPlayer, bodies: list[bytes], said: str) -> None:
    gitlab.troubles.extend(Trouble(200, {}, body) for body in bodies)
    with (
        connected(place_of(gitlab), tokens(gitlab), lambda: 0.0) as connection,
        pytest.raises(Unreachable, match=said),
    ):
        connection.own_comments()


def test_waiting_for_a_forge_is_nothing_to_talk_about(
    github: GitHubPlayer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    github.troubles.append(Trouble(502))
    with connected(place_of(github), tokens(github), lambda: 0.0) as connection:
        connection.own_comments()
    assert capfd.readouterr() == ("", "")
    assert [one for one in caplog.records if one.name.startswith("stamina")] == []
