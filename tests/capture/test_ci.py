from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.capture.ci import Surroundings, surroundings
from infratrack.evidence.predicates import Actor, Ci

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/west",
    "GITHUB_RUN_ID": "42",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_JOB": "apply",
    "GITHUB_ACTOR": "anna",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_REF_NAME": "main",
}
AZURE = {
    "TF_BUILD": "True",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
    "SYSTEM_TEAMPROJECT": "west",
    "BUILD_BUILDID": "9",
    "SYSTEM_JOBDISPLAYNAME": "Apply",
    "SYSTEM_JOBATTEMPT": "1",
    "BUILD_REQUESTEDFOREMAIL": "anna@example.org",
    "BUILD_SOURCEBRANCH": "refs/heads/main",
}


def around(environ: dict[str, str]) -> Surroundings:
    return surroundings(environ, login="anna", host="bench")


def test_outside_any_pipeline_the_actor_is_the_person_at_the_host() -> None:
    assert around({}) == Surroundings(Actor("person", "anna@bench", "login"))


def test_github_actions() -> None:
    url = "https://github.com/acme/west/actions/runs/42/attempts/2"
    assert around(GITHUB) == Surroundings(Actor("person", "anna", "github"), Ci("github", url, "apply", 2), "main")


def test_on_github_whoever_ran_it_again_is_the_actor() -> None:
    assert around({**GITHUB, "GITHUB_TRIGGERING_ACTOR": "bo"}).actor.id == "bo"


def test_on_github_a_pull_request_names_its_own_branch() -> None:
    assert around({**GITHUB, "GITHUB_HEAD_REF": "vlan-30", "GITHUB_REF_NAME": "7/merge"}).branch == "vlan-30"


def test_on_github_a_tag_is_no_branch() -> None:
    assert around({**GITHUB, "GITHUB_REF_TYPE": "tag"}).branch is None


def test_a_bot_is_a_machine() -> None:
    assert around({**GITHUB, "GITHUB_ACTOR": "renovate[bot]"}).actor.kind == "machine"


def test_gitlab_ci() -> None:
    environ = {
        "GITLAB_CI": "true",
        "CI_JOB_URL": "https://gitlab.example.org/acme/west/-/jobs/3",
        "CI_JOB_NAME": "apply",
        "GITLAB_USER_LOGIN": "anna",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "vlan-30",
    }
    expected = Ci("gitlab", "https://gitlab.example.org/acme/west/-/jobs/3", "apply")
    assert around(environ) == Surroundings(Actor("person", "anna", "gitlab"), expected, "vlan-30")


def test_jenkins() -> None:
    environ = {
        "JENKINS_URL": "https://ci.example.org/",
        "BUILD_URL": "https://ci.example.org/job/west/5/",
        "JOB_NAME": "west",
        "BRANCH_NAME": "main",
    }
    expected = Ci("jenkins", "https://ci.example.org/job/west/5/", "west")
    assert around(environ) == Surroundings(Actor("machine", "jenkins", "jenkins"), expected, "main")


def test_a_jenkins_address_alone_is_no_build() -> None:
    assert around({"JENKINS_URL": "https://ci.example.org/"}).ci is None


def test_azure_pipelines() -> None:
    url = "https://dev.azure.com/acme/west/_build/results?buildId=9"
    actor = Actor("person", "anna@example.org", "azure-pipelines")
    assert around(AZURE) == Surroundings(actor, Ci("azure-pipelines", url, "Apply", 1), "main")


def test_on_azure_a_tag_is_no_branch() -> None:
    assert around({**AZURE, "BUILD_SOURCEBRANCH": "refs/tags/v1"}).branch is None


def test_circleci() -> None:
    environ = {
        "CIRCLECI": "true",
        "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/west/8",
        "CIRCLE_JOB": "apply",
        "CIRCLE_USERNAME": "anna",
        "CIRCLE_BRANCH": "main",
    }
    expected = Ci("circleci", "https://circleci.com/gh/acme/west/8", "apply")
    assert around(environ) == Surroundings(Actor("person", "anna", "circleci"), expected, "main")


@pytest.mark.parametrize(
    "environ", [{"GITHUB_ACTIONS": "true"}, {"TF_BUILD": "True"}, {"GITLAB_CI": "true"}, {"CIRCLECI": "true"}]
)
def test_a_pipeline_that_says_little_is_still_one(environ: dict[str, str]) -> None:
    found = around(environ)
    assert found.ci is not None
    assert (found.ci.run_url, found.actor.kind, found.branch) == (None, "machine", None)


@pytest.mark.parametrize("attempt", ["", "x", "-1", "²", "1" * 30])
def test_a_count_that_is_none_is_unknown(attempt: str) -> None:
    found: Any = around({**GITHUB, "GITHUB_RUN_ATTEMPT": attempt}).ci
    assert found.attempt is None
    assert found.run_url == "https://github.com/acme/west/actions/runs/42"


@given(st.dictionaries(st.sampled_from(sorted(GITHUB | AZURE)), st.text(max_size=30)))
def test_no_environment_is_too_odd(environ: dict[str, str]) -> None:
    assert around(environ).actor.id
