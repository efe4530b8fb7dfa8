"""What managers answer when they refuse, back into the errors of the vocabulary."""

import msgspec

from okube.model import errors as vocabulary
from okube.model.errors import Defect, FieldError, OkubeError

__all__ = ["RETRIED", "AgentUnreachable", "GarbledAnswer", "error_of"]

RETRIED = frozenset({429, 503, 504})
"""Statuses after which the same request, with the same key, is sent again."""

_TYPE = "urn:okube:error:"
_BY_KIND = {cls.kind: cls for cls in vars(vocabulary).values() if isinstance(cls, type) and issubclass(cls, OkubeError)}


class GarbledAnswer(OkubeError):
    """Something answered, and not as a manager does: another program, or a proxy between."""

    kind = "garbled-answer"


class AgentUnreachable(OkubeError):
    """A manager answered, and could not reach the node that has what was asked for (502)."""

    kind = "agent-unreachable"


_BY_STATUS: dict[int, type[OkubeError]] = {
    400: vocabulary.Malformed,
    401: vocabulary.Unauthorized,
    403: vocabulary.Forbidden,
    404: vocabulary.NotFound,
    408: vocabulary.TooSlow,
    409: vocabulary.Conflict,
    410: vocabulary.Gone,
    413: vocabulary.TooLarge,
    415: vocabulary.UnknownMedia,
    422: vocabulary.InvalidInput,
    429: vocabulary.SlowDown,
    502: AgentUnreachable,
    503: vocabulary.NoQuorum,
    504: vocabulary.OutcomeUnknown,
}


class _Problem(msgspec.Struct):
    type: str = ""
    title: str = ""
    detail: str = ""
    errors: list[FieldError] = []


def error_of(status: int, body: bytes) -> OkubeError:
    """The error that an answer tells of.

    Args:
        status: of HTTP, 400 or above.
        body: problem+json (RFC 9457), or whatever stood there instead.
    """
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        problem = _Problem()
    kind = problem.type.removeprefix(_TYPE)
    cls = _BY_STATUS[502] if status == 502 else _BY_KIND.get(kind) or _BY_STATUS.get(status) or Defect
    detail = problem.detail or problem.title or f"the manager answered {status} and did not say why"
    return cls(detail, tuple(problem.errors))
