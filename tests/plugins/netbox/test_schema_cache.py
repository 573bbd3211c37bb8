from __future__ import annotations

import stat
from pathlib import Path

from infratrack_netbox.schema_cache import SchemaCache
from infratrack_netbox.server_schema import ServerSchema
from tests.plugins.netbox.small_server import small_schema

SCHEMA = small_schema()


def _cache(folder: Path | None, version: str = "4.7.3", plugins: dict[str, str] | None = None) -> SchemaCache:
    return SchemaCache(folder, "netbox http://n", version, plugins or {})


def test_what_is_kept_is_found_again_for_the_same_server_only(tmp_path: Path) -> None:
    _cache(tmp_path / "new").keep(SCHEMA)
    assert _cache(tmp_path / "new").load() == SCHEMA
    assert _cache(tmp_path / "new", version="4.8.0").load() is None
    assert _cache(tmp_path / "new", plugins={"bgp": "1"}).load() is None


def test_it_is_for_nobody_else_to_read_and_leaves_nothing_behind(tmp_path: Path) -> None:
    _cache(tmp_path).keep(SCHEMA)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    for content in (b"", b"{", b'{"endpoints": {}}', b"\xff", b"[" * 100_000):
        _cache(tmp_path).keep(SCHEMA)
        next(tmp_path.iterdir()).write_bytes(content)
        assert _cache(tmp_path).load() is None


def test_no_folder_or_one_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    _cache(None).keep(SCHEMA)
    assert _cache(None).load() is None
    (tmp_path / "file").write_text("")
    _cache(tmp_path / "file").keep(SCHEMA)
    assert _cache(tmp_path / "file").load() is None


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    cache = _cache(tmp_path)
    cache.keep(ServerSchema({}))
    target = next(tmp_path.iterdir())
    target.unlink()
    target.mkdir()
    cache.keep(SCHEMA)
    assert list(tmp_path.iterdir()) == [target]
