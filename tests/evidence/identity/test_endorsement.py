"""An endorsement proves who holds a key, and nothing about any other key."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from infratrack.errors import IntegrityFailure
from infratrack.evidence.identity.endorsement import Endorsed, endorsed_by, endorsement_of
from infratrack.evidence.identity.runner import Runner, described, runner_of
from infratrack.evidence.identity.tokens import audience_for
from infratrack.testing.builders import signing_key
from tests.evidence.identity.issuer import GITHUB, GITLAB, github_claims, gitlab_claims, issuer_key, token

KEY, OTHER = signing_key("job"), signing_key("other")


def predicate(keyid: str = KEY.keyid, **more: Any) -> dict[str, Any]:
    made = endorsement_of(keyid, token(github_claims(audience_for(keyid))), issuer_key())
    return {"result": {**msgspec.to_builtins(made), **more}}


def test_an_endorsement_says_which_job_holds_the_key() -> None:
    endorsed = endorsed_by(predicate(), KEY.keyid)
    assert endorsed == Endorsed(
        KEY.keyid,
        issuer_key().thumbprint,
        Runner(
            issuer=GITHUB,
            subject="repo:acme/network:ref:refs/heads/main",
            repository="acme/network",
            repository_id="74",
            ref="refs/heads/main",
            workflow="acme/network/.github/workflows/apply.yml@refs/heads/main",
            event="push",
            commit="ab" * 20,
            run="1001",
            attempt="2",
            actor="anna-b",
        ),
    )
    assert described(endorsed.runner) == "acme/network at refs/heads/main"


def test_a_token_endorses_no_other_key() -> None:
    with pytest.raises(IntegrityFailure, match="another audience"):
        endorsement_of(OTHER.keyid, token(github_claims(audience_for(KEY.keyid))), issuer_key())
    stolen = predicate()
    assert endorsed_by({"result": {**stolen["result"], "keyid": OTHER.keyid}}, OTHER.keyid) is None
    # Signed by somebody else than the key that it is about.
    assert endorsed_by(stolen, OTHER.keyid) is None


@pytest.mark.parametrize(
    "change",
    [
        {"runner": {"issuer": GITHUB, "subject": "repo:acme/network:ref:refs/heads/main"}},
        {"runner": {"issuer": GITHUB}},
        {"issuerKey": {}},
        {"issuerKey": dict(issuer_key("two").jwk)},
        {"issuerKey": {**issuer_key().jwk, "d": "AA"}},
        {"issuerKey": {**issuer_key().jwk, "x": "more"}},
        {"token": "a.b.c"},
        {"token": 7},
        {"method": "word of honour"},
        {"more": 1},
    ],
)
def test_an_endorsement_that_does_not_hold_proves_nothing(change: dict[str, Any]) -> None:
    assert endorsed_by(predicate(**change), KEY.keyid) is None


@pytest.mark.parametrize("hostile", [{}, {"result": None}, {"result": []}, {"result": {}}, {"result": "x"}])
def test_what_is_no_endorsement_proves_nothing(hostile: dict[str, Any]) -> None:
    assert endorsed_by(hostile, KEY.keyid) is None


def test_gitlab_says_the_same_in_other_words() -> None:
    runner = runner_of(gitlab_claims("x"))
    assert runner == Runner(
        issuer=GITLAB,
        subject="project_path:acme/network:ref_type:branch:ref:main",
        repository="acme/network",
        repository_id="22",
        ref="refs/heads/main",
        workflow="gitlab.example.com/acme/network//.gitlab-ci.yml@refs/heads/main",
        event="push",
        commit="cd" * 20,
        run="301",
        attempt="302",
        actor="ben",
    )
    older = gitlab_claims("x", pipeline_id=301)
    del older["ref_path"]
    assert runner_of(older) == runner
    assert runner_of({**older, "ref_type": "tag", "ref": "v1"}).ref == "refs/tags/v1"
    assert not runner_of({**older, "ref_type": "other"}).ref


def test_of_other_issuers_only_the_subject_is_known() -> None:
    claims = {"iss": "https://jenkins.example.com", "sub": "job/apply", "ref": "refs/heads/main", "repository": "a/b"}
    assert runner_of(claims) == Runner("https://jenkins.example.com", "job/apply")
    assert described(runner_of(claims)) == "job/apply"
    # One that mixes the words of two is neither.
    assert not runner_of({**github_claims("x"), "project_path": "a/b", "pipeline_id": "1"}).repository


def test_a_claim_that_cannot_be_shown_is_none() -> None:
    shown = runner_of(github_claims("x", actor="a\x1b[31m", ref=["refs/heads/main"], run_attempt=True, sha="a" * 2_000))
    assert (shown.actor, shown.ref, shown.attempt, shown.commit) == ("", "", "", "")
