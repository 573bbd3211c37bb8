"""What is true now: criteria become verdicts, verdicts become status."""
