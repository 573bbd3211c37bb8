"""Reads what questions want from one server: each list once, and whether its absence of records proves anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from infratrack.api import InputError, Unreachable
from infratrack_netbox.findings import line
from infratrack_netbox.reads import Question, Read, Rounds, Rows, covering, joined, merged

if TYPE_CHECKING:
    from infratrack_netbox.client import NetBoxClient

_NO_SUCH: Final = "is not one of the available choices"
"""NetBox's words when a filter names a related record (a site, a role) that does not exist, to whatever token."""


class Gathering:
    """Everything that was read in one look."""

    def __init__(self, client: NetBoxClient) -> None:
        self._client = client
        self._asked: dict[Read, Rows] = {}
        self.queries: list[dict[str, Any]] = []
        """Every list that was asked for, as evidence keeps it."""
        self.unreached: list[str] = []
        """Why lists could not be read, a sentence each."""

    def answer(self, questions: Sequence[Question]) -> list[Any]:
        """What each question returned; the reason as an Unanswerable where there is one."""
        rounds = Rounds(questions)
        while rounds.wanted:
            rounds.answer(self.read(rounds.wanted))
        return rounds.results

    def read(self, wanted: Sequence[Read]) -> Mapping[Read, Rows]:
        """Rows for each read; what was read before is not asked for again."""
        for request in merged([one for one in wanted if covering(self._asked, one) is None]):
            self._asked[request] = self._fetch(request)
        return {one: joined([self._asked[request] for request in covering(self._asked, one) or ()]) for one in wanted}

    @property
    def reached_nothing(self) -> bool:
        """Whether something was asked for, and nothing was answered."""
        return bool(self.queries) and all(query["records"] is None for query in self.queries)

    def _fetch(self, request: Read) -> Rows:
        filters = [(name, value) for name, values in (*request.filters, *request.keys) for value in values]
        path = self._client.schema().endpoint(request.type).path
        try:
            rows = tuple(self._client.list(path, filters, fields=sorted(request.fields)))
        except Unreachable as error:
            self.unreached.append(line(error.message))
            return self._noted(request, Rows(failed=line(error.message)))
        except InputError as error:
            if _NO_SUCH in error.message and not request.keys:
                return self._noted(request, Rows(whole=True, why=line(error.message)))
            return self._noted(request, Rows(failed=line(error.message)))
        whole, why = self._client.can_view_all(request.type)
        return self._noted(request, Rows(rows, whole=whole, why=line(why)))

    def _noted(self, request: Read, rows: Rows) -> Rows:
        query: dict[str, Any] = {
            "type": request.type,
            "filters": {name: list(values) for name, values in (*request.filters, *request.keys)},
            "records": None if rows.failed else len(rows.rows),
            "whole": rows.whole,
        }
        reason = rows.failed or rows.why
        self.queries.append({**query, "reason": reason} if reason else query)
        return rows
