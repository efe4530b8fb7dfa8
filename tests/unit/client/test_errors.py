import json

import pytest

from okube.client.errors import AgentUnreachable, error_of
from okube.model.errors import Conflict, Defect, FieldError, InvalidInput, NoQuorum, NotFound, OkubeError, StaleEpoch


def _problem(kind: str, **fields: object) -> bytes:
    return json.dumps({"type": f"urn:okube:error:{kind}", "detail": "a sentence", **fields}).encode()


def test_a_problem_becomes_the_error_it_was() -> None:
    error = error_of(422, _problem("invalid", errors=[{"path": "ports[0]", "message": "is missing"}]))
    assert type(error) is InvalidInput
    assert error.detail == "a sentence"
    assert error.errors == (FieldError("ports[0]", "is missing"),)


def test_the_kind_decides_where_several_share_a_status() -> None:
    assert type(error_of(409, _problem("stale-epoch"))) is StaleEpoch
    assert type(error_of(409, _problem("conflict"))) is Conflict


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (503, NoQuorum), (500, Defect), (418, Defect), (409, Conflict)]
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff\xfe", b'{"type": 7}'])
def test_an_answer_without_a_problem_is_told_by_its_status(status: int, kind: type[OkubeError], body: bytes) -> None:
    error = error_of(status, body)
    assert type(error) is kind
    assert str(status) in error.detail


def test_a_kind_of_a_newer_version_is_told_by_its_status() -> None:
    assert type(error_of(409, _problem("from-the-future"))) is Conflict


def test_a_node_that_a_manager_cannot_reach_is_not_an_unreachable_cluster() -> None:
    assert type(error_of(502, _problem("unreachable"))) is AgentUnreachable
