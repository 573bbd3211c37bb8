"""Which jobs a project trusts: by the claims that it names, with the issuer's keys that it pins."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import structs

from infratrack.errors import InputError
from infratrack.evidence.identity.endorsement import Endorsed
from infratrack.evidence.identity.runner import runner_of
from infratrack.evidence.identity.sigstore_root import read_root
from infratrack.evidence.identity.trusted import TrustedIdentity, trusted_identities
from infratrack.evidence.trust import KeyEntry, Trust, TrustedSigner, covering, narrow, trust_of, with_endorsed
from infratrack.project.model import Definition, Identity, Project
from infratrack.testing.builders import signing_key
from infratrack.values import sha256_digest
from tests.evidence.identity.issuer import GITHUB, GITLAB, github_claims, gitlab_claims, issuer_key, key_set
from tests.evidence.identity.sigstore_instance import SigstoreInstance

MAIN = Identity("main", GITHUB, "github.json", repository="acme/network", ref="refs/heads/main")
JOB, SECOND = signing_key("job"), signing_key("second")


def project(*identities: Identity, files: dict[str, str] | None = None) -> Project:
    definition = Definition(sha256_digest(b"{}"), b"{}")
    texts = {"github.json": key_set()} if files is None else files
    return Project("p", "P", definition, identities=identities, key_files=texts)


def trusted(identity: Identity) -> TrustedIdentity:
    (found,) = trusted_identities(project(identity))
    return found


def endorsed(key: Any = JOB, *, signed_by: str = "one", **claims: Any) -> Endorsed:
    return Endorsed(key.keyid, issuer_key(signed_by).thumbprint, runner_of(github_claims("x", **claims)))


def test_a_job_is_trusted_for_what_the_project_names() -> None:
    assert trusted(MAIN).covers(endorsed())
    assert trusted(MAIN).covers(endorsed(actor="somebody", run_id="7", sha="0" * 40))


@pytest.mark.parametrize(
    "claims",
    [
        {"ref": "refs/heads/main2"},
        {"ref": "refs/heads/feature"},
        {"ref": "refs/pull/7/merge", "event_name": "pull_request"},
        {"ref": "xrefs/heads/main"},
        {"ref": ""},
        {"repository": "acme/other"},
        {"repository": "ACME/network"},
        {"iss": "https://token.actions.example.com"},
        {"event_name": "pull_request_target"},
        {"event_name": "issue_comment"},
        {"event_name": "workflow_run"},
    ],
)
def test_any_other_job_is_not(claims: dict[str, Any]) -> None:
    assert not trusted(MAIN).covers(endorsed(**claims))


def test_a_workflow_as_subject_needs_repository_and_ref_because_others_can_call_it() -> None:
    subject = "https://github.com/acme/network/.github/workflows/apply.yml@refs/heads/main"
    alone = Identity("main", GITHUB, "github.json", subject=subject)
    for called in ({"repository": "mallory/own"}, {"ref": "refs/heads/feature"}, {}):
        assert not trusted(alone).covers(endorsed(sub=subject, **called))
    bound = structs.replace(alone, repository="acme/network", ref="refs/heads/main")
    assert trusted(bound).covers(endorsed(sub=subject))
    assert not trusted(bound).covers(endorsed(sub=subject, repository="mallory/own"))
    assert not trusted(bound).covers(endorsed(sub=subject, ref="refs/heads/feature"))


def test_a_token_of_a_key_that_the_project_does_not_pin_is_worth_nothing() -> None:
    assert not trusted(MAIN).covers(endorsed(signed_by="two"))
    both = trusted_identities(project(MAIN, files={"github.json": key_set("one", "two")}))[0]
    assert both.covers(endorsed(signed_by="two"))


@pytest.mark.parametrize(
    ("words", "fits", "not_this"),
    [
        ({"workflow": "a@refs/heads/main"}, {"job_workflow_ref": "a@refs/heads/main"}, {}),
        ({"environment": "production"}, {"environment": "production"}, {"environment": "staging"}),
        ({"repository_id": "74"}, {}, {"repository_id": "75"}),
        ({"subject": "repo:acme/network:ref:refs/heads/main"}, {}, {"sub": "repo:acme/network:pull_request"}),
        ({"ref": "refs/tags/v*"}, {"ref": "refs/tags/v1.2"}, {"ref": "refs/tags/w"}),
        ({"ref": "refs/heads/*/x.y"}, {"ref": "refs/heads/a/b/x.y"}, {"ref": "refs/heads/a/x-y"}),
        ({"ref": None, "events": ("pull_request",)}, {"event_name": "pull_request"}, {"event_name": "push"}),
    ],
)
def test_every_claim_that_is_named_has_to_fit(
    words: dict[str, Any], fits: dict[str, Any], not_this: dict[str, Any]
) -> None:
    members = {name: getattr(MAIN, name) for name in MAIN.__struct_fields__}
    identity = trusted(Identity(**{**members, **words}))
    assert identity.covers(endorsed(**fits))
    if not_this:
        assert not identity.covers(endorsed(**{**fits, **not_this}))


def test_gitlab_jobs_are_trusted_in_the_same_words() -> None:
    identity = trusted(Identity("main", GITLAB, "github.json", repository="acme/network", ref="refs/heads/main"))
    job = Endorsed(JOB.keyid, issuer_key().thumbprint, runner_of(gitlab_claims("x")))
    assert identity.covers(job)
    merge = gitlab_claims("x", pipeline_source="merge_request_event")
    assert not identity.covers(Endorsed(JOB.keyid, issuer_key().thumbprint, runner_of(merge)))


def test_a_subject_alone_is_enough_where_an_issuer_says_nothing_else() -> None:
    identity = trusted(Identity("jenkins", "https://jenkins.example.com", "github.json", subject="job/apply"))
    job = runner_of({"iss": "https://jenkins.example.com", "sub": "job/apply"})
    assert identity.covers(Endorsed(JOB.keyid, issuer_key().thumbprint, job))


def test_a_job_can_be_vouched_for_by_its_issuer_or_through_sigstore() -> None:
    root = SigstoreInstance().trusted_root()
    both = Identity("main", GITHUB, "github.json", "root.json", repository="acme/network", ref="refs/heads/main")
    files = {"github.json": key_set(), "root.json": json.dumps(root)}
    (identity,) = trusted_identities(project(both, files=files))
    assert identity.covers(endorsed())
    parts = read_root(root).digests
    runner = runner_of(github_claims("x"))
    assert identity.covers(Endorsed(JOB.keyid, " ".join(parts), runner))
    # Every part has to be pinned, and there has to be one.
    strange = read_root(SigstoreInstance().trusted_root()).digests
    assert not identity.covers(Endorsed(JOB.keyid, " ".join((*parts[:2], strange[0])), runner))
    assert not identity.covers(Endorsed(JOB.keyid, "", runner))
    only = trusted_identities(project(structs.replace(both, issuer_keys=None), files=files))[0]
    assert not only.covers(endorsed())
    assert only.authorities == parts


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "'root.json' was not read"),
        ({"root.json": key_set()}, r"root.json \(trust.identities 'main'\): this is not a sigstore trusted root"),
    ],
)
def test_a_trusted_root_that_cannot_be_used_is_a_sentence(files: dict[str, str], told: str) -> None:
    identity = Identity("main", GITHUB, sigstore_root="root.json", repository="acme/network", ref="refs/heads/main")
    with pytest.raises(InputError, match=told):
        trust_of(project(identity, files=files))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "'github.json' was not read"),
        ({"github.json": "{}"}, r"github.json \(trust.identities 'main'\): this is no set of public keys"),
    ],
)
def test_keys_of_an_issuer_that_cannot_be_used_are_a_sentence(files: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        trust_of(project(MAIN, files=files))


def test_endorsed_keys_join_the_signers_from_their_endorsement_on() -> None:
    trust = trust_of(project(MAIN))
    assert trust.signers == {}
    feature = endorsed(SECOND, ref="refs/heads/feature")
    wider = with_endorsed(trust, [(9, endorsed()), (4, endorsed()), (2, feature)])
    assert wider.signers == {JOB.keyid: TrustedSigner("main", None)}
    assert (wider.name_of(JOB.keyid), wider.since) == ("main", {JOB.keyid: 4})
    assert [narrow(wider, []).holds(JOB.keyid, index) for index in (3, 4, 5)] == [False, True, True]
    ended = narrow(wider, [KeyEntry(6, JOB.keyid, "revoke", JOB.keyid)])
    assert [ended.holds(JOB.keyid, index) for index in (3, 4, 6)] == [False, True, False]
    assert covering(trust, feature) is None


def test_a_key_that_the_project_names_stays_what_it_is_and_people_stay_people() -> None:
    known = Trust({JOB.keyid: TrustedSigner("ci", JOB.public_key)}, {}, {}, trust_of(project(MAIN)).identities)
    wider = with_endorsed(known, [(4, endorsed()), (5, endorsed(SECOND))])
    assert wider.signers[JOB.keyid].name == "ci"
    assert wider.since == {SECOND.keyid: 5}
    assert wider.people == {}


def test_without_identities_endorsements_change_nothing() -> None:
    trust = Trust({JOB.keyid: TrustedSigner("ci", JOB.public_key)})
    assert with_endorsed(trust, [(1, endorsed(SECOND))]) is trust
