"""What every call of the API needs: patience, keys that make repeats safe, pages, and errors as exceptions.

Objects are the JSON of the API as it is, decoded.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlencode

import msgspec

from okube.client.answer import Answer
from okube.client.attempt import Request
from okube.client.errors import GarbledAnswer, error_of
from okube.client.retry import Caller, Patience

__all__ = ["READS", "WRITES", "Calls", "Freshness", "Json", "Scalar", "pairs_of", "target_of"]

Json = dict[str, Any]
Scalar = str | int | bool | None

READS = Patience(deadline_s=10.0, refused_s=3.0)
WRITES = Patience(deadline_s=30.0, refused_s=5.0, last_try_s=6.0)
_PAGE = 1000


class Freshness(msgspec.Struct, frozen=True):
    """What a stale read was made of: one manager's state at a revision, and how old it may be (None: not known)."""

    manager: str
    revision: int | None
    age_s: float | None


class Calls:
    """Reads and writes of one user; what can be read and written is in the classes made of this one.

    Args:
        caller: sends requests to whichever manager serves them.
        stale: have reads answered by any living manager as it knows them, without asking the leader.
        reads: how long a read may take.
        writes: how long a write may take.
        new_key: makes idempotency keys: a new one for each write, kept over its retries.
        sleep: waits for that many seconds.
        while_waiting: is entered around each call that may take its whole time.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        stale: bool = False,
        reads: Patience = READS,
        writes: Patience = WRITES,
        new_key: Callable[[], str] = lambda: os.urandom(16).hex(),
        sleep: Callable[[float], None] = time.sleep,
        while_waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.caller = caller
        self.stale = stale
        self.freshness: Freshness | None = None
        self._reads = reads
        self._hurry_s: float | None = None
        self._writes = writes
        self._new_key = new_key
        self._sleep = sleep
        self._while_waiting = while_waiting

    def hurry(self, seconds: float | None) -> None:
        """Let no read take longer than this, for a caller who has little time left; None ends that."""
        self._hurry_s = seconds

    def close(self) -> None:
        """End the connection."""
        self.caller.close()

    def _list(self, path: str, query: Sequence[tuple[str, Scalar]]) -> list[Json]:
        return self._pages(path, query)[0]

    def _pages(self, path: str, query: Sequence[tuple[str, Scalar]]) -> tuple[list[Json], int]:
        """All pages of a list, and the revision of the first: later ones may hold what is newer."""
        found: list[Json] = []
        revision = 0
        token: str | None = None
        while True:
            answer = self._read(path, [*query, ("limit", _PAGE), ("continue", token)])
            if token is None:
                revision = _revision(answer) or 0
            found += self._objects(answer)
            token = answer.headers.get("okube-continue")
            if not token:
                return found, revision

    def _read(self, path: str, query: Sequence[tuple[str, Scalar]] = ()) -> Answer:
        target = target_of(path, [*query, ("stale", self.stale or None)])
        with self._while_waiting() if self._hurry_s is None else nullcontext():
            answer = self.caller.call(Request("GET", target), self._patience())
        if answer.status >= 400:
            raise error_of(answer.status, answer.body)
        if self.stale:
            self.freshness = _freshness(answer)
        return answer

    def _patience(self) -> Patience:
        if self._hurry_s is None:
            return self._reads
        return Patience(min(self._reads.deadline_s, self._hurry_s), min(self._reads.refused_s, self._hurry_s))

    def _write(
        self, method: str, path: str, body: object = None, *, if_match: int | None = None, key: str | None = None
    ) -> Answer:
        headers = [("Idempotency-Key", key or self._new_key())]
        if if_match is not None:
            headers.append(("If-Match", str(if_match)))
        encoded = b""
        if body is not None:
            headers.append(("Content-Type", "application/json"))
            encoded = msgspec.json.encode(body)
        with self._while_waiting():
            answer = self.caller.call(Request(method, path, tuple(headers), encoded), self._writes)
        if answer.status >= 400:
            raise error_of(answer.status, answer.body)
        return answer

    def _object(self, answer: Answer) -> Json:
        data = answer.json()
        if not isinstance(data, dict):
            raise _unexpected(answer)
        return data

    def _objects(self, answer: Answer) -> list[Json]:
        data = answer.json()
        if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
            raise _unexpected(answer)
        return data


def target_of(path: str, query: Sequence[tuple[str, Scalar]]) -> str:
    """The path with those of the pairs that are given (not None)."""
    given = [(key, "true" if value is True else str(value)) for key, value in query if value is not None]
    return f"{path}?{urlencode(given)}" if given else path


def pairs_of(given: Mapping[str, Scalar | Sequence[str]]) -> list[tuple[str, Scalar]]:
    """One pair for each value of each filter."""
    pairs: list[tuple[str, Scalar]] = []
    for name, value in given.items():
        if isinstance(value, str | int | bool) or value is None:
            pairs.append((name, value))
        else:
            pairs += [(name, one) for one in value]
    return pairs


def _revision(answer: Answer) -> int | None:
    text = answer.headers.get("okube-revision", "")
    return int(text) if text.isdigit() else None


def _freshness(answer: Answer) -> Freshness:
    age = answer.headers.get("okube-age", "")
    try:
        age_s = float(age)
    except ValueError:
        age_s = None
    return Freshness(str(answer.manager), _revision(answer), age_s)


def _unexpected(answer: Answer) -> GarbledAnswer:
    return GarbledAnswer(
        f"{answer.manager} answered {answer.status} with something that this version of Okube does not know; "
        "is it a manager of Okube, and of the same version?"
    )
