import unittest
from unittest import mock

import api
import ledger
import run
from interpreters import Interpreter
from pairs_for_tests import THIS_PYTHON, PairsTestCase

VERSION = THIS_PYTHON.version_text


class RunTest(PairsTestCase):
    def setUp(self):
        super().setUp()
        self.ledger = self.folder / "cpython.tsv"
        self.ledger.write_text("\t".join(ledger.COLUMNS) + "\n")
        self.names = self.folder / "api.tsv"
        self.names.write_text("\t".join(api.COLUMNS) + "\n")
        self.page = self.folder / "conformance.md"
        self.page.write_text(api.page([]))
        self.spellings = self.folder / "spellings.cpp"
        self.spellings.write_text(api.spellings([]))

    def scenario(self, name, python, record, twin=None):
        self.write(f"scenarios/{name}.py", python)
        self.write(f"scenarios/{name}.out", record)
        if twin is not None:
            self.write(f"scenarios/{name}.cpp", "")
            self.executable(f"conformance_{name}", twin)

    def run_all(self, *names, interpreters=(THIS_PYTHON,)):
        return self.capture(
            lambda: run.main(
                ["--build-dir", str(self.build), *names],
                self.folder / "scenarios",
                interpreters,
                [(self.ledger, [])],
                self.names,
                self.page,
                self.spellings,
            )
        )

    def test_pairs_that_agree_are_counted(self):
        self.scenario("01_one", "print('a')", "a\n", "echo a")
        self.scenario("02_two", "print('b')", "b\n", "echo b")
        code, text = self.run_all()
        self.assertEqual(code, 0)
        self.assertEqual(self.last_line(text), f"conformance: 2 of 2 scenarios agree with CPython {VERSION}")

    def test_a_pair_that_disagrees_is_shown_as_a_diff_and_fails(self):
        self.scenario("01_one", "print('a')\nprint('b')", "a\nb\n", "echo a; echo x")
        self.scenario("02_two", "print('b')", "b\n", "echo b")
        code, text = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("01_one: DISAGREES", text)
        self.assertIn("    -b\n    +x\n", text)
        self.assertEqual(self.last_line(text), f"conformance: 1 of 2 scenarios agree with CPython {VERSION}")

    def test_a_missing_last_line_is_a_disagreement(self):
        self.scenario("01_one", "print('a')\nprint('b')", "a\nb\n", "echo a")
        self.assertEqual(self.run_all()[0], 1)

    def test_a_twin_that_crashes_after_the_right_output_fails(self):
        self.scenario("01_one", "print('a')", "a\n", "echo a; echo oops >&2; exit 3")
        code, text = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("ended with 3", text)
        self.assertIn("oops", text)

    def test_a_twin_that_was_not_built_fails(self):
        self.scenario("01_one", "print('a')", "a\n", "")
        (self.build / "bin" / "conformance_01_one").unlink()
        code, text = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("is missing", text)

    def test_a_twin_that_hangs_fails(self):
        self.scenario("01_one", "print('a')", "a\n", "echo a; exec sleep 60")
        with mock.patch.object(run, "TWIN_TIMEOUT", 0.2):
            code, text = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("timed out after 0.2 s", text)

    def test_a_scenario_without_a_twin_is_listed_and_not_counted(self):
        self.scenario("01_one", "print('a')", "a\n", "echo a")
        self.scenario("02_two", "print('b')", "b\n")
        code, text = self.run_all()
        self.assertEqual(code, 0)
        self.assertIn("02_two: not yet", text)
        self.assertEqual(self.last_line(text), f"conformance: 1 of 1 scenarios agree with CPython {VERSION}")

    def test_comparing_nothing_is_no_success(self):
        self.scenario("01_one", "print('a')", "a\n")
        self.assertEqual(self.run_all()[0], 1)

    def test_without_an_interpreter_the_record_is_compared(self):
        self.scenario("01_one", "print('a')", "recorded\n", "echo recorded")
        code, text = self.run_all(interpreters=())
        self.assertEqual(code, 0)
        self.assertIn("01_one.out stands for it", text)
        self.assertIn(f"agree with CPython {run.RECORDED_WITH} (recorded)", self.last_line(text))

    def test_a_record_of_a_newer_version_wins_over_an_older_interpreter(self):
        self.scenario("01_one", "print('old')", "old\n", "echo new")
        self.write("scenarios/01_one.313.out", "new\n")
        older = Interpreter((3, 12, 1), THIS_PYTHON.path)
        code, text = self.run_all(interpreters=[older])
        self.assertEqual(code, 0, text)
        self.assertIn("CPython 3.12.1 is older than the behaviour aimed at", text)

    def test_a_newer_interpreter_wins_over_the_record_of_its_version(self):
        self.scenario("01_one", "print('new')", "old\n", "echo new")
        self.write("scenarios/01_one.313.out", "new\n")
        newer = Interpreter((3, 14, 0), THIS_PYTHON.path)
        code, text = self.run_all(interpreters=[newer])
        self.assertEqual(code, 0, text)
        self.assertNotIn("older", text)

    def test_a_record_that_is_out_of_date_is_said_and_fails(self):
        self.scenario("01_one", "print('a')", "b\n", "echo a")
        code, text = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("01_one.out differs from what", text)

    def test_a_python_program_that_hangs_is_replaced_by_its_record(self):
        self.scenario("01_one", "import time; time.sleep(60)", "a\n", "echo a")
        with mock.patch.object(run, "PYTHON_TIMEOUT", 0.2):
            code, text = self.run_all()
        self.assertEqual(code, 0, text)
        self.assertIn(f"timed out after 0.2 s on CPython {VERSION}: 01_one.out stands for it", text)

    def test_a_python_program_that_fails_is_no_agreement(self):
        self.scenario("01_one", "print('a')\nraise SystemExit(2)", "a\n", "echo a")
        code, text = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("01_one.py ended with 2", text)

    def test_names_choose(self):
        self.scenario("01_one", "print('a')", "a\n", "echo a")
        self.scenario("11_eleven", "print('b')", "b\n", "echo x")
        self.assertEqual(self.run_all("1")[0], 0)
        self.assertEqual(self.run_all("01_one")[0], 0)
        self.assertEqual(self.run_all("elev")[0], 1)
        code, text = self.run_all("twelve")
        self.assertEqual(code, 2)
        self.assertIn("nothing is called 'twelve'", text)

    def test_the_ledger_is_counted_before_the_last_line(self):
        self.scenario("01_one", "print('a')", "a\n", "echo a")
        code, text = self.run_all()
        self.assertEqual(code, 0, text)
        self.assertEqual(text.splitlines()[-3], "cpython: nothing covered")

    def test_a_row_without_its_test_is_named_and_fails(self):
        self.scenario("01_one", "print('a')", "a\n", "echo a")
        with self.ledger.open("a") as rows:
            rows.write("test_a.py\tT.test_one\tdirect\tcovered\tlegacy.Suite.One\n")
        code, text = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("cpython.tsv: line 2: test_a.py T.test_one: legacy.Suite.One cannot be looked for", text)
        self.assertEqual(text.splitlines()[-3], "cpython: 0 of 1 direct covered")
        self.assertEqual(self.last_line(text), f"conformance: 1 of 1 scenarios agree with CPython {VERSION}")

    def test_a_page_of_names_that_is_stale_is_said_and_fails(self):
        self.scenario("01_one", "print('a')", "a\n", "echo a")
        self.page.write_text("as it was\n")
        code, text = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn(f"conformance.md does not say what api.tsv does: {api.REWRITE}", text)
        self.assertEqual(text.splitlines()[-2], "names: 0 same, 0 adapted, 0 open, 0 not applicable")
        self.assertEqual(self.run_all("1")[0], 0)

    def test_names_choose_among_the_scenarios_alone(self):
        self.scenario("01_one", "print('a')", "a\n", "echo a")
        self.ledger.write_text("malformed\n")
        code, text = self.run_all("1")
        self.assertEqual(code, 0, text)
        self.assertNotIn("cpython:", text)


if __name__ == "__main__":
    unittest.main()
