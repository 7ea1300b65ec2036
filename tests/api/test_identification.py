"""`identify` in Python."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl import api
from hyperrl.store import Run
from hyperrl.tasks import Family, contextualize
from hyperrl.tasks.dynamics import DoubleIntegratorEnv
from tests.identify.cases import arrays_of, recorded
from tests.runs import message, untrained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return untrained(tmp_path_factory.mktemp("runs") / "run", "hyper-ppo", "double-integrator")


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    return arrays_of(recorded("double-integrator", {"action_sign": -1, "mass": 0.8}))


def test_the_estimate_and_the_file_of_it(run: Run, data: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "new" / "estimate.json"
    found = api.identify(run, data, particles=100, out=path)
    assert found.context == pytest.approx({"action_sign": -1.0, "mass": 0.8}, rel=1e-4)
    assert (found.family, found.model, found.transitions) == ("double-integrator", "dynamics", (60, 60))
    written = json.loads(path.read_text())
    assert written == json.loads(json.dumps(found.to_json()))
    assert written["context"] == dict(found.context)
    assert written["features"]["mass"].keys() == {"estimate", "low", "high", "prior", "width"}
    assert written["features"]["action_sign"]["probabilities"] == [1.0, 0.0]
    assert written["file"] == str(path)
    assert "exists already" in message(api.identify, run, data, particles=100, out=path)
    again = api.identify(run, data, particles=100, out=path, force=True)
    assert again.to_json() == found.to_json()


def test_an_agent_that_stacks_and_normalizes_is_identified_by_raw_observations(
    tmp_path: Path, data: dict[str, Any]
) -> None:
    changes = ["frame_stack=3", "normalize=true", "wrappers=[TimeAwareObservation]"]
    run = untrained(tmp_path / "run", "hyper-ppo", "double-integrator", changes)
    assert api.identify(run, data, particles=100).context["mass"] == pytest.approx(0.8, rel=1e-4)


def test_more_transitions_than_are_used(run: Run, data: dict[str, Any]) -> None:
    found = api.identify(run, data, particles=50, transitions=20)
    assert found.transitions == (60, 20)
    assert found.context["mass"] == pytest.approx(0.8, rel=1e-3)


def test_an_estimate_outside_the_training_range_is_noted(run: Run) -> None:
    far = arrays_of(recorded("double-integrator", {"mass": 1.9}))
    found = api.identify(run, far, particles=50)
    assert found.notes == ("mass is estimated outside its training range, 0.5 to 1.5",)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"particles": 5}, "particles: found 5; allowed: a whole number from 50 to 100,000"),
        ({"transitions": 0}, "transitions: found 0; allowed: a whole number from 10"),
        ({"level": 1}, "level: found 1; allowed: a number above 0 and below 1"),
        ({"level": "high"}, "level: found 'high'"),
        ({"seed": -1}, "seed: found -1"),
        ({"within": None}, "within: found None; allowed: 'declared', 'training'"),
        ({"model": "dynamic"}, "model: found 'dynamic'; did you mean 'dynamics'?"),
        ({"data": 3}, "data: found 3; allowed: the path of a .csv or .npz file"),
        ({"out": "estimate.txt"}, "out 'estimate.txt': found the ending '.txt'; allowed: .json"),
        ({"out": "/proc/none/x.json"}, "out '/proc/none/x.json': cannot be written"),
    ],
)
def test_mistakes(run: Run, data: dict[str, Any], options: dict[str, Any], says: str) -> None:
    assert message(api.identify, **{"run": run, "data": data, **options}).startswith(says)


def test_a_family_without_arrays_is_refused(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "acrobot")
    data = {"obs": np.zeros((20, 6)), "action": np.zeros(20)}
    said = message(api.identify, run, data, model="dynamics")
    assert "'acrobot', whose environments do not advance as arrays; allowed: 'learned'" in said
    assert "has no forward model; fit one by hyperrl.api.fit_forward_model(run)" in message(
        api.identify, run, data
    )


def test_a_family_made_in_python_must_be_passed_again(tmp_path: Path, data: dict[str, Any]) -> None:
    family = contextualize(
        DoubleIntegratorEnv, {"mass": {"train": [0.5, 1.5], "default": 1.0}}, name="mine", max_steps=20
    )
    run = untrained(tmp_path / "other", "hyper-ppo", "double-integrator")
    assert re.search("was trained on another family", message(api.identify, run, data, family=family))
    same = Family.load("double-integrator")
    assert api.identify(run, data, particles=50, family=same).context["action_sign"] == -1


def test_a_forward_model_is_fitted_and_used(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "hyper-ppo", "ode", ["policy.net_arch=[4]", "frame_stack=2"])
    spec = api.fit_forward_model(run, transitions=400, updates=20)
    assert (spec.family, spec.updates) == ("ode", 20)
    assert spec.transitions >= 800  # random actions, and the agent's own
    data = arrays_of(recorded("ode", {"c0": 3.0}))
    found = api.identify(run, data, model="learned", particles=50, within="training")
    assert (found.model, set(found.features)) == ("learned", {"c0"})
    assert "updates: found 0" in message(api.fit_forward_model, run, updates=0)
