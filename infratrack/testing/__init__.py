"""Contract tests and builders that plugins and stores inherit."""
