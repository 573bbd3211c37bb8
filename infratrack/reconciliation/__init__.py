"""Do the records agree? What a CMDB should say, what it says, and what may be done about the difference."""
