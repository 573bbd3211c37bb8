"""What was promised: `infratrack.yaml` is read, checked and frozen."""
