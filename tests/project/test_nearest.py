from __future__ import annotations

import pytest

from infratrack.project.nearest import NearestNames


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("dependz", "depends"),
        ("Depends", "depends"),
        ("applied", "terraform.applied"),
        ("terraform.aplied", "terraform.applied"),
        ("zebra", None),
        ("", None),
        ("x" * 1000, None),
    ],
)
def test_the_nearest_known_name_is_the_one_a_person_would_think_of(name: str, nearest: str | None) -> None:
    assert NearestNames().to(name, ["depends", "name", "terraform.applied", "git.tagged"]) == nearest


def test_a_file_full_of_unknown_names_is_explained_in_bounded_work() -> None:
    names = NearestNames(comparisons=3)
    assert names.to("depend", ["depends"]) == "depends"
    assert names.to("depend", ["depends", "deposed", "depenes"]) is None


def test_with_the_budget_spent_the_known_names_are_not_even_looked_through() -> None:
    names = NearestNames(comparisons=0)
    assert names.to("depend", ["depends"]) is None
    known = iter(["depends"])
    assert names.to("depend", known) is None
    assert list(known) == ["depends"]
