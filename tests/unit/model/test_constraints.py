import pytest

from okube.model.constraints import Operator, contradictions, parse_constraint


@pytest.mark.parametrize(
    ("text", "attribute", "operator", "value"),
    [
        ("node.labels.disk == ssd", "node.labels.disk", Operator.IS, "ssd"),
        ("node.zone!=rack-b", "node.zone", Operator.IS_NOT, "rack-b"),
        ("  node.name ==  w1 ", "node.name", Operator.IS, "w1"),
        ("node.role == worker", "node.role", Operator.IS, "worker"),
        ("node.runtime == docker", "node.runtime", Operator.IS, "docker"),
        ("node.region == eu", "node.region", Operator.IS, "eu"),
        ("node.rack != a-1", "node.rack", Operator.IS_NOT, "a-1"),
        ("node.platform == linux/arm64", "node.platform", Operator.IS, "linux/arm64"),
        ("node.labels.okube.io/gpu == a100 80G", "node.labels.okube.io/gpu", Operator.IS, "a100 80G"),
    ],
)
def test_a_constraint_is_read_into_its_three_parts(text: str, attribute: str, operator: Operator, value: str) -> None:
    constraint = parse_constraint(text)

    assert (constraint.attribute, constraint.operator, constraint.value) == (attribute, operator, value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "compares nothing"),
        ("node.zone", "compares nothing"),
        ("node.zone = rack-a", "compares nothing"),
        ("node.zone > 3", "compares nothing"),
        ("node.disk == ssd", "node.name, node.region, node.zone, node.rack, node.role, node.runtime"),
        ("zone == a", "does not begin with an attribute"),
        ("== a", "does not begin with an attribute"),
        ("node.labels. == a", "does not begin with an attribute"),
        ("node.labels.a b == c", "does not begin with an attribute"),
        ("node.zone ==", "no value after =="),
        ("node.zone !=  ", "no value after !="),
        ("node.zone === a", "more than one operator"),
        ("node.zone == a == b", "more than one operator"),
        ("node.zone == a != b", "more than one operator"),
        ('node.zone == "a"', "bare value"),
        ("node.zone == a\nb", "bare value"),
    ],
)
def test_a_constraint_that_cannot_be_read_is_refused_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r"^constraint ") as refused:
        parse_constraint(text)

    assert complaint in str(refused.value)


def test_a_constraint_reads_back_as_it_is_usually_written() -> None:
    assert str(parse_constraint("node.labels.disk==ssd")) == "node.labels.disk == ssd"


def test_an_unknown_label_is_empty_so_only_unequal_holds() -> None:
    assert not parse_constraint("node.labels.disk == ssd").allows("")
    assert parse_constraint("node.labels.disk != ssd").allows("")


def test_case_counts_in_values() -> None:
    assert not parse_constraint("node.labels.disk == ssd").allows("SSD")


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([], []),
        (["node.zone == a", "node.zone==a", "node.zone != b", "node.rack == r"], []),
        (["node.zone != a", "node.zone != b"], []),
        (["node.zone == a", "node.role == worker", "node.zone == b"], [(2, "both node.zone == a and node.zone == b")]),
        (["node.zone == a", "node.zone != a"], [(1, "be and not be a in node.zone")]),
        (["node.labels.x != a", "node.labels.x == a"], [(1, "be and not be a in node.labels.x")]),
    ],
)
def test_constraints_that_no_node_can_meet_together_are_found(texts: list[str], found: list[tuple[int, str]]) -> None:
    told = list(contradictions(texts))
    assert len(told) == len(found)
    for (place, sentence), (where, part) in zip(told, found, strict=True):
        assert place == where
        assert part in sentence
