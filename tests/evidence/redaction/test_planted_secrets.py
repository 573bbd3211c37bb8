"""No planted secret survives the scrubber, in any encoding; and what is no secret comes out as it went in."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infratrack.evidence.redaction import MASK, Scrubber

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
# Every secret holds a character pair that no surroundings hold, so that a hit is the secret's and not chance.
SECRETS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=5, max_size=60).map(
    lambda text: f"Q7{text}Zx"
)
SURROUNDINGS = st.text("abc =:,;/'\"&?{}[]()\n", max_size=30)
ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: secret,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON, not ASCII": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)[1:-1])[1:-1],
    "URL": lambda secret: quote(secret, safe=""),
    "URL path": quote,
    "form": quote_plus,
    "URL in lower case": lambda secret: quote(secret, safe="").replace("%2F", "%2f").replace("%3A", "%3a"),
    "HTML": html.escape,
    "URL in JSON": lambda secret: json.dumps(quote(secret, safe=":;"))[1:-1],
    "JSON in URL": lambda secret: quote(json.dumps(secret)[1:-1]),
    "shell": lambda secret: shlex.quote(secret).removeprefix("'").removesuffix("'"),
}


@given(SECRETS, SURROUNDINGS, SURROUNDINGS, st.sampled_from(sorted(ENCODINGS)))
def test_a_known_secret_survives_in_no_text_form(secret: str, before: str, after: str, encoding: str) -> None:
    scrubbed = Scrubber([secret], salt=b"salt").text(before + ENCODINGS[encoding](secret) + after)
    assert secret not in scrubbed
    assert ENCODINGS[encoding](secret) not in scrubbed
    assert MASK in scrubbed


@given(SECRETS, st.binary(max_size=40), st.binary(max_size=40), st.booleans())
@example("Q7\x00\x00\x00\x00Zx", b"", b"", False)  # noqa: FBT003 -- as Hypothesis hands them over
def test_a_known_secret_survives_in_no_base64(secret: str, before: bytes, after: bytes, url_safe: bool) -> None:  # noqa: FBT001 -- Hypothesis hands it over
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    decode = base64.urlsafe_b64decode if url_safe else base64.b64decode
    text = encode(before + secret.encode() + after).decode()
    scrubbed = Scrubber([secret], salt=b"salt").text(f"data {text} end")
    assert MASK in scrubbed
    for part in scrubbed.split(MASK):
        run = part.split()[0] if part.split() else ""
        for cut in range(4):
            piece = run[cut:]
            assert secret.encode() not in decode(piece[: len(piece) // 4 * 4] or "")


@given(st.lists(SECRETS, min_size=1, max_size=5), st.data())
def test_a_known_secret_survives_in_no_json_value(secrets: list[str], data: st.DataObject) -> None:
    planted = st.sampled_from(secrets)
    texts = st.one_of(planted, st.builds(lambda one, two: f"{one} and {two}", planted, planted), st.text(LETTERS))
    values = st.recursive(texts, lambda one: st.lists(one, max_size=4) | st.dictionaries(texts, one, max_size=4))
    scrubbed = json.dumps(Scrubber(secrets, salt=b"salt").json(data.draw(values)), ensure_ascii=False)
    for secret in secrets:
        assert secret not in scrubbed
        assert json.dumps(secret, ensure_ascii=False)[1:-1] not in scrubbed


@given(
    SECRETS, st.sampled_from(["--password {}", "--password={}", "-var pw={}", "-var=pw={}", "-e token={}", "TOKEN={}"])
)
def test_the_value_of_a_secret_flag_survives_in_no_command_line(secret: str, form: str) -> None:
    argv = ["tool", *(word.format(secret) for word in form.split(" "))]
    scrubbed = Scrubber(salt=b"salt").argv(argv)
    assert not any(secret in word for word in scrubbed)
    assert len(scrubbed) == len(argv)


def test_every_line_of_a_secret_of_several_lines_is_one() -> None:
    whole = "-----BEGIN THING-----\nfirst-line-here\r\n  second-line-here\nabc\n-----END THING-----\n"
    scrubber = Scrubber([whole], salt=b"salt")
    assert scrubber.text("a second-line-here b first-line-here c abc") == f"a {MASK} b {MASK} c abc"
    assert scrubber.text(whole) == MASK


def test_overlapping_secrets_are_masked_whole() -> None:
    assert Scrubber(["abcdefgh", "efghijkl"], salt=b"").text("x abcdefghijkl y") == f"x {MASK} y"


names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
hexadecimal = st.text("0123456789abcdef", min_size=7, max_size=64)
addresses = st.builds(
    lambda module, kind, name, index: f"module.{module}.{kind}_thing.{name}[{index}]",
    names,
    st.sampled_from(["aws", "terraform", "null", "azurerm_virtual"]),
    names,
    st.one_of(st.integers(0, 99).map(str), names.map(lambda name: f'"{name}"')),
)
paths = st.lists(st.from_regex(r"[a-z][a-z0-9_.-]{0,15}", fullmatch=True), min_size=1, max_size=6).map("/".join)
innocent = st.one_of(
    addresses,
    hexadecimal,
    hexadecimal.map(lambda text: f"sha256:{text}"),
    st.uuids().map(str),
    paths.map(lambda path: f"/{path}"),
    st.from_regex(r"[a-z]{1,12}( [a-z]{1,12}){0,8}", fullmatch=True),
    st.integers().map(str),
    st.sampled_from(
        ["2026-01-05T09:30:00.000000Z", "v1.11.4-beta2", "registry.example.org/hashicorp/aws", "10.0.0.0/16"]
    ),
)


@given(innocent)
def test_innocent_facts_come_out_as_they_went_in(fact: str) -> None:
    scrubber = Scrubber(["some-other-secret"], salt=b"salt")
    assert scrubber.text(fact) == fact
    assert scrubber.json({"fact": fact, fact: [fact]}) == {"fact": fact, fact: [fact]}
    assert scrubber.argv(["tool", fact]) == ("tool", fact)
    assert scrubber.masked == 0


@pytest.mark.parametrize(
    "fact",
    [
        "AWSServiceRoleForAutoScaling2024",
        "aws_secretsmanager_secret.db",
        "aws_secretsmanager_secret.db: Creating...",
        "random_password.db",
        'module.secrets["prod"].vault_generic_secret.token["a/b"]',
        "roles/openssh/tasks/main.yml",
        "ansible.builtin.user",
        "Set the password of the database",
        "refs/heads/feature/JIRA-1234-new-Login2",
        "https://github.com/org/repo.git",
        "git@github.com:org/repo.git",
        "ssh://git@example.org/repo",
        "https://ci.example.org/job/12345/attempts/1#step",
        "arn:aws:iam::123456789012:role/DeployRole2NetworkStack3",
        "/subscriptions/0198a3b2-7c1d-7e4f-8a9b-0c1d2e3f4a5b/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/vnet1",
        "i-0abc12345def67890",
        "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        "h1:47DEQpj8HBSaTImW5JCeuQeRkm5NMpJWZG3hSuFU0A1=",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxq4vX1mZ0u8h5C7k9v2P3n4B5c6D7e8F9g0H1i2J3k",
        "token: true",
        "password = ${var.password}",
        'terraform_data.vlan["core-1"] will be created',
    ],
)  # fmt: skip
def test_facts_that_merely_look_like_secrets_stay(fact: str) -> None:
    assert Scrubber(salt=b"salt").text(fact) == fact
    assert Scrubber(salt=b"salt").json([fact]) == [fact]
