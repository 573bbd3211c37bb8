"""Capture's tests start real commands: none may inherit signals ignored by whoever started the tests."""

import tests.capture.workshop  # noqa: F401 -- for its effect
