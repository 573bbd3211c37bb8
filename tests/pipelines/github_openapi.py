"""GitHub's published description of its API: whether a request or an answer is one that GitHub knows.

It comes with the npm package of Octokit, fetched once into a cache outside the checkout.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import pytest
from jsonschema import Draft202012Validator

PACKAGE = "@octokit/openapi@23.0.2"
MEMBER = "package/generated/api.github.com.json"
REQUIRED = "INFRATRACK_REQUIRE_NODE"
LONGEST_FETCH = 240


def described() -> GitHubDescription:
    """The description; skips the test where there is no npm, unless it is required (as in CI)."""
    npm = shutil.which("npm")
    if npm is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"npm is missing, and {REQUIRED} is set", pytrace=False)
        pytest.skip("no npm to fetch GitHub's OpenAPI description with")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "infratrack-tests"
    document = home / f"github-openapi-{PACKAGE.rpartition('@')[2]}.json"
    if not document.is_file():
        _fetch(npm, home, document)
    return GitHubDescription(msgspec.json.decode(document.read_bytes()))


def _fetch(npm: str, home: Path, document: Path) -> None:
    """Of several processes one fetches, the others wait and find it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "github-openapi.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if document.is_file():
            return
        pack = [npm, "pack", "--silent", PACKAGE]
        fetched = subprocess.run(pack, cwd=home, check=True, capture_output=True, text=True, timeout=LONGEST_FETCH)
        archive = home / fetched.stdout.strip().splitlines()[-1]
        with tarfile.open(archive) as tar:
            member = tar.extractfile(MEMBER)
            assert member is not None
            part = document.with_suffix(".part")
            part.write_bytes(member.read())
        archive.unlink()
        part.replace(document)


class GitHubDescription:
    """The operations that GitHub offers."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._patterns = [(_pattern(path), path) for path in document["paths"]]

    def check_request(self, method: str, target: str, body: bytes) -> None:
        """Fail unless GitHub offers this operation with these parameters and this body."""
        parts = urlsplit(target)
        operation, found = self._operation(method, parts.path)
        known = {one["name"]: one for one in map(self._resolved, operation.get("parameters", ()))}
        for name, value in found.items():
            self._valid(_typed(value, known[name]["schema"]), known[name]["schema"], f"{name} in the path")
        for name, value in parse_qsl(parts.query, strict_parsing=bool(parts.query)):
            assert name in known, f"{method} {parts.path} takes no parameter {name}"
            assert known[name]["in"] == "query"
            self._valid(_typed(value, known[name]["schema"]), known[name]["schema"], name)
        if "requestBody" not in operation:
            assert not body, f"{method} {parts.path} takes no body"
            return
        schema = self._resolved(operation["requestBody"])["content"]["application/json"]["schema"]
        content = msgspec.json.decode(body)
        self._valid(content, schema, f"the body of {method} {parts.path}")
        assert set(content) <= set(schema["properties"]), f"{method} {parts.path} takes none of these: {set(content)}"

    def check_answer(self, method: str, target: str, status: int, body: Any) -> None:
        """Fail unless GitHub may answer so: it keeps what plays GitHub in tests honest."""
        operation, _ = self._operation(method, urlsplit(target).path)
        answer = self._resolved(operation["responses"][str(status)])
        if "content" in answer:
            self._valid(body, answer["content"]["application/json"]["schema"], f"the answer to {method} {target}")
        else:
            assert body is None

    def _operation(self, method: str, path: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        for pattern, name in self._patterns:
            found = pattern.fullmatch(path)
            if found and method.lower() in self._document["paths"][name]:
                operation: Mapping[str, Any] = self._document["paths"][name][method.lower()]
                return operation, {key: unquote(value) for key, value in found.groupdict().items()}
        raise AssertionError(f"GitHub offers no {method} {path}")

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self._document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def _valid(self, value: Any, schema: Mapping[str, Any], where: str) -> None:
        whole = {"allOf": [schema], "components": self._document["components"]}
        errors = [
            f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(whole).iter_errors(value)
        ]
        assert errors == [], where


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.replace(".", r"\.").replace("-", r"\-")))


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    return int(text) if schema.get("type") == "integer" and text.isdigit() else text
