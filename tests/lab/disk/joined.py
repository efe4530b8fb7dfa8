"""What ``strace`` saw of a manager, joined with its own trace of frames: what was durable when a promise left.

strace writes each call when it begins, and its result when it ends; a thread goes on only after that. So whatever a
thread does because a sync has ended stands behind the end of that sync.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from okube.raft.records import MAGIC, Kind, Record, Term, Writer, read_records

__all__ = ["Frame", "Seen", "Strace", "frames_of", "promises"]

_BEGIN = re.compile(r"^(\d+) +(write|fdatasync)\(\d+<([^>]*)>(.*)$")
_END = re.compile(r"^(\d+) +<\.\.\. (write|fdatasync) resumed>.* = (-?\d+)")
_RESULT = re.compile(r" = (-?\d+)(?: \(.*\))?$")
_FRAME = re.compile(r'^, "(\w+) -> (\w+) (\w+) term=(\d+)(?: index=(\d+))?')
_END_S = 5.0
_PROMISES = ("Appended", "VoteGranted", "VoteRequest")


class Frame(NamedTuple):
    """A frame that left, and how much of the journal was durable then: bytes written since the trace began."""

    sender: str
    peer: str
    kind: str
    term: int
    entry: int | None
    durable: int


class Seen(NamedTuple):
    """All frames of a trace, and how many bytes the journal grew by."""

    frames: list[Frame]
    written: int


class Strace:
    """``strace`` on a process that runs, until `end`; what it writes to ``paths`` and syncs of them.

    ``inject`` is what becomes of its syncs, in strace's words.
    """

    def __init__(self, pid: int, output: Path, paths: Iterable[Path], *, inject: str = "") -> None:
        self._output = output
        watched = [word for path in paths for word in ("-P", str(path))]
        changed = ["-e", f"inject=fdatasync:{inject}"] if inject else []
        traced = ["-e", "trace=write,fdatasync", *changed, *watched]
        command = ["strace", "-f", "-y", "-s", "200", *traced, "-o", str(output), "-p", str(pid)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        said = self._process.stderr.readline()
        assert "attached" in said, said

    def end(self) -> list[str]:
        """Let go of the process, and return what was seen."""
        self._process.terminate()
        try:
            self._process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        return self._output.read_text(errors="replace").splitlines()


def frames_of(lines: Iterable[str]) -> Seen:
    """Follow a trace from its beginning to its end."""
    frames: list[Frame] = []
    written = durable = 0
    covers: dict[str, int] = {}  # by thread: what the sync under way will have made durable
    for pid, call, path, rest, result in _calls(lines):
        if call == "fdatasync" and result is None:
            covers[pid] = written
        elif call == "fdatasync":
            durable = max(durable, covers.pop(pid, 0)) if result == 0 else durable
        elif result is None and (found := _FRAME.match(rest)):
            sender, peer, kind, term, index = found.groups()
            frames.append(Frame(sender, peer, kind, int(term), None if index is None else int(index), durable))
        elif result is not None and path.endswith("/journal"):
            written += result
    return Seen(frames, written)


def _calls(lines: Iterable[str]) -> Iterator[tuple[str, str, str, str, int | None]]:
    """Each call twice: when it begins (result None) and when it ends."""
    paths: dict[str, str] = {}
    for line in lines:
        if begun := _BEGIN.match(line):
            pid, call, path, rest = begun.groups()
            paths[pid] = path
            yield pid, call, path, rest, None
            if ended := _RESULT.search(rest):
                yield pid, call, path, rest, int(ended.group(1))
        elif ended := _END.match(line):
            pid, call, result = ended.groups()
            yield pid, call, paths.get(pid, ""), "", int(result)


def promises(seen: Seen, journal: bytes) -> tuple[list[Frame], list[Frame]]:
    """The frames that promise something written while the trace ran, and those of them that left too early."""
    base = len(journal) - seen.written
    needs = _Needs(journal)
    depend = [(f, needs.of(f)) for f in seen.frames if f.kind in _PROMISES]
    depend = [(frame, needed) for frame, needed in depend if needed > base]
    return [frame for frame, _ in depend], [frame for frame, needed in depend if needed > base + frame.durable]


class _Needs:
    def __init__(self, journal: bytes) -> None:
        self._entries: dict[int, int] = {}
        self._terms: dict[int, int] = {}
        self._votes: dict[tuple[int, str | None], int] = {}
        for record, end in _with_ends(journal):
            if record.kind == Kind.TERM:
                said = msgspec.msgpack.decode(record.body, type=Term)
                self._terms.setdefault(said.term, end)
                self._votes.setdefault((said.term, said.vote), end)
            elif record.kind == Kind.ENTRY:
                self._entries.setdefault(int.from_bytes(record.body[:8], "little"), end)

    def of(self, frame: Frame) -> int:
        """How much of the journal must be durable before the frame may leave; 0: nothing that is in it."""
        if frame.kind == "VoteGranted":
            return self._votes[frame.term, frame.peer]
        if frame.kind == "VoteRequest":
            return self._votes[frame.term, frame.sender]
        entry = self._entries.get(frame.entry, 0) if frame.entry is not None else 0
        return max(entry, self._terms.get(frame.term, 0))


def _with_ends(journal: bytes) -> Iterator[tuple[Record, int]]:
    records, _ = read_records(journal)
    writer = Writer(len(MAGIC), 0)
    for record in records:
        writer.frame(record)
        yield record, writer.offset
