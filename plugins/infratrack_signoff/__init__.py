"""The signoff plugin."""
