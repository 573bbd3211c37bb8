"""The empty NetBox database that every session starts from, made once for a cache, with the tokens that it knows."""

from __future__ import annotations

import os
import secrets
import shutil
import string
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.netbox_server.cache import CHECKOUT, Cache, Report
from tests.netbox_server.line import Line
from tests.netbox_server.programs import Programs

SEED = CHECKOUT.parent / "shared" / "netbox" / "netbox-4.7.3-empty.pgdump"
LETTERS = string.ascii_letters + string.digits


class Secrets(Struct, frozen=True):
    """What one cache's database was made with. They open a server on loopback that holds test data, nothing else."""

    secret_key: str
    pepper: str
    token_key: str
    token_secret: str
    reader_key: str
    reader_secret: str

    @property
    def token(self) -> str:
        """The superuser's token."""
        return f"nbt_{self.token_key}.{self.token_secret}"

    @property
    def read_only_token(self) -> str:
        """The token of the user who may view everything and change nothing."""
        return f"nbt_{self.reader_key}.{self.reader_secret}"


class Template(Struct, frozen=True):
    """A dump to restore, with its secrets."""

    dump: Path
    secrets: Secrets


def new_secrets() -> Secrets:
    """Fresh random ones."""

    def word(length: int) -> str:
        return "".join(secrets.choice(LETTERS) for _ in range(length))

    return Secrets(word(60), word(60), word(12), word(40), word(12), word(40))


def ensure_template(cache: Cache, report: Report) -> tuple[Programs, Template]:
    """Install NetBox and make its empty database, unless both are there already. Raises Unavailable or NotMade."""
    with cache.locked(report):
        programs = cache.install(report)
        # A dump of one PostgreSQL is not for an older one.
        folder = cache.folder / f"template-postgresql{programs.postgresql_major}"
        if not folder.exists():
            made = folder.with_suffix(".unfinished")
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir(mode=0o700)
            make(cache, programs, made, report)
            made.rename(folder)
        stored = msgspec.json.decode((folder / "secrets.json").read_bytes(), type=Secrets)
        return programs, Template(folder / "netbox.pgdump", stored)


def make(cache: Cache, programs: Programs, folder: Path, report: Report) -> None:
    """Make dump and secrets in this folder."""
    fresh = new_secrets()
    seed = os.environ.get("INFRATRACK_NETBOX_SEED", str(SEED))
    order = {
        "postgresql": programs.postgresql,
        "redis": programs.redis,
        "secrets": {"secret_key": fresh.secret_key, "pepper": fresh.pepper},
        "accounts": {
            "superuser": {"key": fresh.token_key, "token": fresh.token_secret},
            "reader": {"key": fresh.reader_key, "token": fresh.reader_secret},
        },
        "seed": seed if seed and Path(seed).is_file() else None,
        "target": folder / "netbox.pgdump",
    }
    with Line(cache, order) as line:
        line.expect("built", 3600, report)
    secret = folder / "secrets.json"
    secret.touch(mode=0o600)
    secret.write_bytes(msgspec.json.encode(fresh))
