"""Rows of the failure table that this lab does not show, and why."""

# One machine can't show them.
IMPOSSIBLE = {
    "D-28": "the cloud's own network blocks port 25: from here it is D-20, a silent port",
    "D-52": "needs an authority that answers for revoked certificates over HTTP; stapled answers are in Exim only",
}

# Not a failure: notes beside a healthy verdict, asserted as steps of other cases.
NOTES = {
    "D-11": "where the settings came from",
    "D-13": "a source that tells nothing without a login",
    "D-60": "LOGIN is all that is offered, which most programs take",
    "D-63": "-PLUS is offered, which some programs can't do",
}
