"""What git and the server behind it say, read: which kind of refusal it is, and a sentence fit to be shown. Pure.

Messages are those of git with LC_ALL=C. What a server says is hostile: it is cut short, cannot begin a line, holds no
control characters and no credentials.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, Literal

from infratrack.ledger.storage.git.plumbing import Ended

Refusal = Literal["no ref", "filter ignored", "filter refused", "single objects", "format", "damaged", "other"]
PushResult = Literal["done", "outrun", "unclear"]

_IGNORED: Final = b"warning: filtering not recognized by server, ignoring"
_NO_FILTER: Final = re.compile(
    rb"^fatal: remote error: (tree filter allows max depth|filter .* not supported)", re.MULTILINE
)
_NO_REF: Final = re.compile(rb"^fatal: couldn't find remote ref ", re.MULTILINE)
_NOT_SINGLE: Final = re.compile(rb"^error: Server does not allow request for unadvertised object ", re.MULTILINE)
_FORMAT: Final = re.compile(rb"^fatal: mismatched algorithms: client (sha1|sha256); server (sha1|sha256)", re.MULTILINE)
_DAMAGED: Final = re.compile(
    rb"^(fatal|error): (not a git repository|bad object|unable to read|inflate: |object file |"
    rb"(?!remote error)[^\n]*(corrupt|cannot be accessed|did not send all necessary objects|"
    rb"is empty|reference broken|\.lock': File exists))",
    re.MULTILINE,
)
_OUTRUN: Final = re.compile(
    rb"^!\t[^\n]*\t\[(rejected|remote rejected)\] \((stale info|fetch first|non-fast-forward|failed to update ref|"
    rb"failed to lock|cannot lock ref[^\n]*|incorrect old value provided|reference already exists)\)$",
    re.MULTILINE,
)
_WORTH: Final = re.compile(r"(?:remote: (?:fatal|error|FATAL|ERROR): |remote: |fatal: |error: |ssh: )?(.+)")
_NOISE: Final = re.compile(
    r"^(warning: |hint: |To |error: failed to push some refs|Please make sure you have the correct|and the repository "
    r"exists|fatal: Could not read from remote|fatal: the remote end hung up|send-pack: unexpected|Done$|=|remote:\s*$)"
)
_REJECTED: Final = re.compile(r"^!\t[^\t]*\t\[remote rejected\] \((.{1,200})\)$")
_USERINFO: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s/]*@")
_DENIED: Final = re.compile(
    r"authentication failed|permission denied|permission to .{1,200} denied|could not read (username|password)|"
    r"access denied|not allowed|forbidden|protected|returned error: 40[13]|terminal prompts disabled|host key",
    re.IGNORECASE,
)
_FULL: Final = re.compile(r"no space left on device|disk quota exceeded|read-only file system", re.IGNORECASE)
_LONGEST: Final = 240


def refusal_of(ended: Ended) -> Refusal | None:
    """Why a fetch did not do what it was asked to; None when it did."""
    if ended.code == 0:
        return "filter ignored" if _IGNORED in ended.errors.splitlines() else None
    found: dict[Refusal, re.Pattern[bytes]] = {
        "no ref": _NO_REF,
        "filter refused": _NO_FILTER,
        "single objects": _NOT_SINGLE,
        "format": _FORMAT,
        "damaged": _DAMAGED,
    }
    return next((refusal for refusal, pattern in found.items() if pattern.search(ended.errors)), "other")


def push_result(ended: Ended) -> PushResult:
    """What `git push --porcelain` says: done, somebody else was faster, or neither of them for certain."""
    if ended.code == 0:
        return "done"
    return "outrun" if _OUTRUN.search(ended.output) else "unclear"


def said(ended: Ended, secrets: Collection[str]) -> str:
    """What went wrong, in the words of git or the server: at most two of its lines, safe to show."""
    if ended.code is None:
        return f"no answer within {ended.seconds:g} s"
    lines = [*ended.output.decode(errors="replace").splitlines(), *ended.errors.decode(errors="replace").splitlines()]
    rejections = [found[1] for line in lines if (found := _REJECTED.match(line))]
    others = [line for line in lines if not line.startswith("!\t") and not _NOISE.match(line)]
    words: list[str] = []
    for line in [*rejections, *others]:
        found = _WORTH.fullmatch(shown(line, secrets))
        if found and found[1].strip() and found[1] not in words:
            words.append(found[1].strip())
    return "; ".join(words[:2])[:_LONGEST] or f"git ended with {ended.code}"


def shown(text: str, secrets: Collection[str]) -> str:
    """Text without secrets, credentials in URLs, and characters that could do something to a terminal."""
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _USERINFO.sub(lambda found: found["scheme"], text)
    return "".join(one if one.isprintable() else " " for one in text)


def what_is_missing(words: str) -> str:
    """The next step where git could not even make an empty repository."""
    return what_to_do(words) if _FULL.search(words) else "git 2.36 or newer is needed"


def what_to_do(words: str) -> str:
    """The next step for somebody who reads these words."""
    if _FULL.search(words):
        return "make room, or give permission to write: in INFRATRACK_HOME, or on the server if that is what says so"
    if _DENIED.search(words):
        return (
            "give this job or user the right to push to the ledger's branch (in CI: a token with write access, "
            "kept by the checkout step; the branch not protected against it)"
        )
    return "check the network and `git ls-remote`; evidence waits on this machine until the ledger can be reached"
