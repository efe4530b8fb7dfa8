"""A pytest plugin that switches the guard off which OKUBE_MUTANT names: ``pytest -p tests.mutants.plugin``."""

import os

import pytest

__all__ = ["pytest_configure", "pytest_unconfigure"]

_patch = pytest.MonkeyPatch()


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is imported."""
    from tests.mutants.catalogue import MUTANTS

    name = os.environ["OKUBE_MUTANT"]
    next(mutant for mutant in MUTANTS if mutant.name == name).sabotage(_patch)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Afterwards."""
    _patch.undo()
