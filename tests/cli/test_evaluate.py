"""`hyperrl evaluate`: every option reaches the Python function that does the work."""

import pytest

from hyperrl.store import Run
from tests.cli.calls import arguments_of, assert_defaults
from tests.store.conftest import run, spec

__all__ = ["run", "spec"]


def test_evaluate(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    plain = arguments_of(monkeypatch, "evaluate", run.path)
    assert (plain[""], len(plain)) == (([str(run.path)],), 19)
    assert_defaults("evaluate", plain)
    given = arguments_of(
        monkeypatch, "evaluate", run.path, run.path, "--split", "validation", "--split", "train",
        "--context", "c0=2", "--sweep", "c0=-1:1:3", "--episodes", 7, "--seed", 5, "--stochastic",
        "--hide", "c0", "--shuffle-contexts", "--context-error", "0.1,0.05", "--observation-noise", "0.2",
        "--uncertainty", "--index", "mean",
        "--schedule", "c0=jump:5", "--checkpoint", "128",
        "--worst", "regret", "--worst-within", "training", "--worst-budget", 500,
        "--allow-import", "one", "--allow-import", "two",
    )  # fmt: skip
    assert [*map(tuple, given.pop("sweep"))] == [("c0", -1.0, 1.0, 3)]
    assert given == {
        "": ([str(run.path)] * 2,), "splits": ["validation", "train"], "contexts": [{"c0": 2.0}],
        "episodes": 7, "seed": 5, "deterministic": False, "hidden": ["c0"], "shuffle_contexts": True,
        "uncertainty": True, "index": "mean",
        "context_error": [0.1, 0.05], "observation_noise": [0.2], "schedules": {"c0": "jump:5"},
        "checkpoint": "128", "allow_import": ["one", "two"],
        "worst": "regret", "worst_within": "training", "worst_budget": 500,
    }  # fmt: skip
