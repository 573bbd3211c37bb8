"""Every branch of the deciding code is covered: the modules that the contract `pure-core` names, and no exception."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def pure_files() -> list[str]:
    """The files of the pure modules, as the import contract lists them (`package.*` names all modules below)."""
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    modules: list[str] = next(one for one in contracts if one["id"] == "pure-core")["source_modules"]
    files = []
    for module in modules:
        root = CHECKOUT if module.startswith("infratrack.") or module == "infratrack" else CHECKOUT / "plugins"
        found = sorted(root.glob(module.replace(".", "/") + ("" if module.endswith("*") else "*") + ".py"))
        exact = root / (module.replace(".", "/") + ".py")
        files += [str(path) for path in ([exact] if exact.is_file() else found)]
    return files


if __name__ == "__main__":
    files = pure_files()
    report = [sys.executable, "-m", "coverage", "report", "--skip-covered", "--show-missing", "--fail-under=100"]
    sys.exit(subprocess.run([*report, f"--include={','.join(files)}"], check=False, cwd=CHECKOUT).returncode)
