"""Stands between the agent and one task's processes: the agent may end, and they go on and nothing is forgotten.

A script of its own, ``python -I -S shim.py FOLDER LOG_BYTES LOG_FILES DATA_LIMIT OOM_FILE [CGROUP_PROCS...]``. It
starts the command of FOLDER (``argv`` and ``environ``, each NUL-terminated) in FOLDER/work, writes ``run`` before the
command's first instruction, keeps its output in ``log``, ``log.1``, …, and leaves ``exit`` when it has ended. On its
standard output it says how the start went: ``ok``, ``busy`` (another shim has this task), or ``errno N`` (the command
cannot be run).

Every task pays for this process in memory, so it imports only a few small modules, and nothing of Okube.
"""

# ruff: noqa: SIM105  (contextlib alone would cost a tenth of the shim's memory)

import _signal  # type: ignore[import-not-found]  # as signal, without its enums: half a megabyte less
import fcntl
import os
import resource
import select
import sys
import time

__all__ = ["Log", "main"]

_CHUNK = 64 << 10
_MAX_LINE = 64 << 10  # as lines.MAX_LINE_BYTES
_DRAIN_S = 1.0  # for output that is under way when the command has ended
_TRIES = 60  # a second apart, to write down the exit on a disk that is full


class Log:
    """The newest output in ``log``, older in ``log.1`` and so on; each line is ``MILLISECONDS o|e TEXT``."""

    def __init__(self, max_bytes: int, files: int) -> None:
        self._max_bytes = max_bytes
        self._files = files
        self._held = {b"o": b"", b"e": b""}
        self._open()

    def take(self, kind: bytes, chunk: bytes) -> None:
        """What was read of one stream."""
        lines = (self._held[kind] + chunk).split(b"\n")
        rest = lines.pop()
        while len(rest) > _MAX_LINE:
            lines.append(rest[:_MAX_LINE])
            rest = rest[_MAX_LINE:]
        self._held[kind] = rest
        self._write(kind, lines)

    def close(self) -> None:
        """Write what has no end of line yet."""
        for kind, rest in self._held.items():
            if rest:
                self._write(kind, [rest])
        os.close(self._fd)

    def _write(self, kind: bytes, lines: list[bytes]) -> None:
        now = time.time_ns() // 1_000_000
        records = [
            b"%d %s %s\n" % (now, kind, line[start : start + _MAX_LINE])
            for line in lines
            for start in range(0, len(line) or 1, _MAX_LINE)
        ]
        batch: list[bytes] = []
        size = self._size
        for record in records:
            if size and size + len(record) > self._max_bytes:
                self._put(b"".join(batch))
                self._rotate()
                batch, size = [], 0
            batch.append(record)
            size += len(record)
        self._put(b"".join(batch))

    def _put(self, batch: bytes) -> None:
        try:
            self._size += os.write(self._fd, batch)
        except OSError:
            pass  # a full disk costs output, not the task

    def _rotate(self) -> None:
        os.close(self._fd)
        names = ["log", *(f"log.{n}" for n in range(1, self._files))]
        for newer, older in zip(names[-2::-1], names[:0:-1], strict=True):
            if os.path.exists(newer):
                os.rename(newer, older)
        if self._files == 1:
            os.unlink("log")
        self._open()

    def _open(self) -> None:
        self._fd = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        self._size = os.fstat(self._fd).st_size


def main(argv: list[str]) -> None:
    """Start the command, stay until it has ended, and write down how."""
    folder, log_bytes, log_files, data_limit, oom_file, *procs_files = argv[1:]
    os.chdir(folder)
    if os.fork():
        os._exit(0)  # whoever started this waits for no child; the task's shim belongs to init
    for number in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM):
        _signal.signal(number, _signal.SIG_IGN)  # the shim goes after the command, never before
    lock = os.open("lock", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return _say("busy")
    log = Log(int(log_bytes), int(log_files))
    ooms = _count_ooms(oom_file)
    pid, out, err, errno = _launch(int(data_limit), procs_files)
    if errno:
        return _say(f"errno {errno}")
    _say("ok")
    _pump(log, pid, {out: b"o", err: b"e"}, procs_files)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    log.close()
    _write_exit(code if code >= 0 else 128 - code, oom=_count_ooms(oom_file) > ooms)


def _launch(data_limit: int, procs_files: list[str]) -> tuple[int, int, int, int]:
    """The command's pid and the ends of its output, or an errno: ``run`` is written before it may do anything."""
    (out, out_in), (err, err_in), (go, go_in), (report, report_in) = (os.pipe() for _ in range(4))
    pid = os.fork()
    if pid == 0:
        os.close(go_in)
        _become(go, report_in, out_in, err_in, data_limit, procs_files)
    for fd in (out_in, err_in, go, report_in):
        os.close(fd)
    with open("/proc/sys/kernel/random/boot_id") as boot:
        ids = f"{boot.read().strip()} {os.getpid()} {_start_of(os.getpid())} {pid} {_start_of(pid)}"
    _write("run", f"{ids} {time.time_ns() // 1_000_000}\n", durable=False)
    os.write(go_in, b"1")
    os.close(go_in)
    failure = os.read(report, 16)
    os.close(report)
    if failure:
        os.waitpid(pid, 0)
        os.unlink("run")
    return pid, out, err, int(failure or 0)


def _become(go: int, report: int, out: int, err: int, data_limit: int, procs_files: list[str]) -> None:
    """In the child: turn into the command. Does not return."""
    try:
        os.setsid()
        if not os.read(go, 1):
            os._exit(127)  # the shim died before it wrote down that this process exists
        for path in procs_files:
            with open(path, "w") as procs:
                procs.write("0")
        _be_ordinary()
        if data_limit:
            resource.setrlimit(resource.RLIMIT_DATA, (data_limit, data_limit))
        with open("argv", "rb") as words:
            argv = words.read().split(b"\0")[:-1]
        environ = _environ()
        os.chdir("work")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        for number in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM, _signal.SIGPIPE, _signal.SIGXFSZ):
            _signal.signal(number, _signal.SIG_DFL)
        os.execvpe(argv[0], argv, environ)
    except OSError as error:
        os.write(report, str(error.errno).encode())
    finally:
        os._exit(127)


def _environ() -> dict[bytes, bytes]:
    """The task's variables, and those that it is given in memory; who is given anything there leaves no core dump."""
    with open("environ", "rb") as variables:
        text = variables.read()
    if os.path.lexists("given"):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("given/environ", "rb") as variables:
            text += variables.read()
    return dict(item.split(b"=", 1) for item in text.split(b"\0")[:-1])


def _be_ordinary() -> None:
    """A task has no part in the standing of the agent: it may be killed for lack of memory, and waits as all do."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("0")
        if os.getpriority(os.PRIO_PROCESS, 0) < 0:
            os.setpriority(os.PRIO_PROCESS, 0, 0)
    except OSError:
        pass  # a machine that lets nobody change it


def _pump(log: Log, pid: int, streams: dict[int, bytes], procs_files: list[str]) -> None:
    """Carry output into the log until the command has ended; then end what it left behind."""
    ended = os.pidfd_open(pid)
    poller = select.poll()
    for fd in (ended, *streams):
        poller.register(fd, select.POLLIN)
    while True:
        ready = [fd for fd, _ in poller.poll()]
        if ended in ready:
            break
        _carry(log, poller, streams, ready)
    _kill_rest(pid, procs_files)  # before the command is reaped: its number still is its group's
    poller.unregister(ended)
    until = time.monotonic() + _DRAIN_S
    while streams and (left := until - time.monotonic()) > 0:
        _carry(log, poller, streams, [fd for fd, _ in poller.poll(left * 1000)])


def _carry(log: Log, poller: select.poll, streams: dict[int, bytes], ready: list[int]) -> None:
    for fd in ready:
        chunk = os.read(fd, _CHUNK)
        if chunk:
            log.take(streams[fd], chunk)
        else:
            poller.unregister(fd)
            os.close(fd)
            del streams[fd]


def _kill_rest(pid: int, procs_files: list[str]) -> None:
    _kill(-pid)
    for path in procs_files[:1]:  # the same processes are in each
        with open(path) as procs:
            for line in procs.readlines():
                _kill(int(line))


def _kill(pid: int) -> None:
    try:
        os.kill(pid, _signal.SIGKILL)  # a negative number is a group
    except OSError:
        pass  # nobody is left


def _count_ooms(path: str) -> int:
    if not path:
        return 0
    with open(path) as counters:
        return sum(int(line.split()[1]) for line in counters if line.startswith("oom_kill "))


def _start_of(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[19]


def _write_exit(code: int, *, oom: bool) -> None:
    ended_ms = time.time_ns() // 1_000_000
    for _ in range(_TRIES):
        try:
            return _write("exit", f"{code} {ended_ms} {int(oom)}\n", durable=True)
        except OSError:
            time.sleep(1)


def _write(name: str, text: str, *, durable: bool) -> None:
    with open(f"{name}.new", "w") as file:
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.rename(f"{name}.new", name)


def _say(text: str) -> None:
    """Tell how the start went, and let go of whoever waits for it."""
    try:
        os.write(1, text.encode())
    except OSError:
        pass  # nobody waits any more
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


if __name__ == "__main__":
    main(sys.argv)
