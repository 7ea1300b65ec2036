import pytest

from hyperrl.analysis.initialization_check import ProbeBatch, gather
from tests.analysis.policies import ODE


@pytest.fixture(scope="module")
def batch() -> ProbeBatch:
    return gather(ODE)
