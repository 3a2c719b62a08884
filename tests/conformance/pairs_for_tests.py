"""What the runners' tests share: a folder of pairs whose C++ twins are small scripts."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

from interpreters import Interpreter

THIS_PYTHON = Interpreter(sys.version_info[:3], sys.executable)


class PairsTestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.build = self.folder / "build"
        (self.build / "bin").mkdir(parents=True)

    def write(self, path, text):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def executable(self, name, script):
        path = self.build / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def capture(self, run):
        """Calls `run`; its exit code and what it printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                code = run()
            except SystemExit as end:
                code = end.code
        return code, printed.getvalue()

    def last_line(self, text):
        return text.rstrip().split("\n")[-1]
