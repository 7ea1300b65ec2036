"""Zero-shot returns by split while training goes on."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl import api
from hyperrl.cli import main
from hyperrl.evaluation import ModelPolicy, Policy, TaskResult, evaluate_tasks, plan
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import load_model, telemetry
from tests.training.telemetry.conftest import SHORT, SPLITS, STEPS, read, scalars, short_run


def test_every_split_at_regular_intervals(events: Any) -> None:
    for split in SPLITS:
        values = scalars(events, f"zero_shot/{split}")
        assert tuple(values) == STEPS
        assert all(0 <= value <= 200 for value in values.values())


def test_last_values_are_those_of_the_final_weights(run: Run, events: Any) -> None:
    family, model = Family(run.spec.family), load_model(run, "latest")
    for split in SPLITS:
        results = evaluate_tasks(ModelPolicy(model), family, family.tasks(split), episodes=1)
        mean = np.mean([result.mean for result in results])
        assert scalars(events, f"zero_shot/{split}")[2048] == pytest.approx(mean)


def test_every_place_has_the_numbers_of_the_evaluation_at_the_end(
    run: Run, events: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The best weights, most likely actions, the starts of seed 0: JSON, `evaluate`, `list runs`, HParams."""
    final = json.loads((run.path / "evaluations" / "final.json").read_text())
    found = api.evaluate(run.path, splits=SPLITS, save=False).to_json()
    for other in (final, found):
        del other["run"]
    assert final == json.loads(json.dumps(found))
    assert (final["checkpoint"]["name"], final["deterministic"], final["start_seed"]) == ("best", True, 0)
    means = {split: final["splits"][split]["mean"] for split in SPLITS}
    for split in SPLITS:
        assert scalars(events, f"hparams/{split}") == {2048: pytest.approx(means[split])}
    assert main(["list", "runs", str(run.path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["runs"]
    assert (row["weights"], row["returns"]) == ("best", means)


def test_drawn_actions_would_have_been_noticed(run: Run) -> None:
    likely, drawn = (
        api.evaluate(run.path, splits=SPLITS, deterministic=deterministic, save=False).tasks
        for deterministic in (True, False)
    )
    assert [task.returns for task in likely] != [task.returns for task in drawn]


def test_a_text_tells_what_was_played(events: Any) -> None:
    (text,) = (
        event.tensor_proto.string_val[0].decode() for event in events.Tensors("zero_shot/text_summary")
    )
    assert "- validation: 8 tasks, 4 episodes each, starts of its own" in text
    assert "- train: 4 tasks, 1 episode each, starts of seed 0" in text


@pytest.mark.usefixtures("no_figures")
def test_best_is_chosen_by_validation_whatever_the_other_splits_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best_at = {
        "train": 0,
        "validation": 2,
        "interpolation": 1,
        "extrapolation": 3,
    }  # the number of the evaluation
    evaluations = itertools.count()

    def play(*_: object) -> dict[str, list[TaskResult]]:
        now = next(evaluations)
        return {
            split: [TaskResult({"c0": 1.0}, split, [float(now == best)], [1], None)]
            for split, best in best_at.items()
        }

    monkeypatch.setattr(plan, "play", play)
    run = short_run(tmp_path / "run")
    assert run.load_checkpoint("best")[1]["steps"] == STEPS[best_at["validation"]]


def test_best_checkpoint_is_of_the_highest_validation_return(run: Run, events: Any) -> None:
    values = scalars(events, "zero_shot/validation")
    model = load_model(run, "best")
    assert model.num_timesteps == max(values, key=lambda step: values[step])
    family = Family(run.spec.family)
    results = evaluate_tasks(ModelPolicy(model), family, family.tasks("validation"), episodes=1)
    assert np.mean([result.mean for result in results]) == pytest.approx(max(values.values()))


@pytest.mark.parametrize(
    ("agent", "overrides"),
    [
        ("hyper-ppo", (*SHORT, "steps=1024", "algorithm.use_sde=true", "algorithm.sde_sample_freq=4")),
        ("hyper-a2c", ("steps=800",)),
    ],
)
@pytest.mark.usefixtures("no_figures")
def test_evaluations_leave_the_trained_weights_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: str, overrides: tuple[str, ...]
) -> None:
    def restless(model: BaseAlgorithm) -> Policy:
        act = ModelPolicy(model)

        def draws(observation: dict[str, Any]) -> Any:
            actions = act(observation)
            model.policy.set_training_mode(True)
            return actions + 1e-3 * (torch.rand(1).item() + np.random.rand() + random.random())

        return draws

    monkeypatch.setattr(telemetry.zero_shot, "ModelPolicy", restless)
    often = short_run(tmp_path / "often", agent, overrides=(*overrides, "evaluate_every=400"))
    seldom = short_run(tmp_path / "seldom", agent, overrides=(*overrides, "evaluate_every=1000000"))
    assert len(read(often).Scalars("zero_shot/train")) > len(read(seldom).Scalars("zero_shot/train")) == 2
    weights, others = (load_model(run, "latest").policy.state_dict() for run in (often, seldom))
    for name, tensor in weights.items():
        assert torch.equal(tensor, others[name]), name


@pytest.mark.usefixtures("no_figures")
def test_networks_of_an_index_disagree_and_others_write_nothing(tmp_path: Path, events: Any) -> None:
    indexed = read(
        short_run(tmp_path, "hyper-ppo", overrides=(*SHORT, "policy.hypernetwork.inputs=[context, noise]"))
    )
    tags = [tag for tag in indexed.Tags()["scalars"] if tag.startswith("uncertainty/")]
    assert "uncertainty/actions/extrapolation" in tags
    assert "uncertainty/values/train" in tags
    steps = [event.step for event in indexed.Scalars("zero_shot/train")]
    told = indexed.Scalars("uncertainty/values/train")
    assert [event.step for event in told] == steps
    assert all(event.value > 0 for event in told)
    assert not any(tag.startswith("uncertainty/") for tag in events.Tags()["scalars"])
