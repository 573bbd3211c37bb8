"""An AWX of a few lines on loopback: it shows the jobs that it was given, and notes and checks what it is asked."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "t0k3n-of-a-robot-x7Q9"  # noqa: S105 -- for this server only


def job(number: int = 42, **more: Any) -> dict[str, Any]:
    """A job as AWX's API shows it, with what must never be kept among it."""
    return {
        "id": number,
        "type": "job",
        "url": f"/api/v2/jobs/{number}/",
        "status": "successful",
        "job_type": "run",
        "playbook": "site.yml",
        "job_cwd": "/runner/project",
        "job_args": '["ansible-playbook", "-e", "password=Pl4nted-in-args"]',
        "job_env": {"SOME_PASSWORD": "Pl4nted-in-env"},
        "extra_vars": '{"password": "Pl4nted-in-vars"}',
        "job_tags": "",
        "skip_tags": "",
        "start_at_task": "",
        "limit": "core",
        "scm_revision": "0123456789abcdef0123456789abcdef01234567",
        "started": "2026-01-05T09:30:00.000001Z",
        "finished": "2026-01-05T09:31:00.000002Z",
        "event_processing_finished": True,
        "summary_fields": {"inventory": {"id": 1, "name": "West"}, "job_template": {"id": 7, "name": "Configure core"}},
        **more,
    }


def event(counter: int, kind: str, **data: Any) -> dict[str, Any]:
    return {
        "id": 9_000 + counter,
        "type": "job_event",
        "counter": counter,
        "event": kind,
        "created": f"2026-01-05T09:30:{counter:02}.000000Z",
        "stdout": "Pl4nted-in-stdout",
        "event_data": data,
    }


def result(counter: int, kind: str, host: str, number: int = 1, **more: Any) -> dict[str, Any]:
    return event(
        counter, f"runner_on_{kind}", host=host, task_uuid=f"task-{number}", task="core : Write Pl4nted-in-name",
        task_path=f"/runner/project/site.yml:{number}", task_action="copy", resolved_action="ansible.builtin.copy",
        res={"changed": kind == "ok", "msg": "Pl4nted-in-result"}, duration=0.5, **more,
    )  # fmt: skip


EVENTS = [
    event(1, "playbook_on_start", playbook="site.yml"),
    event(2, "playbook_on_play_start", play_uuid="play"),
    event(3, "playbook_on_task_start", task_uuid="task-1"),
    result(4, "ok", "core-1"),
    result(5, "failed", "core-2"),
    result(6, "ok", "core-1", 2),
    event(7, "playbook_on_stats", ok={"core-1": 2}, changed={"core-1": 2}, failures={"core-2": 1}),
]


class Awx:
    """What the server shows, and what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.root: Any = {"description": "AWX REST API", "current_version": "/api/v2/"}
        self.prefix = "/api/v2/"
        self.jobs: dict[int, Any] = {42: job(status="failed")}
        self.events: dict[int, list[Any]] = {42: EVENTS}
        self.others: dict[int, str] = {}
        self.trouble: list[tuple[int, bytes]] = []
        """Answers that come first, whatever is asked."""
        self.slowly = False
        """A byte at a time."""
        self.asked: list[str] = []

    def answer(self, path: str, query: dict[str, str], headers: Any) -> tuple[int, Any]:
        assert headers["Authorization"] == f"Bearer {TOKEN}"
        if path == "/api/":
            return 200, self.root
        if not path.startswith(self.prefix):
            return 404, {"detail": "Not found."}
        parts = path.removeprefix(self.prefix).strip("/").split("/")
        assert path.endswith("/"), "AWX redirects a path without its slash"
        match parts:
            case ["jobs", number] if int(number) in self.jobs and not query:
                found = self.jobs[int(number)]
                return 200, found.pop(0) if isinstance(found, list) else found
            case ["jobs", number, "job_events"] if int(number) in self.events:
                assert set(query) == {"order_by", "counter__gt", "page_size"}
                assert query["order_by"] == "counter"
                assert int(query["page_size"]) <= 200  # AWX's MAX_PAGE_SIZE
                after = int(query["counter__gt"])
                later = [one for one in self.events[int(number)] if not isinstance(one, dict) or one["counter"] > after]
                return 200, {"count": len(later), "next": None, "results": later[: int(query["page_size"])]}
            case ["unified_jobs"]:
                asked = int(query["id"])
                kinds = [{"id": asked, "type": self.others[asked]}] if asked in self.others else []
                return 200, {"count": len(kinds), "results": kinds}
        return 404, {"detail": "Not found."}


@contextmanager
def serving(awx: Awx) -> Iterator[Awx]:
    """The server, while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            awx.asked.append(self.path)
            status, body = 500, b""
            try:
                if awx.trouble:
                    status, body = awx.trouble.pop(0)
                else:
                    status, found = awx.answer(parts.path, dict(parse_qsl(parts.query)), self.headers)
                    body = json.dumps(found).encode()
            finally:
                with contextlib.suppress(ConnectionError):  # who asked may have heard enough
                    self._say(status, body)

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for sign in body if awx.slowly else ():
                self.wfile.write(bytes([sign]))
                time.sleep(0.05)
            self.wfile.write(b"" if awx.slowly else body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    awx.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield awx
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
