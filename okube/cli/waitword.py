"""A word on stderr, once, where a command waits for an answer: what it waits for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from okube.client.api import OkubeClient
from okube.model.errors import OkubeError

__all__ = ["Word", "what_is_missing"]

_PROBE_S = 2.0


class Word:
    """Around calls to the managers; used by one thread.

    Args:
        look: finds out what is waited for, in a thread of its own.
        say: tells it.
        after_s: how long a call takes before a word is due.
    """

    def __init__(self, look: Callable[[], str], say: Callable[[str], None], after_s: float = 2.0) -> None:
        self._look = look
        self._say = say
        self._after_s = after_s
        self._lock = threading.Lock()
        self._call = 0
        self._waits = False
        self._said = False

    @contextmanager
    def around(self) -> Iterator[None]:
        """While a call goes on; nothing is said when it is over."""
        if self._said:
            yield
            return
        self._call += 1
        self._waits = True
        timer = threading.Timer(self._after_s, self._tell, (self._call,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._waits = False

    def _tell(self, call: int) -> None:
        sentence = self._look()
        with self._lock:
            if self._waits and self._call == call and not self._said:
                self._said = True
                self._say(sentence)


def what_is_missing(client: OkubeClient) -> str:
    """What an answer waits for, as a manager that lives knows it; the client is closed."""
    try:
        client.hurry(_PROBE_S)
        return _sentence(client.status())
    except OkubeError:
        return "waiting for an answer: no manager answers"
    finally:
        client.close()


def _sentence(status: dict[str, Any]) -> str:
    if status.get("quorum") is not False:
        return f"waiting for an answer: {status.get('leader') or 'a manager'} leads, and takes its time"
    said = status.get("managers")
    managers = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    living = sum(one.get("state") == "ready" for one in managers)
    return f"waiting for a leader: {living} of {len(managers)} managers {'answers' if living == 1 else 'answer'}"
