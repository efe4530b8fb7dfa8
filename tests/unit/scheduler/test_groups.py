import math

import pytest

from okube.scheduler import TaskGroup


@pytest.mark.parametrize("cpus", [-1.0, math.nan, math.inf])
def test_an_impossible_number_of_cores_is_refused(cpus: float) -> None:
    with pytest.raises(ValueError, match="service web asks for cpus"):
        TaskGroup(service="web", tasks=("t",), cpus=cpus)


def test_a_negative_or_endless_amount_of_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="service web asks for memory -1"):
        TaskGroup(service="web", tasks=("t",), memory=-1)
    with pytest.raises(ValueError, match="service web asks for disk"):
        TaskGroup(service="web", tasks=("t",), disk=2**70)
