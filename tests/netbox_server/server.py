"""A running NetBox, as a test sees it."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import Any, Self

from tests.netbox_server.cache import Cache, Report
from tests.netbox_server.line import Line
from tests.netbox_server.template import ensure_template


class NetBoxServer:
    """NetBox on loopback with a database of its own. Stops when closed, and when this process ends in any way."""

    def __init__(self, report: Report, port: int = 0) -> None:
        cache = Cache.find()
        programs, template = ensure_template(cache, report)
        self.token = template.secrets.token
        self.read_only_token = template.secrets.read_only_token
        self._report = report
        self._line = Line(
            cache,
            {
                "postgresql": programs.postgresql,
                "redis": programs.redis,
                "secrets": {"secret_key": template.secrets.secret_key, "pepper": template.secrets.pepper},
                "template": template.dump,
                "port": port,
            },
        )
        try:
            ready = self._line.expect("ready", 240, report)
        except BaseException:
            self._line.close()
            raise
        self.url: str = ready["url"]
        self.folder: str = ready["folder"]
        self.process_ids: list[int] = [self._line.pid, *ready["pids"]]

    @cached_property
    def api(self) -> Any:
        """A pynetbox with the token that may write, for arranging and checking."""
        import pynetbox

        return pynetbox.api(self.url, token=self.token)

    def reset(self) -> float:
        """Make the database empty again, but for the two accounts; returns the seconds that it took."""
        self._line.send("reset")
        return float(self._line.expect("reset", 60, self._report))

    def close(self) -> None:
        """Stop everything and wait for it."""
        if "api" in self.__dict__:
            self.api.http_session.close()
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
