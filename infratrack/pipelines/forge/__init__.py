"""Where code is hosted: pull requests and their comments, commits and their statuses."""
