"""Runs uv with the arguments given: the one on the path, else one of our own, put into `.tools` first. Python alone is enough.

`python3 .ci/uv.py run truce demo`
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent / ".tools"
WANTED = "uv>=0.9,<1"
CANNOT = (
    "truce: there is no uv here, and it could not be fetched ({why}). Install uv itself, or pip or venv for this Python (Debian: "
    "python3-venv), and see that this machine reaches a Python package index; then try again."
)


def found() -> str | None:
    """Give the path of a uv that runs."""
    own = os.pathsep.join(str(HOME / folder) for folder in ("bin", "Scripts"))
    for uv in (shutil.which("uv"), shutil.which("uv", path=own)):
        if uv and _runs(uv, "--version"):  # what is on the path may be a shim of something that is not there
            return uv
    return None


def fetch() -> str:
    """Put uv into `.tools`, touching nothing else of this Python; exits with one sentence when that cannot be."""
    if sys.version_info < (3, 11):  # noqa: UP036  # this file is run by whatever Python there is
        sys.exit(
            f"truce: needs Python 3.11 or newer, and this is {sys.version.split()[0]}: name another one, as in make demo PYTHON=python3.12"
        )
    if _runs(sys.executable, "-m", "pip", "--version"):
        _do(sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(HOME), WANTED)  # a folder: never refused
    else:
        _do(sys.executable, "-m", "venv", str(HOME))
        _do(str(HOME / ("Scripts" if os.name == "nt" else "bin") / "python"), "-m", "pip", "install", "--quiet", WANTED)
    uv = found()
    if uv is None:
        sys.exit(CANNOT.format(why="what was fetched does not run"))
    return uv


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
        why = next((line for line in lines if "error" in line.lower() or "not available" in line), lines[0] if lines else "no reason given")
        sys.exit(CANNOT.format(why=why.rstrip(".")))


def main(arguments: list[str]) -> int:
    """Run uv; gives its exit code."""
    command = [found() or fetch(), *arguments]
    if os.name == "posix":
        os.execv(command[0], command)  # so that a signal to us is a signal to it
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
