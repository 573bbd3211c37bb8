from __future__ import annotations

import json

import pytest

from infratrack.capture.ci_branches import told_branches
from infratrack.project.protected_ref import Told

EVENT = json.dumps({"repository": {"default_branch": "trunk"}}).encode()


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, Told()),
        ({"CI": "false"}, Told()),
        ({"CI": "true"}, Told(in_ci=True)),
        ({"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"}, Told(in_ci=True, target="main")),
        ({"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": ""}, Told(in_ci=True)),
        ({"GITLAB_CI": "true", "CI_DEFAULT_BRANCH": "main"}, Told(in_ci=True, default="main")),
        (
            {
                "GITLAB_CI": "true",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "release/1",
                "CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED": "true",
                "CI_DEFAULT_BRANCH": "main",
            },
            Told(in_ci=True, target="release/1", default="main"),
        ),
        (
            {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
            Told(in_ci=True, target="main"),
        ),
        (
            {"JENKINS_URL": "https://ci.example", "BUILD_URL": "https://ci.example/1", "CHANGE_TARGET": "main"},
            Told(in_ci=True, target="main"),
        ),
        ({"ATLANTIS_TERRAFORM_VERSION": "1.9.0", "BASE_BRANCH_NAME": "main"}, Told(in_ci=True, target="main")),
    ],
)
def test_every_system_says_where_a_pull_request_goes(environ: dict[str, str], told: Told) -> None:
    assert told_branches(environ) == told


def test_a_target_that_anybody_may_push_to_cannot_say_whom_to_trust() -> None:
    environ = {
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "evil",
        "CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED": "false",
        "CI_DEFAULT_BRANCH": "main",
    }
    assert told_branches(environ) == Told(in_ci=True, default="main")


def test_github_names_the_default_branch_in_the_event() -> None:
    assert told_branches({"GITHUB_ACTIONS": "true"}, EVENT) == Told(in_ci=True, default="trunk")


@pytest.mark.parametrize(
    "event", [b"", b"{", b"[]", b'{"repository": 5}', b'{"repository": {"default_branch": 5}}', b"[" * 100_000, b"\xff"]
)
def test_an_event_that_says_nothing_of_it_is_no_event(event: bytes) -> None:
    assert told_branches({"GITHUB_ACTIONS": "true"}, event) == Told(in_ci=True)
