"""Random-looking runs: nearly every random token is found, and names, digests and paths are not."""

from __future__ import annotations

import random
import string

import pytest

from infratrack.evidence.redaction.entropy import bits_per_character, looks_random, random_spans


@pytest.mark.parametrize(
    ("alphabet", "length"),
    [(string.ascii_letters + string.digits, 24), (string.ascii_letters + string.digits + "+/", 40),
     (string.ascii_letters + string.digits + "-_", 43)],
)  # fmt: skip
def test_nearly_all_random_tokens_look_random(alphabet: str, length: int) -> None:
    chance = random.Random(1)  # noqa: S311 -- the same tokens in every run
    found = sum(looks_random("".join(chance.choices(alphabet, k=length))) for _ in range(1000))
    assert found >= 940


@pytest.mark.parametrize(
    "text",
    [
        "", "short", "a" * 40, "A" * 40, "0123456789" * 4, "0123456789abcdef" * 4, "aaaaAAAA1111" * 4,
        "this-is-a-slug-with-many-parts-2024", "AmazonEC2ContainerRegistryReadOnlyPolicy",
        "module_core_network_switch_01",
        "/very/long/path/with/many/parts/2024/File.txt", "0198a3b2-7c1d-7e4f-8a9b-0c1d2e3f4a5b",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ],
)  # fmt: skip
def test_what_people_and_machines_name_does_not(text: str) -> None:
    assert not looks_random(text)


def test_spans_are_where_the_runs_are_and_digests_are_public() -> None:
    run = "Ab3dE9xkQz7LmN2pR5tVw1Yz"
    assert list(random_spans(f"a {run}. b")) == [(2, 2 + len(run))]
    assert list(random_spans(f"sha256:{run} SHA256-{run} h1:{run}=")) == []


def test_bits_are_those_of_shannon() -> None:
    assert bits_per_character("abcd" * 5) == 2
    assert bits_per_character("aaaa") == 0
