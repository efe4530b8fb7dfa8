"""This machine as one of the cluster's: commands run here, without SSH."""

import asyncio
import os
from collections.abc import Sequence

from okube.install.remote import USUAL_S, MachineUnreachable, Remote, Result

__all__ = ["LocalRemote"]


class LocalRemote(Remote):
    """Runs commands here, with sudo where this is not root.

    Args:
        before: words that stand before every command, such as those that enter another root folder.
    """

    def __init__(self, before: Sequence[str] | None = None) -> None:
        self._before = tuple(before if before is not None else (() if os.geteuid() == 0 else ("sudo", "-n", "--")))

    async def run(self, words: Sequence[str], stdin: bytes = b"", *, timeout_s: float = USUAL_S) -> Result:
        """As ``Remote`` has it; a command that takes too long is ended."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._before,
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            return Result(127, b"", f"{words[0]}: {error.strerror}".encode())
        try:
            async with asyncio.timeout(timeout_s):
                out, err = await process.communicate(stdin)
        except TimeoutError:
            raise MachineUnreachable(f"{words[0]} did not end within {timeout_s:g} s on this machine") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Result(process.returncode or 0, out, err)

    async def close(self) -> None:
        """Nothing is open."""
