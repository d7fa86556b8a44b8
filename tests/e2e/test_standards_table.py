"""docs/standards.md says which test shows which statement: every one of them must exist."""
import re
import unittest

from harness import HERE, ROOT


class Table(unittest.TestCase):
    def test_every_reference_exists(self):
        rows = re.findall(r"(?m)^\| (\d+) \| .*? \| (yes|in part|later|no) \| (.*) \|$",
                          (ROOT / "docs" / "standards.md").read_text())
        self.assertEqual([int(r[0]) for r in rows], list(range(1, 81)))
        for number, holds, shown in rows:
            references = re.findall(r"`([\w/.]+)::([^`]*)`", shown)
            with self.subTest(number=number):
                if holds in ("yes", "in part"):
                    self.assertTrue(references, "a statement that holds has a test")
                for file, name in references:
                    path = HERE / file if file.endswith(".py") else ROOT / "src" / file
                    self.assertTrue(path.exists(), file)
                    text = path.read_text()
                    if file.endswith(".py"):
                        found = re.search(rf'(def |\("){re.escape(name)}', text)
                    else:
                        found = re.search(rf'TEST_CASE\("{re.escape(name)}', text)
                    self.assertTrue(found, f"{file}::{name}")


if __name__ == "__main__":
    unittest.main()
