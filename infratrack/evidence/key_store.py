"""Private keys on this machine: `INFRATRACK_HOME/keys/NAME.pem`, PKCS8 PEM, readable by their owner only."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from infratrack.errors import InputError
from infratrack.evidence.durable_files import make_private_folder, reaching, sync_folder, write_new_file
from infratrack.evidence.keys import SigningKey

HOME_VARIABLE: Final = "INFRATRACK_HOME"
KEY_NAME_VARIABLE: Final = "INFRATRACK_KEY"
KEY_VARIABLE: Final = "INFRATRACK_SIGNING_KEY"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAXIMUM_KEY_BYTES: Final = 65_536
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class NoSigningKey(InputError):
    """There is no key on this machine yet."""


class KeyExists(InputError):
    """A key of that name is there already; keys are never overwritten."""


class NamedKey(Struct, frozen=True):
    """A signing key and the name it goes by on this machine."""

    name: str
    key: SigningKey
    source: str
    """The file, or the variable, that it came from."""


def home_folder(environ: Mapping[str, str]) -> Path:
    """INFRATRACK_HOME, else `infratrack` in the user's configuration folder. InputError when there is neither."""
    chosen = environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    try:
        user = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError as error:
        raise InputError(
            "this user has no home folder", f"set {HOME_VARIABLE} to a folder for keys and spool"
        ) from error
    if sys.platform == "darwin":
        return user / "Library" / "Application Support" / "infratrack"
    configuration = environ.get("XDG_CONFIG_HOME") or ""
    return (Path(configuration) if Path(configuration).is_absolute() else user / ".config") / "infratrack"


class KeyStore:
    """The keys in one home folder."""

    def __init__(self, home: Path) -> None:
        self.folder: Final = home / "keys"

    def create(self, name: str) -> NamedKey:
        """Make a key. Raises KeyExists rather than overwrite one, Unreachable when it cannot be written."""
        path = self._path(name)
        key = SigningKey(Ed25519PrivateKey.generate())
        temporary = self.folder / f".{name}-{os.urandom(8).hex()}"
        with reaching(self.folder, "written"):
            make_private_folder(self.folder)
            try:
                os.close(write_new_file(temporary, key.private_pem()))
                os.link(temporary, path)  # a link never replaces a file, a rename would
            except FileExistsError as error:
                raise KeyExists(
                    f"{path} is there already", "choose another name: keys are never overwritten"
                ) from error
            finally:
                temporary.unlink(missing_ok=True)
            sync_folder(self.folder)
        return NamedKey(name, key, str(path))

    def names(self) -> tuple[str, ...]:
        """The names of all keys, in order."""
        with reaching(self.folder, "read"):
            if not self.folder.is_dir():
                return ()
            return tuple(sorted(path.stem for path in self.folder.glob("*.pem") if _NAME.fullmatch(path.stem)))

    def list(self) -> tuple[NamedKey, ...]:
        """All keys, in order of name. InputError names the file that cannot be used."""
        return tuple(self.load(name) for name in self.names())

    def load(self, name: str) -> NamedKey:
        """The key of that name; InputError when there is none, or others on this machine could read it."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(_MAXIMUM_KEY_BYTES)
        except FileNotFoundError as error:
            known = ", ".join(self.names()) or "none"
            raise InputError(
                f"there is no key named {name!r} in {self.folder}",
                f"keys here: {known}; make it with `infratrack key new {name}`",
            ) from error
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}", "check who owns it") from error
        if mode & _OTHERS:
            raise InputError(
                f"{path} can be read by others (mode {stat.S_IMODE(mode):04o})",
                f"run `chmod 600 {path}`; if others may have read it, make a new key and take this one out of `trust`",
            )
        try:
            return NamedKey(name, SigningKey.from_pem(content), str(path))
        except InputError as error:
            raise InputError(f"{path}: {error.message}", error.hint) from error

    def export(self, name: str) -> str:
        """The public half as PEM."""
        return self.load(name).key.public_pem

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name[:80]!r} cannot be a key's name",
                "use letters, digits, dots, dashes and underscores (64 at most)",
            )
        return self.folder / f"{name}.pem"


def new_key_in_memory(name: str) -> NamedKey:
    """A key that no file ever holds: it is gone with this process."""
    return NamedKey(name, SigningKey(Ed25519PrivateKey.generate()), "memory")


def key_from_environment(environ: Mapping[str, str]) -> NamedKey | None:
    r"""The key that INFRATRACK_SIGNING_KEY holds as PEM; None when unset.

    Line breaks may be written as `\n`, and the lines with dashes left out: some CI systems mask only secrets that
    are one line without spaces.
    """
    text = environ.get(KEY_VARIABLE, "").strip()
    if not text:
        return None
    if "-----" not in text:
        text = f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"
    try:
        return NamedKey("environment", SigningKey.from_pem(text.replace("\\n", "\n")), KEY_VARIABLE)
    except InputError as error:
        raise InputError(f"{KEY_VARIABLE}: {error.message}", "it has to hold the private key as PEM (PKCS8)") from error


def choose_signing_key(
    store: KeyStore, environ: Mapping[str, str], requested: str | None, trusted_keyids: Collection[str]
) -> NamedKey:
    """Which key signs: `--key`, the two variables, the only key, the only trusted one, in this order.

    Raises NoSigningKey when there is none, InputError when it cannot be told which.
    """
    if requested:
        return store.load(requested)
    given = key_from_environment(environ)
    if given is not None:
        return given
    if environ.get(KEY_NAME_VARIABLE):
        return store.load(environ[KEY_NAME_VARIABLE])
    names = store.names()
    if not names:
        raise NoSigningKey(f"there is no signing key in {store.folder}", "make one with `infratrack key new NAME`")
    if len(names) == 1:
        return store.load(names[0])
    trusted = [key for key in store.list() if key.key.keyid in trusted_keyids]
    if len(trusted) == 1:
        return trusted[0]
    among = ", ".join(key.name for key in trusted) or ", ".join(names)
    raise InputError(
        f"it cannot be told which key is to sign: {among}", f"name one with --key NAME or {KEY_NAME_VARIABLE}=NAME"
    )
