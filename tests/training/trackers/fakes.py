"""Modules that stand for the packages of trackers, and record what they are given."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

Rows = dict[int, dict[str, float]]
"""Values by tag, by step."""


@dataclass
class FakeWandb:
    """What of wandb 0.31 is called: `init` gives a run with `log` and `finish`; what they are given."""

    begun: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[str, Rows] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)
    fails_at: int | None = None
    is_gone: bool = False

    def init(self, **arguments: Any) -> FakeWandb:
        self.begun.append(arguments)
        self.identifier = arguments["id"]
        logs = Path(arguments["dir"], "wandb", f"offline-run-{len(self.begun)}", "logs")
        logs.mkdir(parents=True)
        (logs / "debug-core.log").symlink_to(
            "/tmp/core-debug.log"
        )  # as wandb 0.31.0 does, symlink=False or not
        if self.is_gone:
            raise ConnectionError("no such host")
        return self

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        assert type(step) is int
        if self.fails_at is not None and step >= self.fails_at:
            raise ConnectionError("no such host:\n  api.wandb.ai")
        self.rows.setdefault(self.identifier, {}).setdefault(step, {}).update(values)

    def finish(self, *, exit_code: int) -> None:
        self.ends.append(exit_code)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        settings = SimpleNamespace  # keyword arguments alone
        install(patch, "wandb", init=self.init, Settings=settings)


class MlflowException(Exception):
    """As MLflow raises it."""


@dataclass
class FakeMlflow:
    """What of MLflow 3.17's client is called, with the store's own refusals."""

    experiments: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    params: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    statuses: dict[str, list[str]] = field(default_factory=dict)
    uris: list[str] = field(default_factory=list)

    def client(self, *, tracking_uri: str) -> FakeMlflow:
        self.uris.append(tracking_uri)
        return self

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(experiment_id=self.experiments[name]) if name in self.experiments else None

    def create_experiment(self, name: str) -> str:
        return self.experiments.setdefault(name, str(len(self.experiments)))

    def create_run(self, experiment: str, *, run_name: str) -> Any:
        assert experiment in self.experiments.values()
        identifier = f"run{len(self.names)}"
        self.names[identifier] = run_name
        self.params[identifier], self.rows[identifier], self.statuses[identifier] = {}, {}, ["RUNNING"]
        return SimpleNamespace(info=SimpleNamespace(run_id=identifier))

    def update_run(self, identifier: str, *, status: str) -> None:
        if identifier not in self.names:
            raise MlflowException(f"Run with id={identifier} not found")
        self.statuses[identifier].append(status)

    def set_terminated(self, identifier: str, *, status: str) -> None:
        self.statuses[identifier].append(status)

    def log_batch(self, identifier: str, *, metrics: Any = (), params: Any = ()) -> None:
        assert len(metrics) <= 1000
        assert len(params) <= 100
        for key, *_ in [*metrics, *params]:
            refused = set(key) & set("=,%[]()\\+")
            if refused:
                raise MlflowException(f"Invalid value {key!r}: {refused}")
        self.params[identifier].update(params)
        for key, value, milliseconds, step in metrics:
            assert type(step) is type(milliseconds) is int
            assert type(value) is float
            self.rows[identifier].setdefault(step, {})[key] = value

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
            patch.delenv(name, raising=False)
        install(patch, "mlflow", MlflowClient=self.client)
        install(patch, "mlflow.entities", Metric=lambda *each: each, Param=lambda *each: each)
        install(patch, "mlflow.exceptions", MlflowException=MlflowException)


def install(patch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    """Have `import NAME` give a module with this content."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, origin="a fake")
    vars(module).update(content)
    patch.setitem(sys.modules, name, module)
