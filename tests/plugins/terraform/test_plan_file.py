"""Saved plan files say where they come from; anything else says nothing, and never raises."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infratrack_terraform import plan_file
from infratrack_terraform.plan_file import PlanFile, describe_plan_file


def archive(plan: bytes = b"\x08\x03", state: bytes = b'{"lineage":"L","serial":7}') -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("tfplan", plan)
        made.writestr("tfstate", state)
        made.writestr("tfstate-prev", b'{"lineage":"","serial":0}')
    return buffer.getvalue()


def described(content: bytes) -> PlanFile:
    found = describe_plan_file(content)
    assert found.digest.startswith("sha256:")
    return found


def test_lineage_and_serial_come_from_the_state_that_it_was_made_from() -> None:
    found = described(archive())
    assert (found.lineage, found.serial, found.mode, found.targeted) == ("L", 7, "normal", False)


def test_mode_and_targets_are_read() -> None:
    assert described(archive(b"\x88\x01\x01")).mode == "destroy"
    assert described(archive(b"\x88\x01\x02")).mode == "refresh-only"
    assert described(archive(b"\x88\x01\x09")).mode == "normal"
    assert described(archive(b"\x2a\x03abc")).targeted is True
    assert described(archive(b"\x09" + b"8" * 8 + b"\x0d" + b"4" * 4 + b"\x88\x01\x01")).mode == "destroy"


@pytest.mark.parametrize("plan", [b"\x2a\x7fabc", b"\x0b", b"\x80", b"\x80" * 20, b"\x0c"])
def test_a_plan_that_is_no_protocol_buffer_has_no_mode(plan: bytes) -> None:
    found = described(archive(plan))
    assert (found.lineage, found.serial, found.mode, found.targeted) == ("L", 7, None, None)


@pytest.mark.parametrize("state", [b"", b"{", b'{"serial": "7"}', b"[" * 10_000, b'{"lineage":"\xff"}'])
def test_a_state_that_cannot_be_read_says_nothing(state: bytes) -> None:
    assert described(archive(state=state)).serial is None


def test_a_remote_run_is_told_apart() -> None:
    assert described(b'{"remote_plan_format":1,"run_id":"run-x"}').remote


def test_a_member_that_is_far_too_large_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_file, "LARGEST_FILE", 10)
    assert described(archive()).serial is None


def test_a_zip_without_the_members_is_no_plan() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("other", b"")
    assert described(buffer.getvalue()).mode is None


@settings(max_examples=300)
@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    content = bytearray(archive(b"\x08\x03\x2a\x03abc\x88\x01\x01"))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    described(bytes(content[: data.draw(st.integers(0, len(content)))]))
