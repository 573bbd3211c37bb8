"""What signing certificates of sigstore say, in the words that `trust.identities` uses."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from infratrack.errors import IntegrityFailure
from infratrack.evidence.identity.certificates import runner_in
from infratrack.evidence.identity.runner import Runner
from tests.evidence.identity.issuer import GITHUB, GITLAB, github_claims
from tests.evidence.identity.sigstore_instance import SigstoreInstance, der_text

INSTANCE = SigstoreInstance()
SUBJECT = "https://github.com/acme/network/.github/workflows/apply.yml@refs/heads/main"


def certificate(
    names: list[x509.GeneralName] | None = None, more: dict[int, bytes] | None = None, **claims: Any
) -> x509.Certificate:
    INSTANCE.names, INSTANCE.more = names, more or {}
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return INSTANCE.certificate(key, github_claims("sigstore", **claims))


def test_githubs_words_are_those_of_its_tokens() -> None:
    assert runner_in(certificate(environment="production")) == Runner(
        issuer=GITHUB,
        subject=SUBJECT,
        repository="acme/network",
        repository_id="74",
        ref="refs/heads/main",
        workflow="acme/network/.github/workflows/apply.yml@refs/heads/main",
        environment="production",
        event="push",
        commit="ab" * 20,
        run="1001",
        attempt="2",
    )


def test_gitlabs_words_are_those_of_its_tokens() -> None:
    address = "https://gitlab.example.com/acme/net/work"
    config = f"{address}//.gitlab-ci.yml@refs/heads/main"
    said = {1: GITLAB.encode(), 8: der_text(GITLAB), 9: der_text(config), 12: der_text(address)}
    said |= {20: der_text("push"), 21: der_text(f"{address}/-/jobs/302"), 2: b"", 5: b"", 6: b""}
    runner = runner_in(certificate([x509.UniformResourceIdentifier(config)], said))
    assert (runner.issuer, runner.repository, runner.ref) == (GITLAB, "acme/net/work", "refs/heads/main")
    assert runner.workflow == "gitlab.example.com/acme/net/work//.gitlab-ci.yml@refs/heads/main"
    assert (runner.event, runner.run, runner.attempt) == ("push", "", "302")


@pytest.mark.parametrize(
    "more",
    [
        {20: b""},
        {20: b"push"},
        {20: b"\x0c\x05push"},
        {20: b"\x0c"},
        {20: der_text("pu\x1b[31msh")},
        {20: b"\x0c\x02\xff\xfe"},
    ],
)
def test_without_knowing_what_set_a_job_going_only_its_subject_counts(more: dict[int, bytes]) -> None:
    assert runner_in(certificate(more=more)) == Runner(GITHUB, SUBJECT)


@pytest.mark.parametrize(
    "more",
    [
        {21: b""},
        {12: b""},
        {21: der_text("https://ci.example.com/builds/7")},
        {12: der_text("ssh://github.com/acme/network")},
    ],
)
def test_of_other_systems_the_subject_counts_and_what_set_the_job_going(more: dict[int, bytes]) -> None:
    assert runner_in(certificate(more=more)) == Runner(GITHUB, SUBJECT, event="push")


def test_a_workflow_may_be_missing() -> None:
    assert not runner_in(certificate(more={9: b""})).workflow


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        (x509.RFC822Name("anna@example.org"), "anna@example.org"),
        (x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), der_text("anna!ci")), "anna!ci"),
    ],
)
def test_subjects_have_several_forms(name: x509.GeneralName, subject: str) -> None:
    assert runner_in(certificate([name])).subject == subject


@pytest.mark.parametrize(
    "names",
    [
        [x509.DNSName("example.org")],
        [x509.OtherName(x509.ObjectIdentifier("1.2.3"), der_text("anna"))],
        [x509.RFC822Name("anna@example.org"), x509.RFC822Name("ben@example.org")],
    ],
)
def test_a_certificate_of_nobody_or_of_two_is_refused(names: list[x509.GeneralName]) -> None:
    with pytest.raises(IntegrityFailure, match="one subject"):
        runner_in(certificate(names))


def test_a_certificate_without_any_name_is_refused() -> None:
    with pytest.raises(IntegrityFailure, match="one subject"):
        runner_in(INSTANCE.middle_certificate)


@pytest.mark.parametrize("issuer", [b"", der_text("http://issuer.example"), der_text("accounts.example.com")])
def test_a_certificate_without_an_issuer_of_tokens_is_refused(issuer: bytes) -> None:
    with pytest.raises(IntegrityFailure, match="identity token"):
        runner_in(certificate(more={1: b"", 8: issuer}))


def test_the_older_form_of_the_issuer_is_read_where_there_is_no_newer() -> None:
    assert runner_in(certificate(more={8: b""})).issuer == GITHUB
