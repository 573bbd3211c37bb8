"""Environments: what a variable's name or value gives away is a secret; the rest is not."""

from __future__ import annotations

import pytest

from infratrack.evidence.keys import SigningKey
from infratrack.evidence.redaction import Scrubber, secrets_in_environment

TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("DB_PASSWORD", "letmein", {"letmein"}),
        ("VAULT_TOKEN", "/not+a/path=", {"/not+a/path="}),
        ("AWS_SECRET_ACCESS_KEY", "abcdefghij", {"abcdefghij"}),
        ("dbPassword", "letmein", {"letmein"}),
        ("GITHUB_PAT", "letmein", {"letmein"}),
        ("DB_PASSWORD", "short", set()),
        ("DB_PASSWORD", "", set()),
        ("USE_TOKEN", "enabled", set()),
        ("USE_TOKEN", "changed", {"changed"}),
        ("API_TOKEN", "true", set()),
        ("PWD", "/home/someone", set()),
        ("OLDPWD", "/home/someone", set()),
        ("SSH_AUTH_SOCK", "/run/user/1000/ssh", set()),
        ("GOOGLE_CREDENTIALS", "/etc/keys/deploy.json", set()),
        ("GOOGLE_CREDENTIALS", '{"private_key": "abcdefgh", "n": [1, "x-1", "Zz9999"]}', {"abcdefgh", "Zz9999", "{"}),
        ("SOME_SECRET", "{not json", {"{not json"}),
        ("SOME_SECRET", "[" * 100_000, {"["}),
        ("TF_VAR_db_password", "letmein", {"letmein"}),
        ("TF_VAR_seed", "hunter22", {"hunter22"}),
        ("TF_VAR_region", "us-east-1", set()),
        ("TF_VAR_cidr", "10.0.0.0/16", set()),
        ("TF_VAR_phrase", "correct horse battery", {"correct horse battery"}),
        ("DATABASE_URL", "postgres://u:letmein@h/d", {"letmein"}),
        ("HOOK", f"see {TOKEN} there", {TOKEN}),
        ("BUILD", "Ab3dE9xkQz7LmN2pR5tVw1Yz", {"Ab3dE9xkQz7LmN2pR5tVw1Yz"}),
        ("PATH", "/usr/local/bin:/usr/bin", set()),
        ("INFRATRACK_KEY", "deploy-key", set()),
    ],
)
def test_which_values_are_secrets(name: str, value: str, secrets: set[str]) -> None:
    found = secrets_in_environment({name: value})
    assert {secret if len(secret) < 100 and not secret.startswith('{"') else secret[0] for secret in found} == secrets


def test_the_signing_key_is_always_a_secret_line_by_line() -> None:
    pem = SigningKey.from_seed(bytes(range(32))).private_pem().decode()
    for written in (pem, pem.replace("\n", "\\n")):
        found = secrets_in_environment({"INFRATRACK_SIGNING_KEY": written})
        assert {pem, written} <= found
        assert pem.splitlines()[1] not in Scrubber(found, salt=b"").text(f"x {pem.splitlines()[1]} y")


def test_the_environment_of_a_pipeline_gives_up_its_tokens_and_nothing_else() -> None:
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_RUN_ID": "12345678901",
        "GITHUB_ACTOR": "ana",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "org/core-network",
        "GITHUB_WORKFLOW_REF": "org/repo/.github/workflows/x.yml@refs/heads/main",
        "GITHUB_EVENT_PATH": "/home/runner/work/_temp/_github_workflow/event.json",
        "RUNNER_TEMP": "/home/runner/work/_temp",
        "GITHUB_STEP_SUMMARY": "/home/runner/work/_temp/step_summary_0198a3b2-7c1d-7e4f-8a9b-0c1d2e3f4a5b",
        "JAVA_HOME_17_X64": "/usr/lib/jvm/temurin-17-jdk-amd64",
        "CI_COMMIT_REF_PROTECTED": "true",
        "TERM": "xterm-256color",
        "CI_PIPELINE_URL": "https://gitlab.com/org/repo/-/pipelines/123456789",
        "LC_ALL": "C.UTF-8",
        "SHELL": "/bin/bash",
        "ImageVersion": "20240101.1.0",
        "DEBIAN_FRONTEND": "noninteractive",
        "BUILD_TAG": "jenkins-Deploy-Network-Core-1234",
        "TF_VAR_environment": "production-1",
        "TF_IN_AUTOMATION": "1",
        "TF_VAR_count": "3",
        "INFRATRACK_HOME": "/var/lib/x",
        "GITHUB_TOKEN": "not-of-a-known-shape",
        "ACTIONS_RUNTIME_TOKEN": "eyJabcdefgh.eyJabcdefgh.x",
        "CI_JOB_TOKEN": "64_abcDEF",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.example.org/x//idtoken/1/2?api-version=2.0",
    }
    assert secrets_in_environment(environ) == {
        environ[name] for name in ("GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "CI_JOB_TOKEN")
    }
