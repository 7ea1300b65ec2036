"""MLflow: scalars as a run's metrics, the recipe as its params."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from hyperrl.training.trackers.base import Outcome, Tracker

DATABASE = "mlflow.db"
"""The file of a run that holds its MLflow database, where no other one is named."""

_STATUS = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
_MOST_METRICS, _MOST_PARAMS = 1000, 100
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # A server that is gone is noticed in seconds, where MLflow would try for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
"""Settings of MLflow's that hold where the user has set none."""


class MLflowTracker(Tracker):
    """A run of MLflow, in a database of the run's folder unless `MLFLOW_TRACKING_URI` names another place.

    `MLFLOW_EXPERIMENT_NAME` names another experiment than `hyperrl`.
    """

    name = "mlflow"
    _client: Any
    _identifier: str

    def open(self, identifier: str | None) -> str:
        """Begin the run, or go on with it; a run that the database does not have begins anew."""
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        local = f"sqlite:///{(self.run.path / DATABASE).absolute()}"
        self._client = MlflowClient(tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", local))
        found = None if identifier is None else self._find(identifier)
        self._identifier = self._begin() if found is None else found
        return self._identifier

    def _find(self, identifier: str) -> str | None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.update_run(identifier, status="RUNNING")
        except MlflowException:
            return None
        return identifier

    def _begin(self) -> str:
        from mlflow.entities import Param

        from hyperrl.training.telemetry.hparams import hyperparameters  # takes a second to import

        spec, experiment = self.run.spec, os.environ.get("MLFLOW_EXPERIMENT_NAME", "hyperrl")
        existing = self._client.get_experiment_by_name(experiment)
        number = self._client.create_experiment(experiment) if existing is None else existing.experiment_id
        identifier: str = self._client.create_run(number, run_name=self.title).info.run_id
        fields = hyperparameters(spec.agent) | {"family": spec.family.name, "seed": spec.seed}
        params = [Param(metric_name(name), str(value)) for name, value in fields.items()]
        for batch in _batches(params, _MOST_PARAMS):
            self._client.log_batch(identifier, params=batch)
        return identifier

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Add a point to each metric."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(metric_name(name), value, now, step) for name, value in values.items()]
        for batch in _batches(metrics, _MOST_METRICS):
            self._client.log_batch(self._identifier, metrics=batch)

    def close(self, outcome: Outcome) -> None:
        """Note how the run ended."""
        self._client.set_terminated(self._identifier, status=_STATUS[outcome])


def metric_name(tag: str) -> str:
    """A tag as MLflow takes it: `train_task/c0:5_c1:-1` for `train_task/c0=5,c1=-1`."""
    return re.sub(r"[^\w.\- :/]", "_", tag.replace("=", ":"))


def _batches(items: Sequence[Any], most: int) -> list[list[Any]]:
    """The items in lists of at most so many."""
    return [list(items[first : first + most]) for first in range(0, len(items), most)]
