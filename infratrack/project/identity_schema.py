"""The part of the project file's JSON Schema that names jobs by what their CI system vouches for. Pure."""

from __future__ import annotations

from typing import Any, Final

from infratrack.project.schema_parts import Schema, list_of, mapping, ref

CLAIM_AT_MOST: Final = 1_000
ISSUER_PATTERN: Final = r"^https://[a-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._~-]{1,200}){0,8}/?$"
"""An issuer is an HTTPS URL without user, query and fragment (OpenID Connect Discovery 1.0, section 3)."""


def identity() -> Schema:
    """A job as its CI system describes it in identity tokens: never a whole repository, always a ref of it at least."""

    def claim(description: str, example: str, **more: Any) -> Schema:  # noqa: ANN401 -- JSON Schema keywords
        described = {"description": description, "type": "string", "minLength": 1, "maxLength": CLAIM_AT_MOST}
        return {**described, "examples": [example], **more}

    example = {
        "name": "apply on main",
        "issuer": "https://token.actions.githubusercontent.com",
        "issuer_keys": "keys/github.jwks.json",
        "repository": "acme/network",
        "ref": "refs/heads/main",
    }
    return mapping(
        "an identity",
        {
            "name": ref("name", "What to call jobs of this identity in reports."),
            "issuer": claim(
                "Who issues the tokens: the CI system's URL, as they name it (`iss`).",
                example["issuer"],
                title="an issuer's https URL",
                pattern=ISSUER_PATTERN,
            ),
            "issuer_keys": {
                **ref("path", "The issuer's public keys (JWKS), as `infratrack identity keys ISSUER` prints them."),
                "title": "the path of a .json file inside the project folder",
                "pattern": "\\.json$",
                "examples": [example["issuer_keys"]],
            },
            "sigstore_root": {
                **ref("path", "The sigstore instance's trusted root, as `infratrack identity sigstore` prints it."),
                "title": "the path of a .json file inside the project folder",
                "pattern": "\\.json$",
                "examples": ["keys/sigstore.json"],
            },
            "subject": claim(
                "The token's subject (`sub`), exactly; through sigstore, the certificate's.",
                "repo:acme/network:environment:production",
            ),
            "repository": claim("The repository, with its owner or group.", example["repository"]),
            "repository_id": claim(
                "The repository's number, which outlives its name.", "123456789", pattern="^[0-9]+$"
            ),
            "ref": claim(
                "The full name of the branch or tag; `*` stands for any characters, twice at most.",
                example["ref"],
                title="the full name of a ref",
                pattern="^refs/[^*]*([*][^*]*){0,2}$",
            ),
            "workflow": claim(
                "The file that defines the job, `@` and the ref that it is taken from.",
                "acme/network/.github/workflows/apply.yml@refs/heads/main",
                title="a workflow file with `@` and its ref",
                pattern="@refs/.",
            ),
            "environment": claim("The deployment environment that the job runs in.", "production"),
            "events": list_of(
                claim("An event in the CI system's words.", "push"),
                "What may set the job going, where that is not only what people with the right to write do.",
                minItems=1,
                maxItems=50,
                uniqueItems=True,
            ),
        },
        ("name", "issuer"),
        # Whoever may open a pull request can run some job of the repository: the repository alone says nothing. Nor
        # does the workflow: one that is reusable is called from any branch, and works on that branch's files.
        anyOf=[{"required": [name]} for name in ("ref", "environment", "subject")],
        allOf=[
            {
                "if": {"not": {"required": ["sigstore_root"]}},
                "then": {"title": "an identity without a sigstore root", "required": ["issuer_keys"]},
            }
        ],
        **{
            "if": {"not": {"required": ["subject"]}},
            "then": {"title": "an identity without a subject", "required": ["repository"]},
        },
        examples=[example],
    )
