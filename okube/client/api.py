"""The HTTP API of the managers as methods of Python: one for each thing that can be done.

Objects are the JSON of the API as it is, decoded; its shapes are those of ``okube.model``'s views.
"""

from okube.client.access import Access
from okube.client.controlplane import ControlPlane
from okube.client.foresight import Foresight
from okube.client.workloads import Workloads

__all__ = ["OkubeClient"]


class OkubeClient(Workloads, Foresight, Access, ControlPlane):
    """One user's connection to a cluster; not for several threads at once.

    Every method raises the errors of ``okube.model.errors``: what the cluster refuses as it says (``NotFound``,
    ``Conflict``, ``InvalidInput``, ...), ``Unreachable`` and ``NoQuorum`` where nobody can serve it now, and
    ``OutcomeUnknown`` where a write may or may not have happened. It is made as ``Calls`` is.
    """
