"""Norms, spreads and the projector's map of generated weights."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest
import torch
from google.protobuf import text_format  # type: ignore[import-untyped]
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import load_model
from hyperrl.training.telemetry.weights import coordinates, generate, statistics
from tests.training.telemetry.conftest import STEPS, scalars


def test_statistics_of_weights() -> None:
    same = torch.full((4, 2, 3), 2.0)
    assert statistics(same) == pytest.approx((2 * 6**0.5, 0.0))
    assert statistics(torch.zeros(3, 2)) == (0.0, 0.0)
    opposite = torch.stack([torch.ones(5), -torch.ones(5)])
    assert statistics(opposite) == pytest.approx((5**0.5, 1.0))


def test_coordinates_keep_distances_and_angles() -> None:
    generator = torch.Generator().manual_seed(0)
    layers = [torch.randn(7, 30, 4, generator=generator), torch.randn(7, 30, generator=generator)]
    whole = torch.cat([layer.reshape(7, -1) for layer in layers], 1)
    points = coordinates(layers)
    assert points.shape == (7, 7)
    torch.testing.assert_close(points @ points.T, whole @ whole.T, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(torch.cdist(points, points), torch.cdist(whole, whole), atol=1e-3, rtol=1e-4)


def test_generated_weights_are_those_of_the_policy(run: Run, events: Any) -> None:
    family, model = Family(run.spec.family), load_model(run, "latest")
    weights = generate(model, family, family.tasks("train"))
    assert {"actor.0.weight", "critic.2.bias"} <= set(weights)
    for name, tensor in weights.items():
        norm, spread = statistics(tensor)
        assert scalars(events, f"weights/{name}/norm")[2048] == pytest.approx(norm, rel=1e-5)
        assert scalars(events, f"weights/{name}/spread")[2048] == pytest.approx(spread, rel=1e-5)
        assert tuple(scalars(events, f"weights/{name}/norm")) == STEPS
    assert scalars(events, "weights/actor.0.weight/spread")[0] > 0


def test_projector_holds_the_weights_of_the_training_tasks(run: Run) -> None:
    config = text_format.Parse((run.path / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (embedding,) = config.embeddings
    assert embedding.tensor_name.startswith("generated_weights")
    points = torch.from_numpy(np.loadtxt(run.path / embedding.tensor_path, delimiter="\t"))
    family, model = Family(run.spec.family), load_model(run, "latest")
    tasks = family.tasks("train")
    whole = torch.cat(
        [w.reshape(len(tasks), -1) for w in generate(model, family, tasks).values()], 1
    ).double()
    torch.testing.assert_close(torch.cdist(points, points), torch.cdist(whole, whole), rtol=1e-4, atol=1e-4)
    with (run.path / embedding.metadata_path).open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [float(row["c0"]) for row in rows] == [task["c0"] for task in tasks]
    assert [row["task"] for row in rows] == ["c0=-5", "c0=-1", "c0=1", "c0=5"]
    assert all(0 <= float(row["return"]) <= 200 for row in rows)
