from okube.worker.runtime.naming import container_name, labels_of, volume_name
from tests.unit.worker.runtime.builders import a_task


def test_a_containers_name_is_made_of_the_clusters_and_the_tasks_id() -> None:
    assert container_name("0123456789abcdef", "t1") == "okube-01234567-t1"


def test_a_volume_belongs_to_its_cluster() -> None:
    assert volume_name("0123456789abcdef", "data") != volume_name("fedcba9876543210", "data")


def test_labels_say_whose_a_container_is() -> None:
    assert labels_of(a_task(app="shop"), cluster_id="c1", node="w1") == {
        "okube.cluster": "c1",
        "okube.node": "w1",
        "okube.task": "t1",
        "okube.service": "web",
        "okube.slot": "2",
        "okube.app": "shop",
    }


def test_a_service_without_an_app_has_an_empty_label() -> None:
    assert labels_of(a_task(), cluster_id="c1", node="w1")["okube.app"] == ""
