"""Reads and writes spreadsheet files: under a lock, and replaced whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from infratrack.api import InputError, Unreachable
from infratrack_csv.settings import Settings
from infratrack_csv.table import Table, parse_csv, render_csv
from infratrack_csv.workbook import opened, table_of, write_sheet

FILE_AT_MOST: Final = 64 * 1024 * 1024


class Store:
    """The files of one inventory."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings

    def types(self) -> list[str]:
        """The types that there are: the files' names in the settings, or the workbook's sheets."""
        if not self._settings.workbook:
            return list(self._settings.files)
        with self._workbook() as book:
            return [str(name) for name in book.sheetnames]

    def tables(self, types: list[str]) -> dict[str, Table]:
        """The tables of some types as they are now. InputError for what cannot be read as one."""
        if not self._settings.workbook:
            return {name: self._csv(name)[0] for name in types}
        with self._workbook() as book:
            return {name: table_of(book[name], f"{self._settings.workbook}, sheet {name}") for name in types}

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else of us writes meanwhile; waits for whoever does. Unreachable when the lock cannot be had."""
        names = [self._settings.workbook] if self._settings.workbook else list(self._settings.files.values())
        # A folder stays when a file in it is replaced, and a lock file would be left lying about.
        with contextlib.ExitStack() as held:
            for folder in sorted({self._path(name).parent for name in names}):
                try:
                    descriptor = os.open(folder, os.O_RDONLY)
                    held.callback(os.close, descriptor)
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                except OSError as error:
                    raise Unreachable(f"{folder} cannot be locked: {error.strerror}", "try again") from error
            yield

    def save(self, changed: Mapping[str, Table]) -> str:
        """Replace the files that hold these tables; the digest of what is there now. Unreachable when it cannot be."""
        if self._settings.workbook:
            content = self._workbook_bytes(changed)
            _replace(self._path(self._settings.workbook), content)
            return _digest(content)
        rendered = [
            (self._path(self._settings.files[name]), self._rendered(name, table)) for name, table in changed.items()
        ]
        for path, content in rendered:
            _replace(path, content)
        return _digest(b"".join(content for _, content in rendered))

    def _csv(self, type_name: str) -> tuple[Table, Any]:
        name = self._settings.files[type_name]
        return parse_csv(_content(self._path(name)), name, self._settings.delimiter)

    def _rendered(self, type_name: str, table: Table) -> bytes:
        before, dialect = self._csv(type_name)
        if before.columns != table.columns:
            dialect = type(dialect)(dialect.delimiter, dialect.line_end, dialect.bom)
        return render_csv(table, dialect)

    def _workbook(self) -> contextlib.AbstractContextManager[Any]:
        name = self._settings.workbook
        return opened(_content(self._path(name)), name)

    def _workbook_bytes(self, changed: Mapping[str, Table]) -> bytes:
        with self._workbook() as book:
            for name, table in changed.items():
                write_sheet(book[name], table)
            written = io.BytesIO()
            book.save(written)
        return written.getvalue()

    def _path(self, name: str) -> Path:
        """The file's place; InputError where it lies outside the project folder or is not there."""
        folder = self._folder.resolve()
        try:
            path = (folder / name).resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"there is no {name} in {folder}", "make it, with a first row that names the columns"
            ) from error
        if not path.is_relative_to(folder):
            raise InputError(f"{name} leads outside the project folder", "keep the inventory inside it")
        return path


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError(f"{path.name} is no file", "name a CSV file or an XLSX workbook")
            content = file.read(FILE_AT_MOST + 1)
    except OSError as error:
        raise Unreachable(f"{path.name} cannot be read: {error.strerror}", "give permission, then try again") from error
    if len(content) > FILE_AT_MOST:
        raise InputError(f"{path.name} is larger than {FILE_AT_MOST:,} bytes", "split it")
    return content


def _replace(path: Path, content: bytes) -> None:
    """The whole new content or the whole old one, whatever happens; the file keeps its mode."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unreachable(f"{path.name} cannot be written: {error.strerror}", "make room or give permission") from error


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
