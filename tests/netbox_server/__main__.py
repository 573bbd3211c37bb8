"""`python -m tests.netbox_server [-- COMMAND …]`: a NetBox to work with until ^C, or for as long as a command runs."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.netbox_server.cache import Cache, Unavailable
from tests.netbox_server.line import NotMade
from tests.netbox_server.server import NetBoxServer
from tests.netbox_server.template import ensure_template


def report(line: str) -> None:
    """One line of progress, beside what is printed for use."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.netbox_server", description=__doc__)
    parser.add_argument("--build-only", action="store_true", help="make the cache and stop")
    parser.add_argument("--optional", action="store_true", help="where no NetBox can be had, say so and exit with 0")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; any free one if not given")
    parser.add_argument("--write-env", type=Path, metavar="FILE", help="where to write the exports, once it is ready")
    parser.add_argument("command", nargs="*", help="run this with NETBOX_URL and NETBOX_TOKEN set, then stop")
    return parser.parse_args()


def serve(port: int, environment_file: Path | None) -> None:
    """Run a server until SIGINT or SIGTERM."""
    with NetBoxServer(report, port) as server:
        lines = (
            f"export NETBOX_URL={server.url} NETBOX_TOKEN={server.token}\n"
            f"export NETBOX_READ_ONLY_TOKEN={server.read_only_token}\n"
        )
        if environment_file is not None:
            descriptor = os.open(environment_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as out:
                out.write(lines)
        sys.stdout.write(lines)
        sys.stdout.flush()
        report("NetBox: ready; the user is admin; ^C stops it")
        while True:
            time.sleep(3600)


def accompany(command: list[str]) -> int:
    """Run a command with a server of its own; its exit code."""
    with NetBoxServer(report) as server:
        environment = {**os.environ, "NETBOX_URL": server.url, "NETBOX_TOKEN": server.token}
        return subprocess.run(command, env=environment, check=False).returncode


def main() -> int:
    """Carry it out; 1 where no NetBox can be had, 0 otherwise."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what it puts in the background deaf to ^C
        signal.signal(number, signal.default_int_handler)
    asked = arguments()
    try:
        if asked.build_only:
            _programs, template = ensure_template(Cache.find(), report)
            report(f"NetBox: the cache is ready in {template.dump.parents[1]}")
        elif asked.command:
            return accompany(asked.command)
        else:
            serve(asked.port, asked.write_env)
    except Unavailable as unavailable:
        report(f"NetBox: not available: {unavailable}")
        return 0 if asked.optional and not os.environ.get("INFRATRACK_REQUIRE_NETBOX") else 1
    except NotMade as not_made:
        report(str(not_made))
        return 1
    except KeyboardInterrupt:
        return 0 if not asked.build_only else 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
