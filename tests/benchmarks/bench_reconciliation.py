"""A no-op reconcile of 50,000 records a side in memory, beside diffsync's diff of two equal adapters.

Each side runs in processes of its own. Times are those of the comparison alone (`make_plan`, `diff_from`), and, in a
row of its own, with making the records too. Memory is what a process holds at its peak, records included, beyond what
it held with its modules loaded.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks.measure import Measure

RECORDS: Final = 50_000
ROUNDS: Final = 5
FASTER: Final = 1 / 5
MEMORY: Final = 1 / 2


def rows() -> Iterable[tuple[str, dict[str, Any]]]:
    """Name and fields of each record, made anew for whoever asks: nothing is shared between the two sides."""
    for number in range(RECORDS):
        yield (
            f"leaf-{number}",
            {
                "site": {"slug": f"site-{number % 200}"},
                "role": {"slug": "leaf"},
                "status": "active",
                "serial": f"SN{number:08}",
                "position": number % 48 + 1,
                "tags": ["infratrack", f"pod-{number % 16}"],
            },
        )


def ours() -> tuple[float, float]:
    """Seconds to compare, and to make the records too."""
    from infratrack.reconciliation.bases import Bases
    from infratrack.reconciliation.known_records import KnownRecords
    from infratrack.reconciliation.planning import make_plan
    from infratrack.reconciliation.policy import Policy
    from infratrack.reconciliation.records import (
        Base,
        DesiredRecord,
        LiveRecord,
        Reading,
        RecordSet,
    )

    loaded()
    begin = time.perf_counter()
    desired = tuple(DesiredRecord("dcim.device", {"name": name}, fields) for name, fields in rows())
    live = [
        LiveRecord("dcim.device", str(number), {"name": name}, fields, owned=True)
        for number, (name, fields) in enumerate(rows())
    ]
    # Evidence says the same values a third time, held as `bases_of` holds them.
    known = KnownRecords(
        Base("dcim.device", str(number), {"name": name}, fields) for number, (name, fields) in enumerate(rows())
    )
    made = time.perf_counter()
    plan = make_plan(
        "netbox", "netbox http://bench", [RecordSet("dcim.device", desired)], [Reading(live)],
        Bases({"dcim.device": known}), Policy(), lambda _: ("status", "decommissioning"), lambda _: {},
    )  # fmt: skip
    end = time.perf_counter()
    if (plan.summary.same, plan.records, plan.bindings) != (RECORDS, (), ()):
        raise AssertionError(plan.summary)
    return end - made, end - begin


def peers() -> tuple[float, float]:
    """The same of diffsync."""
    import structlog
    from diffsync import Adapter, DiffSyncModel

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))

    class Device(DiffSyncModel):
        _modelname = "device"
        _identifiers = ("name",)
        _attributes = ("site", "role", "status", "serial", "position", "tags")
        name: str
        site: dict[str, str]
        role: dict[str, str]
        status: str
        serial: str
        position: int
        tags: list[str]

    class Inventory(Adapter):
        device = Device
        top_level: ClassVar = ["device"]

    loaded()
    begin = time.perf_counter()
    sides = Inventory(), Inventory()
    for side in sides:
        for name, fields in rows():
            side.add(Device(name=name, **fields))
    made = time.perf_counter()
    diff = sides[0].diff_from(sides[1])
    end = time.perf_counter()
    if diff.has_diffs():
        raise AssertionError(diff.summary())
    return end - made, end - begin


_BEFORE: dict[str, int] = {}


def loaded() -> None:
    """The modules are loaded: what is held from now on is the records and the comparison."""
    _BEFORE["kilobytes"] = peak()


def peak() -> int:
    """Kilobytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def once(what: str) -> tuple[float, float, float]:
    """Seconds to compare, seconds with making the records, mebibytes, in a fresh process."""
    found = subprocess.run([sys.executable, __file__, what], check=True, capture_output=True, text=True)
    compared, whole, memory = json.loads(found.stdout)
    return compared, whole, memory


def measure() -> Iterable[Measure]:
    """Comparison, comparison with making the records, and memory."""
    found: dict[str, list[Sequence[float]]] = {"ours": [], "peers": []}
    for _ in range(ROUNDS):
        for what, figures in found.items():
            figures.append(once(what))
    (compared, whole, memory), (peer_compared, peer_whole, peer_memory) = (
        tuple(min(one[place] for one in found[what]) for place in range(3)) for what in ("ours", "peers")
    )
    what = f"no-op reconcile, {RECORDS:,} records a side"
    yield Measure(what, compared, "diffsync diff", peer_compared, FASTER, "desired, live and evidence compared")
    yield Measure(f"{what}, made too", whole, "diffsync load and diff", peer_whole)
    yield Measure(f"{what}: memory", memory, "diffsync", peer_memory, MEMORY, "peak, records included", "MiB")


if __name__ == "__main__":
    seconds = {"ours": ours, "peers": peers}[sys.argv[1]]()
    sys.stdout.write(json.dumps([*seconds, (peak() - _BEFORE["kilobytes"]) / 1024]))
