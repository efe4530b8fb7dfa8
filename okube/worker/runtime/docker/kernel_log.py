"""What the kernel wrote of containers that it killed for lack of memory: engines miss some of them.

An engine is told of such a kill by a notification of the container's control group, which races with that group's end.
On a busy machine Docker 20.10 (control groups v1) misses one in ten, and calls it a plain SIGKILL. The kernel's log
names the group that it killed in, and with it the container. Format of a record: Linux,
Documentation/ABI/testing/dev-kmsg.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["killed_for_memory"]

_LOG = Path("/dev/kmsg")
_RECORD_BYTES = 8192  # the kernel gives one record a read, and none is longer
_SLACK_S = 2.0  # between the clocks of kernel and engine


def killed_for_memory(container_id: str, ran_for_s: float, *, log: Path = _LOG, uptime_s: float | None = None) -> bool:
    """Whether the kernel killed in this container for lack of memory since it was started last.

    False as well where the log cannot be read. Blocks for some milliseconds.

    Args:
        container_id: in full.
        ran_for_s: how long ago it was started, in seconds.
        log: the kernel's log.
        uptime_s: what the log's clock shows now; the machine's unless given.
    """
    now_s = time.clock_gettime(time.CLOCK_MONOTONIC) if uptime_s is None else uptime_s
    since_us = (now_s - ran_for_s - _SLACK_S) * 1_000_000
    with suppress(OSError):
        return any(time_us >= since_us for time_us in _kills(log, container_id))
    return False


def _kills(log: Path, container_id: str) -> Iterator[int]:
    """When the kernel killed in the container, in microseconds of its clock."""
    for record in _records(log):
        header, _, message = record.partition(";")
        if message.startswith("oom-kill:") and container_id in message:
            fields = header.split(",")
            if len(fields) >= 3 and fields[2].isdigit():
                yield int(fields[2])


def _records(log: Path) -> Iterator[str]:
    descriptor = os.open(log, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while True:
            try:
                data = os.read(descriptor, _RECORD_BYTES)
            except BlockingIOError:
                return  # that was the newest
            except BrokenPipeError:
                continue  # the oldest records were just overwritten
            if not data:
                return
            yield from data.decode(errors="replace").splitlines()
    finally:
        os.close(descriptor)
