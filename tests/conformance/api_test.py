import unittest

import api
from pairs_for_tests import PairsTestCase

HEADER = "# explained\n\n" + "\t".join(api.COLUMNS) + "\n"
SAME = ("queues", "Queue.get", "3.4", "-", "queue.get()", "same", "modern.Suite.One", "-")
ADAPTED = ("queues", "Queue", "3.4", "-", "Queue<T>", "adapted", "modern.Suite.One; modern.On/Suite.Two/Epoll", "A template.")
OPEN = ("pipes", "open_pipe", "3.5.2", "-", "-", "open", "-", "-")
REMOVED = ("queues", "JoinableQueue", "3.4", "3.4.4", "-", "not applicable", "-", "Python has removed it.")


class ApiTest(PairsTestCase):
    def setUp(self):
        super().setUp()
        self.table = self.folder / "api.tsv"
        self.page = self.folder / "conformance.md"
        self.spellings = self.folder / "spellings.cpp"

    def rows(self, *rows):
        self.table.write_text(HEADER + "".join("\t".join(row) + "\n" for row in rows))

    def room(self, *tests):
        """Makes an executable modern_tests that has those tests of the suite `Suite`, all of which pass."""
        listed = "\\n".join(["Suite.", *(f"  {test}" for test in tests)])
        results = ", ".join(f'{{"name": "{test}", "status": "RUN", "result": "COMPLETED"}}' for test in tests)
        self.write("results.json", f'{{"testsuites": [{{"name": "Suite", "testsuite": [{results}]}}]}}')
        self.write(
            "build/tests/modern_tests",
            "#!/bin/sh\n"
            f'if [ "$1" = --gtest_list_tests ]; then printf "{listed}\\n"; exit; fi\n'
            f'cp {self.folder}/results.json "${{2#--gtest_output=json:}}"\n',
        )
        (self.build / "tests" / "modern_tests").chmod(0o755)

    def rewrite(self):
        return self.capture(lambda: api.main(["--write"], self.table, self.page, self.spellings))

    def complaints(self):
        return api.check(self.build, self.table, self.page, self.spellings)[0]

    def test_a_name_is_a_row_of_its_area(self):
        self.rows(SAME, OPEN, ADAPTED, REMOVED)
        text = api.page(api.read(self.table))
        self.assertIn(
            "\n## Queues\n\n" + api.TABLE_HEADING + "| `Queue.get` | `queue.get()` | same | 3.4 | `modern.Suite.One` |  |\n"
            "| `Queue` | `Queue<T>` | adapted | 3.4 | `modern.Suite.One`<br>`modern.On/Suite.Two/Epoll` | A template. |\n"
            "| `JoinableQueue` |  | not applicable | 3.4 (3.4.4) |  | Python has removed it. |\n"
            "\n## Pipes\n",
            text,
        )
        for counted in ("| same | 1 |", "| adapted | 1 |", "| open | 1 |", "| not applicable | 1 |"):
            self.assertIn(counted, text)

    def test_a_bar_does_not_end_its_cell(self):
        self.rows((*SAME[:4], "range | view", *SAME[5:7], "a | b"))
        self.assertIn(r"| `range \| view` | same | 3.4 | `modern.Suite.One` | a \| b |", api.page(api.read(self.table)))

    def test_a_page_that_was_written_is_not_stale(self):
        self.room("One")
        self.rows(SAME, OPEN, REMOVED)
        self.assertEqual(self.rewrite(), (0, "conformance.md: names: 1 same, 0 adapted, 1 open, 1 not applicable\n"))
        self.assertEqual(
            api.check(self.build, self.table, self.page, self.spellings), ([], "names: 1 same, 0 adapted, 1 open, 1 not applicable")
        )

    def test_each_spelling_with_a_namespace_is_compiled(self):
        self.rows((*SAME[:4], "asyncio::Queue::get() and std::move", *SAME[5:]), ADAPTED)
        self.rewrite()
        lines = self.spellings.read_text().splitlines()
        self.assertEqual(lines[-1], "namespace asyncio_Queue { using segue::asyncio::Queue; }")
        self.assertEqual(len([line for line in lines if line.startswith("namespace")]), 1)

    def test_a_page_that_does_not_say_what_the_table_does_is_stale(self):
        self.room("One")
        self.rows(SAME)
        stale = [f"conformance.md does not say what api.tsv does: {api.REWRITE}"]
        spellings_too = [*stale, f"spellings.cpp does not say what api.tsv does: {api.REWRITE}"]
        self.assertEqual(self.complaints(), spellings_too, "they are missing")
        self.rewrite()
        self.assertEqual(self.complaints(), [])
        self.rows((*SAME[:7], "a note"))
        self.assertEqual(self.complaints(), stale, "the table was changed")
        self.rewrite()
        self.page.write_text(self.page.read_text() + "by hand\n")
        self.assertEqual(self.complaints(), stale, "the page was changed")

    def test_a_test_that_does_not_exist_is_named_with_its_row(self):
        self.room("One")
        self.rows(SAME, ("queues", "Queue.put", "3.4", "-", "queue.put(x)", "same", "modern.Suite.Other", "-"))
        self.rewrite()
        fault = "api.tsv: line 5: Queue.put: modern.Suite.Other does not exist in modern_tests"
        self.assertEqual(self.complaints(), [fault])

    def test_a_room_that_was_not_built_is_no_success(self):
        self.rows(SAME)
        self.rewrite()
        self.assertIn("modern_tests is missing", self.complaints()[0])

    def test_a_malformed_row_is_named_with_its_line(self):
        for row, fault in [
            (SAME[:7], "8 columns that are not empty are wanted"),
            ((*SAME[:7], ""), "8 columns that are not empty are wanted"),
            (("-", *SAME[1:]), "a row has an area, a name and"),
            ((*SAME[:2], "always", *SAME[3:]), "'always' is no version"),
            ((*SAME[:3], "3.x", *SAME[4:]), "'3.x' is no version"),
            ((*SAME[:5], "alike", *SAME[6:]), "the status 'alike' is none of: same, adapted, open, not applicable"),
            ((*SAME[:4], "-", *SAME[5:]), "Queue.get: what is same has a C++ spelling"),
            ((*SAME[:6], "-", "-"), "Queue.get: what is same has a test that shows it"),
            ((*SAME[:6], "Suite.One", "-"), "'Suite.One' is no test"),
            ((*ADAPTED[:7], "-"), "Queue: what is adapted has a note that says what differs"),
            ((*REMOVED[:7], "-"), "JoinableQueue: what is not applicable has a note that says why"),
            ((*REMOVED[:4], "JoinableQueue<T>", *REMOVED[5:]), "JoinableQueue: what is not applicable has no C++ spelling"),
            ((*OPEN[:6], "modern.Suite.One", "-"), "open_pipe: what is open has no tests"),
            (("pipes", "named", *OPEN[2:]), "named has a row already, in line 4"),
        ]:
            self.rows(("queues", "named", *OPEN[2:]), row)
            complaints = self.complaints()
            self.assertEqual(len(complaints), 1, row)
            self.assertIn(f"api.tsv: line 5: {fault}", complaints[0])

    def test_a_table_that_cannot_be_read_is_not_written(self):
        self.table.write_text("\t".join(SAME) + "\n")
        self.page.write_text("as it was\n")
        code, text = self.rewrite()
        self.assertEqual(code, 1)
        self.assertIn("api.tsv: the first line has to be the header area | name |", text)
        self.assertEqual(self.page.read_text(), "as it was\n")


if __name__ == "__main__":
    unittest.main()
