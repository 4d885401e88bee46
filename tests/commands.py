"""`truce` called in this process: a process of its own takes a second before it begins. tests/house/test_command_line.py calls it as a shell does."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from sync.cli import main
from tests.house.project import ROOT


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: object
    stdout: str
    stderr: str


def truce(*words: str, home: Path, **more: str) -> Said:
    """Run a command line, with nothing of ours in the environment but `home` and `more`."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("TRUCE_", "KAFKA_"))]:
            patch.delenv(name)
        for name, value in {"TRUCE_HOME": str(home), **more}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["truce", *words])
        patch.chdir(ROOT)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    return Said(ended.value.code, out.getvalue(), err.getvalue())
