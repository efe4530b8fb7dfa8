"""Whether what clients saw of a store can be explained by one copy of it that does one thing at a time.

That is linearizability (Herlihy and Wing, 1990), checked key by key, which is enough: a history is linearizable if and
only if the part of each object is. A key holds one value, and can be read, written, and compared and set.

    recorder = Recorder(time.monotonic)
    call = recorder.begin("client-1", "key", "write", value=7)
    ...
    call.done()  # or call.failed() where it certainly had no effect; neither where nobody knows
    violation = check(recorder.operations)
    assert violation is None, str(violation)

``python -m tests.checker FILE`` checks a history that ``save`` has written.
"""

from tests.checker.check import Violation, check
from tests.checker.files import load, save
from tests.checker.operations import Kind, Operation, Value
from tests.checker.recorder import Call, Recorder
from tests.checker.search import Undecided

__all__ = ["Call", "Kind", "Operation", "Recorder", "Undecided", "Value", "Violation", "check", "load", "save"]
