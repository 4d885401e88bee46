"""Why a role must stop: with what exit code, and what a person should do."""

from __future__ import annotations


class Halt(Exception):
    """Stop the role; `code` 1: a restart may help, 2: only a person can."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
