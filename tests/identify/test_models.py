"""Which model identifies."""

from pathlib import Path

import numpy as np
import pytest

from hyperrl.identify.dynamics_model import DynamicsModel
from hyperrl.identify.models import choose_model
from hyperrl.store import Run
from hyperrl.tasks import Family
from tests.identify.cases import recorded
from tests.runs import message, untrained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return untrained(tmp_path_factory.mktemp("runs") / "run", "hyper-ppo", "ode")


def test_a_family_in_arrays_has_its_own_dynamics(run: Run) -> None:
    for name in (None, "dynamics"):
        found = choose_model(run, Family.load("ode"), name)
        assert (found.name, found.power) == ("dynamics", 1.0)
        assert isinstance(found.predictor(recorded("ode", {"c0": 2.0})), DynamicsModel)


def test_what_there_is_not_is_refused_before_any_data(run: Run, tmp_path: Path) -> None:
    acrobot = Family.load("acrobot")
    assert "do not advance as arrays; allowed: 'learned'" in message(choose_model, run, acrobot, "dynamics")
    for family, name in ((acrobot, None), (Family.load("ode"), "learned")):
        assert "has no forward model; fit one by" in message(choose_model, run, family, name)


def test_a_forward_model_is_read_once(run: Run) -> None:
    from hyperrl.api import fit_forward_model
    from hyperrl.identify.forward_files import FOLDER

    fitted = fit_forward_model(run, transitions=400, updates=5)
    found = choose_model(run, Family.load("ode"), "learned")
    (run.path / FOLDER / "model.yaml").unlink()
    assert (found.name, found.power) == ("learned", fitted.power)
    data = recorded("ode", {"c0": 2.0})
    assert found.predictor(data).predict(np.array([[1.0]])).shape[:2] == (1, len(data))
