import sys
import unittest
from pathlib import Path
from unittest import mock

from interpreters import Interpreter
from pairs_for_tests import THIS_PYTHON, PairsTestCase

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "lessons"))
import tour  # noqa: E402


class TourTest(PairsTestCase):
    def lesson(self, name, python, record, twin):
        self.write(f"lessons/{name}/lesson.py", python)
        self.write(f"lessons/{name}/lesson.out", record)
        self.executable(f"lesson_{name[:2]}", twin)

    def take(self, *names, interpreters=(THIS_PYTHON,)):
        return self.capture(
            lambda: tour.main(["--build-dir", str(self.build), *names], self.folder / "lessons", interpreters)
        )

    def test_lessons_that_agree_end_in_success(self):
        self.lesson("01-one", '"""The first."""\nprint("a")', "a\n", "echo a")
        self.lesson("02-two", "print('b')", "b\n", "echo b")
        code, text = self.take()
        self.assertEqual(code, 0, text)
        self.assertIn("01-one: The first.", text)
        self.assertEqual(self.last_line(text), "tour: 2 of 2 lessons agree")

    def test_a_line_that_differs_is_marked_and_fails(self):
        self.lesson("01-one", "print('same')\nprint('this')", "same\nthis\n", "echo same; echo that")
        code, text = self.take()
        self.assertEqual(code, 1)
        self.assertRegex(text, r"(?m)^same +│ same$")
        self.assertRegex(text, r"(?m)^this +≠│ that$")
        self.assertIn("differ in 1 lines", text)
        self.assertRegex(text, r"(?m)^01-one .* disagree$")
        self.assertEqual(self.last_line(text), "tour: 0 of 1 lessons agree")

    def test_lines_after_an_extra_one_stay_side_by_side(self):
        rows = list(tour.pairs(["a", "b"], ["a", "extra", "b"]))
        self.assertEqual(rows, [("a", " ", "a"), ("", "≠", "extra"), ("b", " ", "b")])

    def test_a_line_that_differs_in_trailing_blanks_only_differs(self):
        self.lesson("01-one", "print('a')", "a\n", "echo 'a '")
        self.assertEqual(self.take()[0], 1)

    def test_a_twin_that_is_missing_fails(self):
        self.lesson("01-one", "print('a')", "a\n", "")
        (self.build / "bin" / "lesson_01").unlink()
        code, text = self.take()
        self.assertEqual(code, 1)
        self.assertIn("lesson_01 is missing", text)

    def test_a_twin_that_crashes_fails_whatever_it_printed(self):
        self.lesson("01-one", "print('a')", "a\n", "echo a; kill -SEGV $$")
        code, text = self.take()
        self.assertEqual(code, 1)
        self.assertIn("was killed by signal 11", text)

    def test_a_twin_that_hangs_fails(self):
        self.lesson("01-one", "print('a')", "a\n", "exec sleep 60")
        with mock.patch.object(tour, "TIMEOUT", 0.3):
            code, text = self.take()
        self.assertEqual(code, 1)
        self.assertIn("timed out after 0.3 s", text)

    def test_a_python_program_that_fails_fails(self):
        self.lesson("01-one", "print('a')\nraise ValueError('oops')", "a\n", "echo a")
        code, text = self.take()
        self.assertEqual(code, 1)
        self.assertIn("ValueError: oops", text)

    def test_an_era_without_interpreter_takes_the_record_and_says_so(self):
        self.lesson("01-one", "# python: <=3.10\nprint('a')", "recorded\n", "echo recorded")
        code, text = self.take(interpreters=[Interpreter((3, 13, 0), sys.executable)])
        self.assertEqual(code, 0, text)
        self.assertIn("no fitting interpreter was found: lesson.out stands for it", text)
        self.assertRegex(text, r"(?m)^01-one +recorded +1 +agree$")

    def test_an_older_interpreter_is_taken_where_the_lesson_asks_for_it(self):
        self.lesson("01-one", "# python: <=3.10\nprint('a')", "a\n", "echo a")
        code, text = self.take(
            interpreters=[Interpreter((3, 13, 0), "/nowhere"), Interpreter((3, 10, 13), sys.executable)]
        )
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"(?m)^01-one +3\.10\.13 +1 +agree$")

    def test_a_record_that_is_out_of_date_fails(self):
        self.lesson("01-one", "print('a')", "old\n", "echo a")
        code, text = self.take()
        self.assertEqual(code, 1)
        self.assertIn("lesson.out differs from what", text)
        self.assertRegex(text, r"(?m)^01-one .* out of date$")

    def test_a_program_runs_in_its_lessons_folder(self):
        self.lesson("01-one", "print(open('data.txt').read())", "deep\n", "cat data.txt; echo")
        self.write("lessons/01-one/data.txt", "deep")
        code, text = self.take()
        self.assertEqual(code, 0, text)

    def test_names_choose(self):
        self.lesson("01-one", "print('a')", "a\n", "echo a")
        self.lesson("10-ten", "print('b')", "b\n", "echo x")
        self.assertEqual(self.take("1")[0], 0)
        self.assertEqual(self.take("one")[0], 0)
        self.assertEqual(self.take("10")[0], 1)
        code, text = self.take("7")
        self.assertEqual(code, 2)
        self.assertIn("nothing is called '7'", text)

    def test_a_long_line_is_wrapped_within_its_column(self):
        lines = list(tour.columns([("x" * 50, " ", "y" * 30)], 60))
        self.assertEqual(len(lines), 2)
        self.assertLessEqual(max(map(len, lines)), 60)


if __name__ == "__main__":
    unittest.main()
