"""The edge where a vendor's answer may have any shape: what stumbles over it becomes an error that says what happens next.

A connector reads answers as its vendor documents them. One that is valid JSON and yet something else ends in a KeyError or a TypeError
somewhere inside; here it becomes `Surprising`, or, where something was written, an outcome that is not known. Every Source and Sink has it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any

from connectors.errors import ConnectorError, Surprising, Unavailable

STUMBLES = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)
"""What code raises that takes a value for another kind of value."""


def place(error: BaseException) -> str:
    """Say what was raised and where, as `KeyError at client.py:178`: never with the value, which the error's own text may quote."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2] if trace else ""
    where = f" at {file}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"


def told_of(error: Exception, *, wrote: bool) -> ConnectorError:
    """Say what happens next where code stumbled over an answer: after a write nobody knows what was done."""
    if wrote:
        return Unavailable(f"an answer that cannot be read, so that what was done is not known ({place(error)})", unknown_outcome=True)
    return Surprising(f"an answer that cannot be read ({place(error)})")


def _call(step: Callable[..., Awaitable[Any]], wrote: bool) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(step)
    async def guarded(*args: Any, **more: Any) -> Any:
        try:
            return await step(*args, **more)
        except STUMBLES as error:
            raise told_of(error, wrote=wrote) from None

    return guarded


def _pages(step: Callable[..., AsyncGenerator[Any, None]]) -> Callable[..., AsyncIterator[Any]]:
    @functools.wraps(step)
    async def guarded(*args: Any, **more: Any) -> AsyncIterator[Any]:
        async with aclosing(step(*args, **more)) as pages:
            while True:
                try:
                    page = await anext(pages)
                except StopAsyncIteration:
                    return
                except STUMBLES as error:
                    raise told_of(error, wrote=False) from None
                yield page

    return guarded


def guard(cls: type, *, reading: Iterable[str], writing: Iterable[str] = ()) -> None:
    """Put the edge around these methods, as far as the class has them itself."""
    for names, wrote in ((reading, False), (writing, True)):
        for name in names:
            if (step := cls.__dict__.get(name)) is not None:
                setattr(cls, name, _pages(step) if inspect.isasyncgenfunction(step) else _call(step, wrote))
