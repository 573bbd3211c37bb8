"""`matches:` in criteria: a text in which `*` stands for any run of characters and `?` for any one.

Not a regular expression on purpose: values come from evidence, and no value may make a status crawl.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from fnmatch import translate
from typing import Any, Final

from infratrack_terraform.masking import Json

LONGEST_TEXT: Final = 4_096


def text_matcher(pattern: str) -> Callable[[Any], bool]:
    """Whether a value is a text (or a number, written out) that matches as a whole; upper and lower case differ."""
    compiled = functools.cache(lambda: re.compile(translate(pattern.replace("[", "[[]"))))

    def matches(value: Json) -> bool:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return False
        text = str(value)
        return len(text) <= LONGEST_TEXT and compiled().match(text) is not None

    return matches
