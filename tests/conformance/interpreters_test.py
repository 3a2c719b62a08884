import tempfile
import unittest
from pathlib import Path

from interpreters import Era, Interpreter, find_interpreters, newest


def interpreter(major, minor, micro=0):
    return Interpreter((major, minor, micro), f"/python{major}.{minor}")


class FindingInterpreters(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def program(self, name, answer, status=0):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n")
        path.chmod(0o755)

    def found(self):
        return [each.version for each in find_interpreters([self.folder])]

    def test_the_newest_comes_first(self):
        self.program("python3.9", "cpython final 3 9 18 /here/python3.9")
        self.program("python3.13", "cpython final 3 13 0 /here/python3.13")
        self.program("python3", "cpython final 3 11 2 /here/python3")
        self.assertEqual(self.found(), [(3, 13, 0), (3, 11, 2), (3, 9, 18)])

    def test_a_shim_that_fails_is_passed_over(self):
        self.program("python3.13", "command not found", status=127)
        self.assertEqual(self.found(), [])

    def test_what_is_no_release_of_cpython_is_passed_over(self):
        self.program("python3.10", "pypy final 3 10 14 /here/pypy")
        self.program("python3.14", "cpython candidate 3 14 0 /here/python3.14")
        self.program("python3.6", "cpython final 3 6 15 /here/python3.6")
        self.program("python3.12-config", "cpython final 3 12 1 /here/python3.12")
        self.assertEqual(self.found(), [])

    def test_the_path_is_the_interpreters_own(self):
        self.program("python3.12", "cpython final 3 12 1 /with a space/python3.12")
        self.assertEqual(find_interpreters([self.folder])[0].path, "/with a space/python3.12")

    def test_a_version_found_twice_is_listed_once(self):
        self.program("python3", "cpython final 3 12 1 /first")
        self.program("python3.12", "cpython final 3 12 1 /second")
        self.assertEqual([each.path for each in find_interpreters([self.folder])], ["/first"])

    def test_the_one_that_runs_this_test_is_found(self):
        self.assertTrue(find_interpreters())


class Eras(unittest.TestCase):
    def test_a_program_that_says_nothing_gets_the_newest_from_3_11_on(self):
        every = [interpreter(3, 10), interpreter(3, 12), interpreter(3, 11)]
        self.assertEqual(newest(every, Era.of("print()")), interpreter(3, 12))
        self.assertIsNone(newest([interpreter(3, 10)], Era.of("print()")))

    def test_a_program_may_ask_for_an_older_one(self):
        era = Era.of("#!/usr/bin/env python3\n# python: <=3.10\nprint()")
        every = [interpreter(3, 7), interpreter(3, 10, 13), interpreter(3, 11)]
        self.assertEqual(newest(every, era), interpreter(3, 10, 13))

    def test_a_program_may_ask_for_a_range(self):
        era = Era.of("# python: >=3.8, <=3.9")
        self.assertNotIn(interpreter(3, 7), era)
        self.assertIn(interpreter(3, 9), era)
        self.assertNotIn(interpreter(3, 10), era)

    def test_3_9_is_older_than_3_10(self):
        self.assertEqual(newest([interpreter(3, 9), interpreter(3, 10)], Era.of("# python: >=3.8")), interpreter(3, 10))

    def test_what_cannot_be_read_is_refused(self):
        with self.assertRaises(ValueError):
            Era.of("# python: 3.10")


if __name__ == "__main__":
    unittest.main()
