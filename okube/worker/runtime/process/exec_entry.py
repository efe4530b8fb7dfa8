"""Becomes a command within a task that runs: in its groups, its working directory, its environment.

A script of its own, ``python -I -S exec_entry.py FOLDER REPORT_FD TTY DATA_LIMIT [CGROUP_PROCS...] -- COMMAND...``, in
a session of its own and with its input and output in place. On REPORT_FD it says ``gone`` (the task has ended) or an
errno (the command cannot be run), and nothing when all went well: then the descriptor is closed. TTY is ``tty`` where
the standard input is to be its terminal.
"""

import _signal  # type: ignore[import-not-found]  # as signal, without its enums
import fcntl
import os
import resource
import sys
import termios

__all__ = ["main"]


def main(argv: list[str]) -> None:
    """Turn into the command; does not return."""
    folder, report, tty, data_limit, *rest = argv[1:]
    split = rest.index("--")
    os.set_inheritable(int(report), False)
    _enter(folder, int(report), rest[:split])
    try:
        _be_ordinary()
        if int(data_limit):
            resource.setrlimit(resource.RLIMIT_DATA, (int(data_limit), int(data_limit)))
        environ = _environ()
        if tty:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            environ.setdefault(b"TERM", b"xterm")
        os.chdir("work")
        for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
            _signal.signal(number, _signal.SIG_DFL)
        os.execvpe(rest[split + 1], rest[split + 1 :], environ)
    except OSError as error:
        os.write(int(report), str(error.errno).encode())
    finally:
        os._exit(127)


def _environ() -> dict[bytes, bytes]:
    with open("environ", "rb") as variables:
        text = variables.read()
    if os.path.lexists("given"):  # as the shim does it for the task itself
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("given/environ", "rb") as variables:
            text += variables.read()
    return dict(item.split(b"=", 1) for item in text.split(b"\0")[:-1])


def _be_ordinary() -> None:
    try:
        with open("/proc/self/oom_score_adj", "w") as score:  # as the shim does it for the task itself
            score.write("0")
        if os.getpriority(os.PRIO_PROCESS, 0) < 0:
            os.setpriority(os.PRIO_PROCESS, 0, 0)
    except OSError:
        pass


def _enter(folder: str, report: int, procs_files: list[str]) -> None:
    try:
        os.chdir(folder)
        for path in procs_files:
            with open(path, "w") as procs:
                procs.write("0")
    except OSError:
        os.write(report, b"gone")
        os._exit(127)


if __name__ == "__main__":
    main(sys.argv)
