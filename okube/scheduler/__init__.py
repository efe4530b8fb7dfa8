"""Which node takes which task: filters, scores and placement on arrays, without clock, chance or I/O."""

from okube.scheduler.extensions import NO_EXTENSIONS, Extensions
from okube.scheduler.groups import CallRule, CompanyRule, PortRequest, TaskGroup
from okube.scheduler.nodes import NodeTable
from okube.scheduler.placement import PlacedTask, Placement, Rejection, place, place_in_slices
from okube.scheduler.policies import SPREAD, Policy, policy_of
from okube.scheduler.survey import Survey, survey

__all__ = [
    "NO_EXTENSIONS",
    "SPREAD",
    "CallRule",
    "CompanyRule",
    "Extensions",
    "NodeTable",
    "PlacedTask",
    "Placement",
    "Policy",
    "PortRequest",
    "Rejection",
    "Survey",
    "TaskGroup",
    "place",
    "place_in_slices",
    "policy_of",
    "survey",
]
