"""MLflow: what its client is given, and that a database has it where the package is installed."""

import csv
import json
import os
import signal
from pathlib import Path

import pytest

from hyperrl.store import Run
from hyperrl.training.telemetry.hparams import hyperparameters
from hyperrl.training.trackers import IDENTIFIERS
from hyperrl.training.trackers.mlflow import MLflowTracker, metric_name
from tests.runs import SMALL, untrained
from tests.suite import needs
from tests.training.trackers.fakes import FakeMlflow
from tests.training.trackers.real import stopped


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return untrained(tmp_path / "run", "hyper-ppo", "ode", SMALL, seed=3)


def test_it_writes_to_a_database_in_the_runs_folder_with_the_recipe_as_params(
    run: Run, mlflow: FakeMlflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    identifier = MLflowTracker(Run(Path("run"), run.spec)).open(None)
    assert mlflow.uris == [f"sqlite:///{tmp_path}/run/mlflow.db"]
    assert mlflow.experiments == {"hyperrl": "0"}
    assert mlflow.names == {identifier: "hyper-ppo on ode, seed 3"}
    fields = hyperparameters(run.spec.agent) | {"family": "ode", "seed": 3}
    assert mlflow.params[identifier] == {name: str(value) for name, value in fields.items()}
    assert mlflow.params[identifier]["algorithm.n_steps"] == "16"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_what_the_user_sets_wins(run: Run, mlflow: FakeMlflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    MLflowTracker(run).open(None)
    assert (mlflow.uris, mlflow.experiments) == (["http://server:5000"], {"mine": "0"})
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"


def test_a_run_goes_on_in_the_same_one_or_where_it_is_unknown_in_a_new_one(
    run: Run, mlflow: FakeMlflow
) -> None:
    first = MLflowTracker(run).open(None)
    again = MLflowTracker(run)
    assert again.open(first) == first
    again.close("failed")
    assert MLflowTracker(run).open("elsewhere") not in (first, "elsewhere")
    assert mlflow.statuses[first] == ["RUNNING", "RUNNING", "FAILED"]
    assert mlflow.experiments == {"hyperrl": "0"}


def test_many_values_are_handed_over_in_parts(run: Run, mlflow: FakeMlflow) -> None:
    tracker = MLflowTracker(run)
    identifier = tracker.open(None)
    values = {f"train_task/c0={number}": float(number) for number in range(2500)}
    tracker.log(values, 8)
    assert mlflow.rows[identifier][8] == {metric_name(tag): value for tag, value in values.items()}


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("zero_shot/train", "zero_shot/train"),
        ("train_task/c0=-5,c1=1e-05", "train_task/c0:-5_c1:1e-05"),
        ("weights/actor.0.weight/norm", "weights/actor.0.weight/norm"),
        ("share [%] (of all)", "share ___ _of all_"),
    ],
)
def test_names_are_such_as_mlflow_takes(tag: str, name: str) -> None:
    assert metric_name(tag) == name


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@needs("mlflow")
def test_a_run_that_is_interrupted_and_resumed_loses_nothing(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    path = stopped(tmp_path / "run", "mlflow", stop=signal.SIGINT)
    identifier = json.loads((path / IDENTIFIERS).read_text())["mlflow"]
    for status in ("KILLED", "FINISHED"):
        client = MlflowClient(tracking_uri=f"sqlite:///{path}/mlflow.db")
        tracked = client.get_run(identifier)
        assert (tracked.info.status, tracked.data.params["algorithm.n_steps"]) == (status, "64")
        table = list(csv.DictReader((path / "progress.csv").read_text().splitlines()))
        for tag in table[0].keys() - {"step"}:
            points = client.get_metric_history(identifier, metric_name(tag))
            expected = {(int(row["step"]), float(row[tag])) for row in table if row[tag]}
            assert expected <= {(point.step, point.value) for point in points}
        if status == "KILLED":
            stopped(path, "mlflow", resumed=True)
    assert json.loads((path / "status.json").read_text())["state"] == "finished"
