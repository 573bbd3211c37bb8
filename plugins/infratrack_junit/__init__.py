"""The junit plugin."""
