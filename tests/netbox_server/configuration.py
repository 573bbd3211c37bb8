"""The configuration that NetBox runs with: everything on sockets in one private folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NETBOX = """\
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "netbox", "USER": "netbox", "PASSWORD": "", "HOST": %(sockets)r, "PORT": "",
    # Kept open as in production, and looked at before each request: a reset takes the database away for a moment.
    "CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True,
}}
REDIS = {
    "tasks": {"URL": "unix://%(redis)s?db=0", "DATABASE": 0, "SSL": False},
    "caching": {"URL": "unix://%(redis)s?db=1", "DATABASE": 1, "SSL": False},
}
SECRET_KEY = %(secret_key)r
API_TOKEN_PEPPERS = {1: %(pepper)r}
CENSUS_REPORTING_ENABLED = False
ISOLATED_DEPLOYMENT = True
RELEASE_CHECK_URL = None
"""

GUNICORN = """\
import os

preload_app = True
workers = 2
threads = 2
timeout = 30
control_socket_disable = True


def pre_fork(server, worker):
    from django.db import connections
    connections.close_all()


def leave_at_once(_):
    os._exit(0)  # to take a loaded NetBox down object by object costs seconds


worker_int = leave_at_once
on_exit = leave_at_once
"""


def write_configuration(folder: Path, sockets: Path, redis: Path, secrets: Mapping[str, str]) -> dict[str, str]:
    """Write NetBox's and gunicorn's configuration below this folder; returns the environment to run them in."""
    values: dict[str, Any] = {"sockets": str(sockets), "redis": str(redis), **secrets}
    (folder / "conf").mkdir(mode=0o700)
    (folder / "conf" / "configuration.py").write_text(NETBOX % values)
    (folder / "conf" / "gunicorn.py").write_text(GUNICORN)
    libraries = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
    return libraries | {
        "NETBOX_ROOT": str(folder),
        "DJANGO_SETTINGS_MODULE": "netbox.settings",
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder),
        "PYTHONWARNINGS": "ignore",
    }
