"""What is done inside NetBox itself: migrate, and make the two accounts. Run by NetBox's own Python, as a program."""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

import django


def migrate(*, icu: bool) -> None:
    """Apply all migrations, after saying how many there are."""
    from django.core.management import call_command  # only after django.setup()
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    if not icu:
        sort_by_code_point()
    executor = MigrationExecutor(connection)
    sys.stdout.write(f"migrations: {len(executor.migration_plan(executor.loader.graph.leaf_nodes()))}\n")
    sys.stdout.flush()
    call_command("migrate", interactive=False, verbosity=1)


def sort_by_code_point() -> None:
    """Let the one collation that NetBox makes be one that a PostgreSQL without ICU has."""
    from django.contrib.postgres.operations import CreateCollation

    make = CreateCollation.__init__

    def without_icu(self: Any, name: str, locale: str, **_: object) -> None:
        make(self, name, "C.UTF-8", provider="builtin")

    CreateCollation.__init__ = without_icu


def accounts(superuser: dict[str, str], reader: dict[str, str]) -> None:
    """Make a superuser whose token may write, and a user who may view everything with a token that may not."""
    from core.models import ObjectType
    from users.models import ObjectPermission, Token, User

    admin = User.objects.create_superuser("admin", "admin@example.org")
    Token(user=admin, version=2, **superuser).save()
    viewer = User.objects.create_user("reader")
    Token(user=viewer, version=2, write_enabled=False, **reader).save()
    permission = ObjectPermission.objects.create(name="view everything", actions=["view"])
    permission.object_types.set(ObjectType.objects.all())
    permission.users.add(viewer)


if __name__ == "__main__":
    django.setup()
    # Each migration leaves a copy of all models behind, in cycles: collected rarely, and what stays is not looked at.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    request = json.load(sys.stdin)
    if "migrate" in request:
        migrate(icu=request["migrate"]["icu"])
    if "accounts" in request:
        accounts(**request["accounts"])
