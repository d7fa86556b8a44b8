"""The lab of failures: each cause that stops a mail program from sending and that one machine can show, and what
`postern check` finds. The headline has to be the true cause in every case."""
import os
import unittest

from lab import (rows_address, rows_arrival, rows_healthy, rows_login, rows_mail, rows_network, rows_offer, rows_protocol,
                 rows_tls)
from lab.confusion import table
from lab.lab import Lab

PARTS = (rows_healthy, rows_address, rows_network, rows_protocol, rows_tls, rows_offer, rows_login, rows_mail, rows_arrival)
LEAST = 80  # rows of the failure table


def chosen():
    """The cases; LAB_ROWS=D-20,D-21 for a look at a few."""
    cases = [case for part in PARTS for case in part.CASES]
    wanted = set(filter(None, os.environ.get("LAB_ROWS", "").split(",")))
    return [case for case in cases if not wanted or case.row in wanted]


class Causes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Lab(chosen()) as lab:
            cls.outcomes = lab.run()
        print("\n" + table(cls.outcomes), flush=True)

    def test_the_headline_is_the_true_cause(self):
        wrong = [o for o in self.outcomes if not o.right()]
        self.assertFalse(wrong, "\n\n" + "\n\n".join(o.story() for o in wrong))

    def test_most_of_the_failure_table_is_here(self):
        rows = {case.row for part in PARTS for case in part.CASES if case.row.startswith("D-")}
        self.assertGreaterEqual(len(rows), LEAST)

    def test_nothing_takes_longer_than_its_steps_need(self):
        for o in self.outcomes:
            if o.case.row == "ok" and not o.case.send:
                self.assertLess(o.report["milliseconds"], 2000, o.story())
            if o.case.row in ("D-22", "P-212"):
                self.assertLess(o.report["milliseconds"], 15000, o.story())


if __name__ == "__main__":
    unittest.main()
