"""The names of kinds of evidence."""

from __future__ import annotations

import pytest

from infratrack.evidence.predicates import COMMAND, KEY, RUN_START, short_name


@pytest.mark.parametrize(
    ("predicate_type", "name"),
    [
        (COMMAND, "command"),
        (RUN_START, "run-start"),
        (KEY, "key"),
        ("https://in-toto.io/attestation/test-result/v0.1", "test-result"),
        ("https://slsa.dev/provenance/v1", "provenance"),
        ("urn:restic:snapshot", "snapshot"),
        ("https://example.org/scan/", "scan"),
        ("plain", "plain"),
        ("v1", "v1"),
        ("://", "://"),
        ("", ""),
    ],
)
def test_a_kind_of_evidence_goes_by_the_last_part_of_its_name(predicate_type: str, name: str) -> None:
    assert short_name(predicate_type) == name
