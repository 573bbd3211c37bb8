"""The terraform plugin."""
