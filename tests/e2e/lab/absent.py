"""The rows of the failure table that the lab does not show, and why."""

REASONS = {
    "D-101": "the checker logs in as the user alone: it sends no authorisation identity that could differ",
}
