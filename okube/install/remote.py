"""A machine on which commands are run as root: the seam between what is decided and where it is done."""

import os
import shlex
from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

from okube.model.errors import OkubeError

__all__ = ["CommandFailed", "MachineUnreachable", "Remote", "Result"]

USUAL_S = 60.0
_PUT_S = 600.0
_TAIL_LINES = 4


class MachineUnreachable(OkubeError):
    """A machine does not answer over SSH, does not let us in, or the connection to it was lost."""

    kind = "machine-unreachable"


class CommandFailed(OkubeError):
    """A command on a machine ended with an error."""

    kind = "command-failed"


class Result(msgspec.Struct, frozen=True):
    """How a command ended: its exit status, and what it wrote."""

    status: int
    out: bytes = b""
    err: bytes = b""

    def require(self, what: str) -> bytes:
        """What it wrote to stdout.

        Raises:
            CommandFailed: its status is not 0; ``what`` tells what it was to do.
        """
        if self.status == 0:
            return self.out
        lines = (self.err or self.out).decode("utf-8", "replace").strip().splitlines()[-_TAIL_LINES:]
        raise CommandFailed(f"{what} failed (exit status {self.status}): {' / '.join(lines) or 'it wrote nothing'}")


class Remote(ABC):
    """One machine. Every method raises MachineUnreachable where the connection does not hold."""

    @abstractmethod
    async def run(self, words: Sequence[str], stdin: bytes = b"", *, timeout_s: float = USUAL_S) -> Result:
        """Run a command to its end, as root, without a shell's reading of the words.

        Args:
            words: the program and its arguments.
            stdin: what it reads.
            timeout_s: seconds, after which the connection counts as lost.
        """

    @abstractmethod
    async def close(self) -> None:
        """End the connection; what was started there goes on."""

    async def put(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """Have a file on the machine, whole or not at all.

        Where the connection dies, what writes there sees an end of the data, and must not take it for all of it.

        Raises:
            CommandFailed: it cannot be written there.
        """
        beside = shlex.quote(f"{path}.part.{os.urandom(4).hex()}")
        whole = f'[ "$(wc -c < {beside})" -eq {len(data)} ]'
        script = (
            f"umask 077; cat > {beside} && {whole} && chmod {mode:o} {beside} && mv -f {beside} {shlex.quote(path)} "
            f"|| {{ rm -f {beside}; exit 1; }}"
        )
        result = await self.run(("sh", "-c", script), data, timeout_s=_PUT_S)
        result.require(f"writing {path}")
