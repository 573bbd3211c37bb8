"""An issuer of identity tokens for tests: its keys, its key set, and tokens as GitHub and GitLab make them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from infratrack.evidence.identity.issuer_keys import IssuerKey, read_key_set

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.example.com"
NOW = 1_767_603_600
"""2026-01-05T09:00:00Z, in seconds."""


def rsa_key(name: str = "one", bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key for each name; made once, since making one takes a while."""
    return _made(name, bits)


@cache
def _made(name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, bits)


def jwk(name: str = "one", bits: int = 2048, **more: Any) -> dict[str, Any]:
    """The public half as an issuer publishes it."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key(name, bits).public_key(), as_dict=True)
    return {**public, "kid": name, "alg": "RS256", "use": "sig", **more}


def curve_key(kind: str) -> tuple[Any, str, dict[str, Any]]:
    """A private key of another kind, its algorithm, and its public half."""
    if kind == "Ed25519":
        private = ed25519.Ed25519PrivateKey.generate()
        return private, "EdDSA", json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(private.public_key()))
    curve = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[kind]
    signer = ec.generate_private_key(curve)
    algorithm = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[kind]
    return signer, algorithm, json.loads(jwt.algorithms.ECAlgorithm.to_jwk(signer.public_key()))


def key_set(*names: str) -> str:
    """A JWKS as an issuer publishes it."""
    return json.dumps({"keys": [jwk(name) for name in names or ("one",)]})


def issuer_key(name: str = "one") -> IssuerKey:
    (key,) = read_key_set(key_set(name))
    return key


def github_claims(audience: str | list[str], **more: Any) -> dict[str, Any]:
    """Claims as GitHub Actions makes them for a push to main."""
    return {
        "iss": GITHUB,
        "aud": audience,
        "sub": "repo:acme/network:ref:refs/heads/main",
        "iat": NOW,
        "nbf": NOW - 300,
        "exp": NOW + 300,
        "jti": "0d1f",
        "actor": "anna-b",
        "actor_id": "12",
        "event_name": "push",
        "job_workflow_ref": "acme/network/.github/workflows/apply.yml@refs/heads/main",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "repository": "acme/network",
        "repository_id": "74",
        "run_attempt": "2",
        "run_id": "1001",
        "sha": "ab" * 20,
        **more,
    }


def gitlab_claims(audience: str, **more: Any) -> dict[str, Any]:
    """Claims as GitLab makes them for a push to main."""
    return {
        "iss": GITLAB,
        "aud": audience,
        "sub": "project_path:acme/network:ref_type:branch:ref:main",
        "iat": NOW,
        "nbf": NOW - 5,
        "exp": NOW + 3_600,
        "ci_config_ref_uri": "gitlab.example.com/acme/network//.gitlab-ci.yml@refs/heads/main",
        "job_id": "302",
        "pipeline_id": "301",
        "pipeline_source": "push",
        "project_id": "22",
        "project_path": "acme/network",
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        "sha": "cd" * 20,
        "user_login": "ben",
        **more,
    }


def token(claims: dict[str, Any], name: str = "one", *, headers: dict[str, Any] | None = None) -> str:
    """A token signed by the issuer's key of that name."""
    return jwt.encode(claims, rsa_key(name), algorithm="RS256", headers={"kid": name, **(headers or {})})
