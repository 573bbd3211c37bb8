"""Shapes: tokens, private keys, credentials in URLs, headers, assignments and flags in free text."""

from __future__ import annotations

import pytest

from infratrack.evidence.redaction import MASK, Scrubber

BASE62 = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"


@pytest.mark.parametrize(
    "token",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + BASE62[:36],
        "github_pat_" + BASE62,
        "glpat-" + BASE62[:20],
        "xoxb-123456789012-abcdefghij",
        "sk_live_" + BASE62[:24],
        "AIza" + BASE62[:35],
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123",
        "hvs." + BASE62[:24],
        BASE62[:14] + ".atlasv1." + BASE62 + BASE62[:20],
        "nbt_" + BASE62[:12] + "." + BASE62,
        "dop_v1_" + "ab12" * 16,
        "npm_" + BASE62[:36],
        "SG." + BASE62[:22] + "." + BASE62,
        "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2,
        "https://hooks.example.com/services/T0000/B0000/" + BASE62[:24],
    ],
)
def test_tokens_of_known_shape_are_found_anywhere(token: str) -> None:
    assert Scrubber(salt=b"").text(f"see {token}, there") == f"see {MASK}, there"
    assert Scrubber(salt=b"").text(token) == MASK


def test_private_keys_are_found_whole_even_when_cut_off() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\naC1r\n-----END OPENSSH PRIVATE KEY-----"
    assert Scrubber(salt=b"").text(f"a {key} b") == f"a {MASK} b"
    assert Scrubber(salt=b"").text(f"a {key[:50]}") == f"a {MASK}"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("https://me:pw@h/x", "https://me:#@h/x"),
        ("https://me:p/w@h/x", "https://me:#@h/x"),
        ("https://:pw@h/x", "https://:#@h/x"),
        ("https://me:@h/x", "https://me:@h/x"),
        ("https://Zz9To0k3n@h/x", "https://#@h/x"),
        ("https://deploy@h/x and ssh://git@h/y", None),
        ("https://h/x and mail to me@example.org", None),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer #"),
        ("authorization=abcdefgh1", "authorization=#"),
        ("'Authorization': 'Custom abcdefgh1'", "'Authorization': '#'"),
        ("the Bearer undefined", None),
        ("sent Basic dXNlcjpwYXNz", "sent Basic #"),
        ("the basic question", "the basic #"),
        ("password=abc, user=x", "password=#, user=x"),
        ("password: 'a b c' x", "password: '#' x"),
        ('{"password": "a \\"b\\" c", "x": 1}', '{"password": "#", "x": 1}'),
        ('"{\\"password\\": \\"abc\\"}"', '"{\\"password\\": \\"#\\"}"'),
        ("db_password := abc", "db_password := #"),
        ("['token'] => abc", "['token'] => #"),
        ("a=password=abc", "a=password=#"),
        ("password=‹masked› x", "password=# x"),
        ("password=****** token={{ token }} secret=$SECRET pwd=${PWD} key=$(pass) pw=", None),
        ("password=true token=null secret: (sensitive value)", None),
        ("name=abc total: 5", None),
        ("run --password abc --user x", "run --password # --user x"),
        ("run --password 'a b' --token \"c d\" x", "run --password '#' --token \"#\" x"),
        ("run --password --verbose", None),
        ("plan -var 'a=b c' -var x=y --extra-vars \"p=q r\"", "plan -var 'a=#' -var x=# --extra-vars \"p=#\""),
        ("plan -var 'a=b c", "plan -var 'a=#"),
        ('plan -var x="y z" w', "plan -var x=# w"),
        ("nothing of the kind", None),
    ],
)  # fmt: skip
def test_credentials_in_free_text(text: str, scrubbed: str | None) -> None:
    assert Scrubber(salt=b"").text(text).replace(MASK, "#") == (text if scrubbed is None else scrubbed)


@pytest.mark.timeout(60)
def test_texts_made_to_take_for_ever_do_not() -> None:
    for text in (
        "x=" * 100_000,
        "a://b:c" * 30_000,
        "a://b:c" * 30_000 + "@",
        "a." * 100_000 + " ",
        "eyJaaaaaaaa-" * 20_000,
        "-a " * 70_000,
        "\\" * 100_000,
        "%25" * 70_000,
        "-var 'a=" * 30_000,
        'x="' * 70_000,
        'token=\\"' * 30_000,
        "password=" * 20_000,
        "a" * 200_000,
        "://" * 50_000,
        "a:" * 50_000 + "@",
        "-----BEGIN PRIVATE KEY-----" * 2_000,
    ):
        Scrubber(salt=b"").text(text)
