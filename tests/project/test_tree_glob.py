from __future__ import annotations

from pathlib import Path

import pytest

from infratrack.project.tree_glob import has_wildcard, literal_folder, matching

NAMES = [
    ".hidden.yaml", "a.yaml", "b.yml", "plan/a.yaml", "plan/b.yaml", "plan/deep/c.yaml", "plan/deep/er/d.yaml",
    "plan/deep/er/plan/e.yaml", "plan[1]/x.yaml", "planb.yaml",
]  # fmt: skip


@pytest.mark.parametrize(
    "pattern",
    [
        "*.yaml", "a.yaml", "plan/*.yaml", "plan/**/*.yaml", "**/*.yaml", "**/plan/*.yaml", "plan/**/er/**/*.yaml",
        "./plan/*.yaml", "plan//[ab].yaml", "plan/?.yaml", "*/*/c.yaml", "**/**/c.yaml", "nothing/*", "plan[[]1]/*",
        "plan/*", "*", "**/d.yaml", "[!a].y*ml",
    ],
)  # fmt: skip
def test_a_pattern_means_at_a_commit_what_it_means_in_a_folder(pattern: str, tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob(pattern) if path.is_file())
    assert sorted(matching(pattern, NAMES)) == found


def test_where_a_pattern_looks_at_all_is_known_without_looking() -> None:
    patterns = ("plan/*.yaml", "./a/b/*/c.yaml", "*.yaml", "**/x", "a/b.yaml")
    assert [literal_folder(pattern) for pattern in patterns] == ["plan", "a/b", "", "", "a"]
    assert [has_wildcard(pattern) for pattern in patterns] == [True, True, True, True, False]
