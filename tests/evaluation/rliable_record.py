"""Records what rliable finds: `python -m tests.evaluation.rliable_record` writes `rliable.json` beside it.

Run it where `rliable==1.2.0` and `pandas<3` are installed; the tests need neither. rliable draws from NumPy's
global generator, whatever `random_state` it is given, so that `numpy.random.seed` decides the draws.
"""

import importlib
import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("rliable.json")
SEED, REPS = 0, 2000


def scores() -> tuple[Any, Any]:
    """Two agents, five runs, six tasks; rounded, so that some are equal."""
    rng = np.random.default_rng(7)
    levels = np.array([0.1, 0.3, 0.5, 0.6, 0.8, 1.0])
    first = np.round(levels + rng.normal(0, 0.15, (5, 6)), 2)
    other = np.round(levels - 0.05 + rng.normal(0, 0.15, (5, 6)), 2)
    other[:2, 2] = first[:2, 2]
    return first, other


def record() -> dict[str, Any]:
    metrics, library = (importlib.import_module(f"rliable.{name}") for name in ("metrics", "library"))
    first, other = scores()
    thresholds = np.linspace(-0.5, 1.5, 21)

    def interval(data: Any, function: Callable[..., Any]) -> dict[str, Any]:
        np.random.seed(SEED)
        values, ends = library.get_interval_estimates(
            {"it": data}, lambda *each: np.array([function(*each)]), reps=REPS
        )
        return {"value": float(values["it"][0]), "interval": [float(end) for end in ends["it"][:, 0]]}

    def paired() -> dict[str, Any]:
        def gap(one: Any, two: Any) -> Any:
            return np.array([metrics.aggregate_iqm(one) - metrics.aggregate_iqm(two)])

        np.random.seed(SEED)
        ends = library.StratifiedBootstrap(first, other).conf_int(gap, reps=REPS, method="percentile")
        return {"value": float(gap(first, other)[0]), "interval": [float(end) for end in ends[:, 0]]}

    np.random.seed(SEED)
    shares, bands = library.create_performance_profile({"it": first}, thresholds, reps=REPS)
    packages = ("rliable", "arch", "numpy", "pandas", "scipy")
    return {
        "versions": {name: metadata.version(name) for name in packages},
        "seed": SEED,
        "reps": REPS,
        "first": first.tolist(),
        "other": other.tolist(),
        "iqm": interval(first, metrics.aggregate_iqm),
        "optimality_gap": interval(first, metrics.aggregate_optimality_gap),
        "probability_of_improvement": interval((first, other), metrics.probability_of_improvement),
        "paired_difference": paired(),
        "profile": {
            "thresholds": thresholds.tolist(), "share": shares["it"].tolist(), "band": bands["it"].tolist(),
        },
    }  # fmt: skip


if __name__ == "__main__":
    FILE.write_text(json.dumps(record()) + "\n")
