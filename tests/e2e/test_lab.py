"""The lab of failures: each cause that stops a mail program from sending and that one machine can show, and what
`postern check` finds. The headline has to be the true cause in every case."""
import os
import unittest

from lab import (absent, rows_address, rows_arrival, rows_healthy, rows_login, rows_mail, rows_network, rows_offer, rows_protocol,
                 rows_real, rows_tls)
from harness import SLOW
from lab.confusion import table
from lab.lab import Lab

PARTS = (rows_healthy, rows_address, rows_network, rows_protocol, rows_tls, rows_offer, rows_login, rows_mail, rows_arrival)
LEAST = 80  # rows of the failure table
HEALTHY, SILENT = "settings, names, login and envelope", "all mail ports are silent, the web is open"


def chosen():
    """The cases; LAB_ROWS=D-20,D-21 for a look at a few."""
    cases = [case for part in PARTS for case in part.CASES]
    wanted = set(filter(None, os.environ.get("LAB_ROWS", "").split(",")))
    return [case for case in cases if not wanted or case.row in wanted or case.title in (HEALTHY, SILENT)]


class Causes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Lab(chosen()) as lab:
            cls.outcomes = lab.run()
            # Alone, and the best of a few: other tests run beside this one.
            cls.healthy, cls.silent = (min((lab.check(next(c for c in lab.cases if c.title == title)) for _ in range(tries)),
                                           key=lambda o: o.seconds) for title, tries in ((HEALTHY, 5), (SILENT, 1)))
        print("\n" + table(cls.outcomes), flush=True)

    def test_the_headline_is_the_true_cause(self):
        wrong = [o for o in self.outcomes if not o.right()]
        self.assertFalse(wrong, "\n\n" + "\n\n".join(o.story() for o in wrong))

    def test_most_of_the_failure_table_is_here(self):
        rows = {case.row for part in (*PARTS, rows_real) for case in part.CASES if case.row.startswith("D-")}
        self.assertGreaterEqual(len(rows), LEAST)
        left_out = {f"D-{n:02}" for n in range(1, 136)} - rows
        self.assertEqual(left_out, set(absent.REASONS))
        print(f"\n{len(rows)} rows of the failure table; the others:")
        for row, why in absent.REASONS.items():
            print(f"{row:6} {why}")

    def test_a_healthy_server_takes_less_than_2_seconds_and_silent_ports_less_than_15(self):
        for o in (self.healthy, self.silent):
            self.assertTrue(o.right(), o.story())
        self.assertLess(self.healthy.seconds, 2 * SLOW, self.healthy.story())
        self.assertLess(self.silent.seconds, 15 * SLOW, self.silent.story())


if __name__ == "__main__":
    unittest.main()
