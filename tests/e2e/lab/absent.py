"""The rows of the failure table that the lab does not show, and why."""

REASONS = {
    "D-13": "a note of a source that is not waited for once another one has told the settings",
    "D-101": "the checker logs in as the user alone: it sends no authorisation identity that could differ",
}
