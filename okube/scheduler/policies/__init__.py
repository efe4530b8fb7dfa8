"""Policies: scores of nodes, what they weigh, and where tasks go by them."""

from okube.scheduler.policies.policy import POLICY_WEIGHTS, SCORES, SPREAD, Policy, Term, policy_of
from okube.scheduler.policies.price import weighted_costs, whole_costs
from okube.scheduler.policies.score import Reach, Score
from okube.scheduler.policies.weighing import Weighing

__all__ = [
    "POLICY_WEIGHTS",
    "SCORES",
    "SPREAD",
    "Policy",
    "Reach",
    "Score",
    "Term",
    "Weighing",
    "policy_of",
    "weighted_costs",
    "whole_costs",
]
