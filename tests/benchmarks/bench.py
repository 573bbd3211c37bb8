"""`make bench`: every `bench_*.py` beside this file, each figure as a ratio against a peer in the same run."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.benchmarks.measure import Measure  # noqa: E402 -- the path above makes it importable


def measures(path: Path) -> Iterable[Measure]:
    """Load one benchmark file and run its `measure()`."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    found: Iterable[Measure] = module.measure()
    return found


def main(wanted: list[str]) -> None:
    """Run the benchmarks whose file name contains one of `wanted` (all when empty) and print the table."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    table = Table("what", "ours", "peer", "peer's", "ratio", "aimed at", "note", title="infratrack and its peers")
    for path in sorted(HERE.glob("bench_*.py")):
        if wanted and not any(word in path.stem for word in wanted):
            continue
        with console.status(f"measuring {path.stem} …"):
            for row in measures(path):
                reached = row.bar is None or row.ratio <= row.bar
                colour = "green" if reached else "red"
                aim = "" if row.bar is None else f"≤ {row.bar:g}"
                table.add_row(
                    row.name,
                    f"{row.ours:.3f} {row.unit}",
                    row.peer,
                    f"{row.peers:.3f} {row.unit}",
                    f"[{colour}]{row.ratio:.2f}[/{colour}]",
                    aim,
                    row.note,
                )
    console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
