"""Long work in parts: what yields between them may be done on a loop, where others get their turn in the pauses."""

import asyncio
from collections.abc import Generator
from typing import TypeVar

__all__ = ["at_once", "in_turns"]

T = TypeVar("T")


async def in_turns(work: Generator[None, None, T]) -> T:
    """The result of work that pauses now and then; others get their turn in the pauses."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
        await asyncio.sleep(0)


def at_once(work: Generator[None, None, T]) -> T:
    """The result of work that pauses now and then, without the pauses."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
