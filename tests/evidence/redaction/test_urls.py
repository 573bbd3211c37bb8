"""Remotes without credentials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.evidence.redaction import strip_credentials


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://github.com/org/repo.git", None),
        ("https://user:pw@github.com/org/repo.git", "https://github.com/org/repo.git"),
        ("https://token@github.com/org/repo.git", "https://github.com/org/repo.git"),
        ("https://oauth2:tok@h:8443/x", "https://h:8443/x"),
        ("https://h/x?private_token=abc#frag", "https://h/x"),
        ("https://user:p/w@h/x", "https://h/x"),
        ("https://user:p?w#z@h/x?a=b", "https://h/x"),
        ("https://user:p@w@h/x", "https://h/x"),
        ("https://user:p:0/w@h/x", "https://h/x"),
        ("https://h/scope/@name", None),
        ("https://[::1]:443/scope/@name", None),
        ("https://h:443/scope/@name", None),
        ("https://[::1]/scope/@name", None),
        ("ssh://git@h/x.git", None),
        ("ssh://git:pw@h/x.git", "ssh://git@h/x.git"),
        ("ssh://Zz9Token@h/x.git", "ssh://h/x.git"),
        ("git@github.com:org/repo.git", None),
        ("git:pw@github.com:org/repo.git", "git@github.com:org/repo.git"),
        ("A1b2C3d4@github.com:org/repo.git", "github.com:org/repo.git"),
        ("/srv/git/repo.git", None),
        ("/srv/git/@repo:x", None),
        ("../repo", None),
        ("file:///srv/git/repo.git", None),
        ("", None),
    ],
)
def test_credentials_go_and_the_place_stays(url: str, kept: str | None) -> None:
    assert strip_credentials(url) == (url if kept is None else kept)


@given(st.text("aZ09:/?#@%!.-", min_size=1).map(lambda text: f"Q7{text}Zx"), st.sampled_from(["https", "ssh", "http"]))
def test_no_password_survives(password: str, scheme: str) -> None:
    assert password not in strip_credentials(f"{scheme}://user:{password}@example.org/org/repo.git")
