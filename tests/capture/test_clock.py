from __future__ import annotations

import uuid

from infratrack.capture.clock import new_run_id, now


def test_run_ids_are_version_7_and_differ() -> None:
    first, second = new_run_id(), new_run_id()
    assert uuid.UUID(first).version == 7
    assert first != second


def test_now_is_after_this_was_written() -> None:
    assert now() > 1_767_603_600_000_000
