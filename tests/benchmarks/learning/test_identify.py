"""Each task is identified by either model, as it is and with noise."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import identify


@pytest.mark.parametrize("model", identify.MODELS)
def test_a_result_has_estimates_and_intervals(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--families", "ode", "--models", model, "--seeds", "7", "--tasks", "2", "--particles", "50"]
    assert identify.main([*command, "--updates", "5", "--results", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "ode" / model / "seed-7.json").read_text())
    tasks = np.array(result["tasks"])
    assert (tasks.shape, result["features"], result["choices"]) == ((2, 1), ["c0"], [False])
    for condition in ("exact", "noisy"):
        rows = result["conditions"][condition]
        estimates = np.array([row["estimate"] for row in rows])
        narrow, wide = (np.array([row[level] for row in rows]) for level in ("0.5", "0.9"))
        assert (wide[..., 0] <= narrow[..., 0]).all()
        assert (narrow[..., 1] <= wide[..., 1]).all()
        if model == "dynamics":
            np.testing.assert_allclose(estimates, tasks, atol=1e-4 if condition == "exact" else 0.5)
    assert capsys.readouterr().out.startswith(f"ode {model} seed 7: exact: c0 ")


def test_noise_is_shared_by_what_both_rows_observe() -> None:
    from tests.identify.cases import recorded

    plain = recorded("pendulum", {})
    noisy = identify.with_noise(plain, 0.02, np.random.default_rng(0))
    np.testing.assert_array_equal(noisy.observations["obs"][1:], noisy.next_observations["obs"][:-1])
    error = (noisy.observations["obs"] - plain.observations["obs"]).std(axis=0)
    np.testing.assert_allclose(error / plain.observations["obs"].std(axis=0), 0.02, rtol=0.4)


def test_products_of_features() -> None:
    values = np.array([[2.0, 3.0, 9.0]])
    (powers,) = [identify.COMBINATIONS["pendulum"]["m l^2"]]
    assert identify.product(values, ["m", "l", "g"], powers).tolist() == [18.0]
