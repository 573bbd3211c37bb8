"""The ansible plugin."""
