"""Which node takes which task: filters, scores and placement on arrays, without clock, chance or I/O."""

from okube.scheduler.groups import PortRequest, TaskGroup
from okube.scheduler.nodes import NodeTable
from okube.scheduler.placement import PlacedTask, Placement, Rejection, place, place_in_slices

__all__ = ["NodeTable", "PlacedTask", "Placement", "PortRequest", "Rejection", "TaskGroup", "place", "place_in_slices"]
