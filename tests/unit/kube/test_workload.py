import pytest

from okube.kube.protocol import Metadata
from okube.kube.workload import DEPENDS_ON, Service, dependencies_of, service_of
from okube.model.dependency import Dependency
from okube.model.errors import InvalidInput


def annotated(text: str) -> Metadata:
    return Metadata(name="web-1", labels={"okube.service": "web"}, annotations={DEPENDS_ON: text})


def test_the_labels_that_kubernetes_recommends_name_app_and_service_too() -> None:
    labels = {"app.kubernetes.io/name": "db", "app.kubernetes.io/part-of": "shop", "app": "other"}

    assert service_of(Metadata(namespace="prod", labels=labels)) == Service("prod", "shop", "db")


def test_our_own_labels_come_first() -> None:
    labels = {"app": "other", "okube.service": "db", "okube.app": "shop"}

    assert service_of(Metadata(labels=labels)) == Service("", "shop", "db")


def test_names_alone_are_dependencies_without_limits() -> None:
    assert dependencies_of(annotated("db, cache")) == (Dependency("db"), Dependency("cache"))


def test_limits_are_read_as_in_a_service_file() -> None:
    text = '[{"service": "db", "max_latency": "2ms", "min_bandwidth": "100M", "traffic": "10M"}, "cache"]'

    assert dependencies_of(annotated(text)) == (
        Dependency("db", max_latency=0.002, min_bandwidth=100_000_000, traffic=10_000_000),
        Dependency("cache"),
    )


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_annotation_is_none(text: str) -> None:
    assert dependencies_of(annotated(text)) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"service": "db"', "is no JSON"),
        ('[{"service": "db", "max_latency": "0ms"}]', "0 is no round trip"),
        ('[{"service": "db", "min_bandwidth": "-1M"}]', "is not a bandwidth"),
        ('[{"service": "db", "traffic": NaN}]', "is no JSON"),
        ('[{"service": "db", "condition": "ready"}]', "have an init container wait"),
        ("db, db", "named twice"),
        ("web", "cannot depend on itself"),
        ("My DB", "is not a name"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        dependencies_of(annotated(text))

    assert said in caught.value.detail
