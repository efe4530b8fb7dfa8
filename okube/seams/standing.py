"""How the kernel treats a process of Okube: who is killed first, who waits longest, whose memory is never written out.

On small sites managers, agents and workloads share machines. When memory is short the kernel should take a task and not
the manager, and a busy task should not make a leader late. Both need rights that not everybody has; without them all
works as before, a little less safe.
"""

import ctypes
import logging
import os
import resource
from contextlib import suppress
from pathlib import Path

import msgspec

__all__ = ["AGENT", "MANAGER", "Standing", "leave_no_core", "take"]

_log = logging.getLogger(__name__)
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_AUTOGROUP = Path("/proc/self/autogroup")
_PR_SET_DUMPABLE = 4  # linux/prctl.h


class Standing(msgspec.Struct, frozen=True):
    """``oom_score_adj`` (-1000: never killed for lack of memory, 0: as any other), and ``nice`` (-20: first, 0).

    ``all_descriptors``: it may open as many as it can be allowed, so that strangers who connect to its ports by the
    thousand do not use them up. Not for who starts other programs: they would have it from it, and some cannot bear it.
    """

    oom_score_adj: int
    nice: int
    all_descriptors: bool = False


MANAGER = Standing(oom_score_adj=-900, nice=-10, all_descriptors=True)
AGENT = Standing(oom_score_adj=-500, nice=-5)


def take(standing: Standing) -> None:
    """Give this process a standing, before it has threads; as far as it may, and it never loses by it."""
    try:
        if int(_OOM_SCORE.read_text()) > standing.oom_score_adj:
            _OOM_SCORE.write_text(str(standing.oom_score_adj))
    except (OSError, ValueError) as error:
        _log.debug("oom_score_adj stays as it is: %s", error)
    with suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, 0) > standing.nice:
            os.setpriority(os.PRIO_PROCESS, 0, standing.nice)
    with suppress(OSError):
        if os.getsid(0) == os.getpid():  # Linux shares out its processors by sessions first, and then within each
            _AUTOGROUP.write_text(str(standing.nice))
    leave_no_core()
    if standing.all_descriptors:
        with suppress(OSError, ValueError):
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def leave_no_core() -> None:
    """See to it that the memory of this process, which holds keys and secrets, is never written to a file.

    The limit of 0 is for files; a program that the kernel pipes cores to does not hear of it, and so the process also
    counts as none to be dumped, nor to be looked into by others of the same user. Programs that it starts inherit the
    soft limit, and may raise it again.
    """
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
