"""`--log`: a copy of what the command says, beside passing it on. The child then talks to pipes, not to a terminal."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Final

from infratrack.capture.launch import Redirection

CHUNK: Final = 1 << 16
KEPT: Final = 16 << 20
"""The last so many bytes are kept: what went wrong stands at the end."""
LAST_WORDS_SECONDS: Final = 1.0
NAME: Final = "log"
MEDIA_TYPE: Final = "text/plain; charset=utf-8"


class Log:
    """Two pipes, each copied to our own stream and into one log in order of arrival."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._left_out = 0
        self._lock = threading.Lock()
        (self._output, output), (self._error, error) = os.pipe(), os.pipe()
        self.redirection: Final = Redirection(output, error)
        self._threads = [
            threading.Thread(target=self._copy, args=ends, daemon=True)
            for ends in ((self._output, 1), (self._error, 2))
        ]

    def start(self) -> None:
        """Begin to copy; call once the child holds its ends of the pipes."""
        os.close(self.redirection.output)
        os.close(self.redirection.error)
        for thread in self._threads:
            thread.start()

    def finish(self) -> str:
        """The log, once both pipes have ended (or a second later: what the command left behind may hold them open)."""
        for thread in self._threads:
            thread.join(LAST_WORDS_SECONDS)
        with self._lock:
            text = bytes(self._content).decode(errors="replace")
        return f"[{self._left_out} bytes before this were left out]\n{text}" if self._left_out else text

    def _copy(self, source: int, target: int) -> None:
        """Copy until the end. When our own stream is gone, close ours, so that the command hears of it as it would."""
        with contextlib.suppress(OSError):
            while chunk := os.read(source, CHUNK):
                with self._lock:
                    self._content += chunk
                    surplus = len(self._content) - KEPT
                    if surplus > CHUNK:
                        del self._content[:surplus]
                        self._left_out += surplus
                while chunk:
                    chunk = chunk[os.write(target, chunk) :]
        os.close(source)
