import json
import unittest

import ledger
from pairs_for_tests import PairsTestCase

HEADER = "# explained\n\n" + "\t".join(ledger.COLUMNS) + "\n"


class LedgerTest(PairsTestCase):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "cpython.tsv"

    def rows(self, *rows):
        self.path.write_text(HEADER + "".join("\t".join(row) + "\n" for row in rows))

    def room(self, name, end=0, **results):
        """Makes an executable whose suite `Suite` has those tests."""
        answer = {
            "passed": {"status": "RUN", "result": "COMPLETED"},
            "skipped": {"status": "RUN", "result": "SKIPPED"},
            "disabled": {"status": "NOTRUN", "result": "SUPPRESSED"},
            "failed": {"status": "RUN", "result": "COMPLETED", "failures": [{"failure": "a.cpp:1\n1 is not 2"}]},
        }
        tests = [{"name": test, **answer[result]} for test, result in results.items() if result != "crashed"]
        listed = "\\n".join(["Suite."] + [f"  {test}" for test in results])
        record = json.dumps({"testsuites": [{"name": "Suite", "testsuite": tests}]})
        crash = "crashed" in results.values()
        self.write(f"build/tests/{name}_tests.json", record)
        path = self.build / "tests" / f"{name}_tests"
        path.write_text(
            "#!/bin/sh\n"
            f'if [ "$1" = --gtest_list_tests ]; then printf "{listed}\\n"; exit; fi\n'
            f"echo \"$1\" > {path}.filter\n"
            + ("echo oops >&2; exit 3\n" if crash else f'cp {path}.json "${{2#--gtest_output=json:}}"\nexit {end}\n')
        )
        path.chmod(0o755)
        return path

    def count(self):
        return ledger.count(self.path, self.build)

    def test_methods_whose_tests_pass_are_counted(self):
        executable = self.room("legacy", One="passed", Two="passed", Other="failed")
        self.room("modern", One="passed")
        self.rows(
            ("test_a.py", "T.test_one", "direct", "covered", "legacy.Suite.One"),
            ("test_a.py", "T.test_two", "direct", "covered", "legacy.Suite.Two; modern.Suite.One"),
            ("test_a.py", "T.test_pickle", "not portable", "not applicable", "nothing is pickled"),
        )
        count = self.count()
        self.assertEqual(count.failures(), [])
        self.assertEqual(count.lines()[-1], "cpython: 2 of 2 direct covered")
        filter_of = executable.with_name("legacy_tests.filter").read_text().strip()
        self.assertEqual(filter_of, "--gtest_filter=Suite.One:Suite.Two")

    def test_a_test_that_does_not_exist_is_named_with_its_row(self):
        self.room("legacy", One="passed")
        self.rows(
            ("test_a.py", "T.test_one", "direct", "covered", "legacy.Suite.One"),
            ("test_a.py", "T.test_two", "direct", "covered", "legacy.Suite.One; legacy.Suite.Two"),
        )
        fault = "cpython.tsv: line 5: test_a.py T.test_two: legacy.Suite.Two does not exist in legacy_tests"
        self.assertEqual(self.count().complaints, [fault])
        self.assertEqual(self.count().of("direct"), (1, 2))

    def test_a_test_with_parameters_is_named_as_it_is_listed(self):
        self.assertEqual(ledger.tests_in("modern.On/Suite.Two/Epoll"), ("modern.On/Suite.Two/Epoll",))
        listed = ["On/Suite.", "  Two/Manual  # GetParam() = false", "  Two/Epoll  # GetParam() = true"]
        self.assertEqual(ledger._listed_tests(listed), {"On/Suite.Two/Manual", "On/Suite.Two/Epoll"})

    def test_a_test_that_was_skipped_does_not_count(self):
        self.room("legacy", One="skipped", Two="disabled")
        self.rows(
            ("test_a.py", "T.test_one", "direct", "covered", "legacy.Suite.One"),
            ("test_a.py", "T.test_two", "direct", "covered", "legacy.Suite.Two"),
        )
        count = self.count()
        self.assertEqual(count.of("direct"), (0, 2))
        self.assertEqual(count.complaints[0], "cpython.tsv: line 4: test_a.py T.test_one: legacy.Suite.One was skipped")
        self.assertIn("legacy.Suite.Two was skipped", count.complaints[1])

    def test_a_test_that_fails_is_shown(self):
        self.room("legacy", end=1, One="failed")
        self.rows(("test_a.py", "T.test_one", "direct", "covered", "legacy.Suite.One"))
        fault = "cpython.tsv: line 4: test_a.py T.test_one: legacy.Suite.One failed:\na.cpp:1\n1 is not 2"
        self.assertEqual(self.count().complaints, [fault])
        self.assertEqual(self.count().of("direct"), (0, 1))

    def test_a_crash_is_no_success(self):
        self.room("legacy", One="crashed")
        self.rows(("test_a.py", "T.test_one", "direct", "covered", "legacy.Suite.One"))
        self.assertEqual(self.count().of("direct"), (0, 1))
        self.assertIn("did not run: legacy_tests ended with 3\noops", self.count().complaints[0])

    def test_a_room_that_was_not_built_is_no_success(self):
        self.rows(("test_a.py", "T.test_one", "direct", "covered", "bridge.Suite.One"))
        self.assertIn("bridge_tests is missing", self.count().complaints[0])

    def test_what_is_open_is_listed_and_counts_as_not_covered(self):
        self.room("legacy", One="passed")
        self.rows(
            ("test_a.py", "T.test_one", "direct", "covered", "legacy.Suite.One"),
            ("test_a.py", "T.test_two", "direct", "open", "there is no Two yet"),
            ("test_b.py", "T.test_one", "adapted", "not applicable", "nothing is pickled"),
        )
        count = self.count()
        self.assertEqual(
            count.lines(),
            [
                "cpython: open: test_a.py T.test_two: there is no Two yet",
                "cpython: test_a.py: 1 of 2 direct, 0 of 0 adapted",
                "cpython: test_b.py: 0 of 0 direct, 0 of 1 adapted",
                "cpython: 1 of 2 direct, 0 of 1 adapted covered",
            ],
        )
        self.assertEqual(
            count.failures(),
            [
                "cpython: 100% of the direct rows have to be covered, not 1 of 2",
                "cpython: 80% of the adapted rows have to be covered, not 0 of 1",
            ],
        )

    def test_of_the_adapted_methods_one_in_five_may_be_missing(self):
        self.room("legacy", One="passed")
        one = ("adapted", "covered", "legacy.Suite.One")
        rows = [("test_a.py", f"T.test_{number}", *one) for number in range(4)]
        self.rows(*rows, ("test_a.py", "T.test_open", "adapted", "open", "a reason"))
        self.assertEqual(self.count().failures(), [])

    def test_a_malformed_row_is_named_with_its_line(self):
        for row, fault in [
            (("test_a.py", "T.test_one", "direct", "covered"), "5 columns that are not empty are wanted"),
            (("test_a.py", "", "direct", "covered", "legacy.Suite.One"), "5 columns that are not empty are wanted"),
            (("test_a.py", "T.test_one", "direct", "coverd", "legacy.Suite.One"), "the status 'coverd' is none of"),
            (("test_a.py", "T.test_one", "drect", "covered", "legacy.Suite.One"), "the kind 'drect' is none of"),
            (("test_a.py", "T.test_one", "direct", "covered", "Suite.One"), "'Suite.One' is no test"),
            (("test_a.py", "T.test_one", "direct", "covered", "legacy.Suite.One,legacy.Suite.Two"), "'legacy.Suite.One,legacy.Suite.Two' is"),
            (("test_a.py", "T.test_zero", "direct", "covered", "legacy.Suite.One"), "test_a.py T.test_zero has a row already"),
        ]:
            self.rows(("test_a.py", "T.test_zero", "direct", "not applicable", "a reason"), row)
            count = self.count()
            self.assertEqual(len(count.complaints), 1, row)
            self.assertIn(f"cpython.tsv: line 5: {fault}", count.complaints[0])

    def test_a_ledger_without_its_header_is_refused(self):
        self.path.write_text("test_a.py\tT.test_one\tcovered\tlegacy.Suite.One\n")
        self.assertIn("has to be the header", self.count().complaints[0])

    def test_rules_are_rows_too_each_with_a_test_that_is_named_after_it(self):
        self.room("modern", rule_1_a="passed", rule_12_b="passed")
        self.rows(
            ("rules", "rule 1", "rule", "covered", "modern.Suite.rule_1_a; modern.Suite.rule_12_b"),
            ("rules", "rule 12", "rule", "covered", "modern.Suite.rule_12_b"),
        )
        count = ledger.count(self.path, self.build, ["rule 1", "rule 12"])
        self.assertEqual(count.failures(), [])
        self.assertEqual(count.lines()[-1], "cpython: 2 of 2 rule covered")
        self.rows(("rules", "rule 2", "rule", "covered", "modern.Suite.rule_12_b"))
        self.assertEqual(self.count().complaints, ["cpython.tsv: line 4: none of the tests of rule 2 is named after it"])

    def test_a_row_that_is_wanted_and_missing_is_named(self):
        self.room("modern", rule_1_a="passed")
        self.rows(("rules", "rule 1", "rule", "covered", "modern.Suite.rule_1_a"))
        count = ledger.count(self.path, self.build, ["rule 1", "rule 2"])
        self.assertEqual(count.failures(), ["cpython.tsv: rule 2 has no row"])

    def test_a_file_that_has_lost_a_row_or_is_new_is_named(self):
        self.room("modern", One="passed")
        self.rows(
            ("test_a.py", "T.test_one", "direct", "covered", "modern.Suite.One"),
            ("test_b.py", "T.test_one", "direct", "covered", "modern.Suite.One"),
            ("test_c.py", "T.test_one", "direct", "covered", "modern.Suite.One"),
        )
        count = ledger.count(self.path, self.build, sizes={"test_a.py": 1, "test_b.py": 2, "test_d.py": 1})
        self.assertEqual(
            count.failures(),
            [
                "cpython.tsv: test_b.py has 1 rows, not 2",
                "cpython.tsv: test_c.py has 1 rows, not 0",
                "cpython.tsv: test_d.py has 0 rows, not 1",
            ],
        )

if __name__ == "__main__":
    unittest.main()
