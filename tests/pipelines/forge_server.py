"""Plays GitHub or GitLab on loopback, keeps what it is asked, and can be told to be in trouble."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

REPOSITORY = "acme/network"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WHEN = "2026-01-05T09:00:00Z"


class Asked(Struct, frozen=True):
    """One request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Trouble(Struct, frozen=True):
    """Instead of the next answer; `lost` does what is asked and then says nothing."""

    status: int = 0
    headers: Mapping[str, str] = {}
    body: bytes = b"{}"
    lost: bool = False
    unless: str = ""
    """Requests by this method are answered all the same."""


class ForgePlayer:
    """Comments on one pull request, and statuses."""

    prefix = ""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answered: list[tuple[str, str, int, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.troubles: deque[Trouble] = deque()
        self.url = ""
        self.before_answer: list[Any] = []
        """Called once each, before the next answer: what somebody else does meanwhile."""
        self._lock = threading.Lock()
        self._last = 100

    def number(self) -> int:
        self._last += 1
        return self._last

    def said(self, method: str) -> list[Any]:
        """The bodies of requests by this method."""
        return [msgspec.json.decode(one.body) for one in self.asked if one.method == method]

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        raise NotImplementedError

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self._lock:
            target = handler.path
            self.asked.append(Asked(handler.command, target, dict(handler.headers.items()), body))
            trouble = self.troubles.popleft() if self.troubles else None
            if self.before_answer:
                self.before_answer.pop(0)()
            if trouble is None or trouble.lost:
                status, answer = self.answer(handler.command, target.removeprefix(self.prefix), body)
                self.answered.append((handler.command, target, status, answer))
        if trouble is not None and trouble.lost:
            handler.close_connection = True
            return
        if trouble is not None:
            _send(handler, trouble.status, trouble.headers, trouble.body)
            return
        content = b"" if answer is None else msgspec.json.encode(answer)
        _send(handler, status, {"Content-Type": "application/json"}, content)


def _send(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], content: bytes) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


class GitHubPlayer(ForgePlayer):
    """GitHub, as far as comments and statuses go. The token is an app's unless told otherwise."""

    user: Mapping[str, Any] | None = None

    def comment(self, body: str, *, kind: str = "Bot", user: int = 41) -> dict[str, Any]:
        number = self.number()
        url = f"https://github.example/{REPOSITORY}"
        api = f"https://api.github.example/repos/{REPOSITORY}"
        made = {
            "id": number,
            "node_id": f"IC_{number}",
            "url": f"{api}/issues/comments/{number}",
            "body": body,
            "user": account(user, kind),
            "created_at": WHEN,
            "updated_at": WHEN,
            "html_url": f"{url}/pull/7#issuecomment-{number}",
            "issue_url": f"{api}/issues/7",
            "author_association": "NONE",
        }
        self.comments.append(made)
        return made

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        path = urlsplit(target).path
        said = msgspec.json.decode(body) if body else {}
        if (method, path) == ("GET", "/user"):
            return (
                (403, {"message": "Resource not accessible by integration"}) if self.user is None else (200, self.user)
            )
        if path == f"/repos/{REPOSITORY}/issues/7/comments":
            return (200, _page(self.comments, target)) if method == "GET" else (201, self.comment(said["body"]))
        one = re.fullmatch(f"/repos/{REPOSITORY}/issues/comments/([0-9]+)", path)
        known = next((found for found in self.comments if one and found["id"] == int(one[1])), None)
        if known is not None and method == "PATCH":
            known["body"] = said["body"]
            return 200, known
        if known is not None and method == "DELETE":
            self.comments.remove(known)
            return 204, None
        if (method, path) == ("POST", f"/repos/{REPOSITORY}/statuses/{COMMIT}"):
            self.statuses.append(said)
            return 201, _status(said)
        return 404, {"message": "Not Found"}


class GitLabPlayer(ForgePlayer):
    """GitLab: project 12 with merge request 7; the token is that of user 41."""

    prefix = "/api/v4"

    def comment(self, body: str, *, user: int = 41, system: bool = False) -> dict[str, Any]:
        made = {"id": self.number(), "body": body, "author": {"id": user, "username": f"u{user}"}, "system": system}
        self.comments.append(made)
        return made

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        path = urlsplit(target).path
        said = msgspec.json.decode(body) if body else {}
        if (method, path) == ("GET", "/user"):
            return 200, {"id": 41, "username": "project_12_bot"}
        if path == "/projects/12/merge_requests/7/notes":
            return (200, _page(self.comments, target)) if method == "GET" else (201, self.comment(said["body"]))
        one = re.fullmatch("/projects/12/merge_requests/7/notes/([0-9]+)", path)
        known = next((found for found in self.comments if one and found["id"] == int(one[1])), None)
        if known is not None and method == "PUT":
            known["body"] = said["body"]
            return 200, known
        if known is not None and method == "DELETE":
            self.comments.remove(known)
            return 204, None
        if (method, path) == ("POST", f"/projects/12/statuses/{COMMIT}"):
            self.statuses.append(said)
            return 201, {"id": 1, "sha": COMMIT, "status": said["state"], "name": said["name"]}
        return 404, {"message": "404 Not Found"}


def _page(comments: list[dict[str, Any]], target: str) -> list[dict[str, Any]]:
    query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    return comments[(page - 1) * size : page * size]


def account(number: int, kind: str) -> dict[str, Any]:
    """A user as GitHub tells it beside a comment."""
    url = f"https://api.github.example/users/u{number}"
    more = [
        "followers",
        "following",
        "gists",
        "starred",
        "subscriptions",
        "organizations",
        "repos",
        "events",
        "received_events",
    ]
    return {
        "login": f"u{number}",
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": "https://avatars.example/u",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.example/u{number}",
        **{f"{name}_url": f"{url}/{name}" for name in (*more, "received_events")},
        "type": kind,
        "site_admin": False,
    }


def _status(said: Mapping[str, Any]) -> dict[str, Any]:
    api = f"https://api.github.example/repos/{REPOSITORY}/statuses/{COMMIT}"
    return {
        "url": api,
        "avatar_url": "https://avatars.example/u",
        "id": 1,
        "node_id": "S_1",
        "target_url": "",
        "created_at": WHEN,
        "updated_at": WHEN,
        "creator": account(41, "Bot"),
        **said,
    }


@contextmanager
def playing(player: ForgePlayer) -> Iterator[None]:
    """Let it answer on loopback; `player.url` is the API's address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            player.handle(self)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 -- names that the base class looks for

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    player.url = f"http://127.0.0.1:{server.server_address[1]}{player.prefix}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
