"""Which pull request a pipeline is about, whatever its environment and its event say."""

from __future__ import annotations

from typing import Any

import pytest

from infratrack.errors import InputError
from infratrack.pipelines.forge.place import Place, api_address, github_place, gitlab_place, provider_of

HEAD = "1" * 40
MERGE = "2" * 40
GITHUB = {"GITHUB_REPOSITORY": "acme/network", "GITHUB_SHA": MERGE, "GITHUB_REF": "refs/heads/main"}
GITLAB = {"CI_PROJECT_ID": "12", "CI_COMMIT_SHA": MERGE}


def event(head: str = "acme/network", **more: Any) -> dict[str, Any]:
    pull = {
        "number": 7,
        "head": {"sha": HEAD, "repo": {"full_name": head}},
        "base": {"repo": {"full_name": "acme/network"}},
    }
    return {"pull_request": {**pull, **more}}


def test_a_pull_request_is_told_by_the_event_and_its_commit_is_the_head() -> None:
    expected = Place("github", "https://api.github.com", "acme/network", 7, HEAD, "acme/network")
    assert github_place(GITHUB, event()) == expected


def test_a_fork_is_seen_by_its_repository_or_by_its_absence() -> None:
    assert github_place(GITHUB, event("mallory/network")).fork
    assert github_place(GITHUB, event(head=None)).fork  # type: ignore[arg-type]  # a fork that was deleted
    assert not github_place(GITHUB, event()).fork


@pytest.mark.parametrize(
    ("environ", "content", "number", "expected"),
    [
        ({"GITHUB_REF": "refs/pull/9/merge"}, None, None, 9),
        ({"GITHUB_REF": "refs/pull/9/merge"}, {}, 3, 3),
        ({}, {"issue": {"number": 5, "pull_request": {}}}, None, 5),
        ({}, {"issue": {"number": 5}}, None, None),
        ({}, None, None, None),
        ({}, event(number="7"), None, None),
        ({}, event(number=True), None, None),
        ({}, event(number=-1), None, None),
        ({}, event(number=10**30), None, None),
        ({"GITHUB_REF": "refs/pull/9/merge/../x"}, [], None, None),
    ],
)
def test_the_number(environ: dict[str, str], content: Any, number: int | None, expected: int | None) -> None:
    assert github_place(GITHUB | environ, content, number).number == expected


def test_outside_a_pull_request_the_commit_is_the_one_that_was_pushed() -> None:
    assert github_place(GITHUB, {"head_commit": {}}).commit == MERGE
    assert github_place({**GITHUB, "GITHUB_SHA": "main; rm"}, None).commit is None


@pytest.mark.parametrize("name", ["", "acme", "../network", "acme/..", "acme/net/work", "acme/net?x", "ac me/net"])
def test_what_is_no_repository_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="does not name a repository"):
        github_place({"GITHUB_REPOSITORY": name}, None)


def test_a_merge_request_of_gitlab() -> None:
    own = GITLAB | {"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "12"}
    assert gitlab_place(own) == Place("gitlab", "https://gitlab.com/api/v4", "12", 7, MERGE, "12")
    merged = own | {"CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD, "CI_API_V4_URL": "https://git.example/api/v4/"}
    assert gitlab_place(merged, 8) == Place("gitlab", "https://git.example/api/v4", "12", 8, HEAD, "12")
    fork = own | {"CI_PROJECT_ID": "99", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "99"}
    found = gitlab_place(fork)
    assert (found.repository, found.commit_repository, found.fork) == ("12", "99", True)
    assert gitlab_place(GITLAB).number is None


@pytest.mark.parametrize("number", ["", "12/../13", "x"])
def test_what_is_no_project_is_refused(number: str) -> None:
    with pytest.raises(InputError, match="does not name a project"):
        gitlab_place({"CI_PROJECT_ID": number})


@pytest.mark.parametrize(
    "url",
    [
        "http://github.example/api", "https://user:pw@github.example", "ftp://x", "https://", "x", "https://h:port/",
        "https://a.example/?x=1", "https://a.example/#x", "https://a.example/\n", "http://127.0.0.1.evil.example/",
    ],
)  # fmt: skip
def test_a_token_is_sent_over_tls_or_not_at_all(url: str) -> None:
    with pytest.raises(InputError, match="no address that a token may be sent to") as raised:
        api_address(url, "GITHUB_API_URL")
    assert "pw" not in raised.value.message


def test_loopback_needs_no_tls() -> None:
    for url in ("http://127.0.0.1:8080", "http://localhost", "http://[::1]:99/api"):
        assert api_address(url + "/", "X") == url


def test_the_provider_is_the_one_whose_pipeline_this_is() -> None:
    assert provider_of({"GITHUB_ACTIONS": "true"}) == "github"
    assert provider_of({"GITLAB_CI": "true"}) == "gitlab"
    assert provider_of({"CI": "true"}) is None
