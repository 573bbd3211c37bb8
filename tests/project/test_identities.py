"""`trust.identities`: what may be named, and that an issuer's keys are part of the definition."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infratrack.project.definition import project_from_definition
from infratrack.project.model import Identity, Project

Load = Callable[..., Project]
Problems = Callable[..., list[str]]
HEAD = "infratrack: 1\nproject: {id: p, name: P}\n"
KEYS = '{"keys": []}'
SOUND: dict[str, Any] = {
    "name": "main",
    "issuer": "https://gitlab.example.com/jwt",
    "issuer_keys": "keys/issuer.json",
    "repository": "acme/network",
    "ref": "refs/heads/*",
}


def text(**changes: Any) -> str:
    named = {key: value for key, value in {**SOUND, **changes}.items() if value is not None}
    return HEAD + "trust: " + json.dumps({"identities": [named]}) + "\n"


@pytest.fixture(autouse=True)
def issuer_keys(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    path = tmp_path / "keys" / "issuer.json"
    path.write_text(KEYS)
    return path


def test_an_identity_and_the_issuers_keys_are_part_of_the_definition(load: Load, issuer_keys: Path) -> None:
    project = load(text(events=["push", "web"]))
    assert project.identities == (Identity(**{**SOUND, "events": ("push", "web")}),)
    assert project.key_files == {"keys/issuer.json": KEYS}
    assert project_from_definition(project.definition.document).identities == project.identities
    issuer_keys.write_text('{"keys": [{}]}')
    assert load(text(events=["push", "web"])).definition.digest != project.definition.digest


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": None, "environment": "production"},
        {"workflow": "a/b/.github/workflows/x.yml@refs/heads/main"},
        {"ref": None, "repository": None, "subject": "job/apply"},
        {"ref": "refs/*/*"},
        {"repository_id": "74"},
    ],
)
def test_a_job_can_be_named_in_several_ways(load: Load, changes: dict[str, Any]) -> None:
    assert len(load(text(**changes)).identities) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ref": None}, "lacks its main key"),
        ({"ref": None, "workflow": "a/b/.github/workflows/x.yml@refs/heads/main"}, "lacks its main key"),
        ({"repository": None}, "has no `repository`"),
        ({"issuer": "http://gitlab.example.com"}, "https URL"),
        ({"issuer": "https://user:pass@gitlab.example.com"}, "https URL"),
        ({"issuer_keys": "keys/issuer.pem"}, "path of a .json file"),
        ({"issuer_keys": None}, "has no `issuer_keys`"),
        ({"sigstore_root": "keys/root.pem"}, "path of a .json file"),
        ({"sigstore_root": "keys/none.json"}, "is not there"),
        ({"sigstore_root": "../root.json"}, "outside the project folder"),
        ({"ref": "main"}, "full name of a ref"),
        ({"ref": "refs/*/*/*"}, "full name of a ref"),
        ({"workflow": "apply.yml"}, "with `@` and its ref"),
        ({"repository_id": "x"}, "'x'"),
        ({"events": []}, "at least 1"),
        ({"actor": "anna"}, "unknown key 'actor'"),
        ({"issuer_keys": "keys/none.json"}, "is not there"),
        ({"issuer_keys": "../issuer.json"}, "outside the project folder"),
    ],
)
def test_what_would_trust_too_much_or_nothing_is_a_problem(
    problems: Problems, changes: dict[str, Any], told: str
) -> None:
    assert any(told in one for one in problems(text(**changes)))


def test_a_trusted_root_of_sigstore_takes_the_place_of_the_issuers_keys(load: Load, tmp_path: Path) -> None:
    root = '{"mediaType": "x", "certificateAuthorities": []}'
    (tmp_path / "keys" / "root.json").write_text(root)
    project = load(text(issuer_keys=None, sigstore_root="keys/root.json"))
    (identity,) = project.identities
    assert (identity.issuer_keys, identity.sigstore_root) == (None, "keys/root.json")
    assert project.key_files == {"keys/root.json": root}
    both = load(text(sigstore_root="keys/root.json"))
    assert set(both.key_files) == {"keys/issuer.json", "keys/root.json"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keys": {}}', "é", '{"keys": []}' + " " * 70_000, "[" * 60_000])
def test_a_file_that_holds_no_key_set_is_a_problem(problems: Problems, issuer_keys: Path, content: str) -> None:
    issuer_keys.write_text(content)
    assert any("is no set of an issuer's public keys" in one for one in problems(text()))
