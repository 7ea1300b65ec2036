"""All of telemetry together, read back with TensorBoard's own reader."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import Logger

from hyperrl.evaluation import Evaluation, ModelPolicy, RunResult, evaluate_tasks
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training import BatchedVecEnv, build_model, resume, telemetry
from tests.training.telemetry.conftest import SHORT, SPLITS, STEPS, read, scalars, short_run


def test_usual_scalars_of_stable_baselines3_stay(events: Any) -> None:
    usual = {
        "rollout/ep_rew_mean",
        "rollout/ep_len_mean",
        "time/fps",
        "train/loss",
        "train/approx_kl",
        "train/value_loss",
    }
    assert usual <= set(events.Tags()["scalars"])


def test_same_scalars_in_progress_csv(run: Run, events: Any) -> None:
    with (run.path / "progress.csv").open() as file:
        rows = list(csv.DictReader(file))
    column = {
        int(row["step"]): float(row["zero_shot/validation"]) for row in rows if row["zero_shot/validation"]
    }
    assert column == pytest.approx(scalars(events, "zero_shot/validation"))
    assert len({row["step"] for row in rows}) == len(rows)


def test_an_extended_run_goes_on_in_the_same_charts(tmp_path: Path) -> None:
    run = short_run(tmp_path / "run", overrides=(*SHORT, "steps=1024"))
    resume(run, steps=2048)
    events = read(run)
    assert tuple(scalars(events, "zero_shot/train")) == STEPS
    assert [image.step for image in events.Images("return_over_context")] == [512, 1024, 1536, 2048]
    assert [path.parent.parent.name for path in run.path.rglob("tensors.tsv")] == ["02048"]
    assert not (run.path / "01024").exists()
    assert list(scalars(events, "hparams/train")) == [1024, 2048]


def test_a_policy_that_generates_nothing_and_a_logger_without_tensorboard(tmp_path: Path) -> None:
    family = Family.load("ode")
    agent = resolve(load_agent("concat-ppo"), family.recipe, SHORT)
    sampler = TaskSampler(family.tasks("train"), "uniform", 0)
    env = BatchedVecEnv(family.make_vec(agent.n_envs, sampler=sampler))
    model = build_model(agent, env, 0)
    model.set_logger(Logger(None, []))
    validations: list[tuple[float, int]] = []
    played = evaluate_tasks(
        ModelPolicy(model),
        family,
        [task for split in SPLITS for task in family.tasks(split)],
        episodes=1,
        splits=[split for split in SPLITS for _ in family.tasks(split)],
    )
    final = Evaluation("a", "ode", 1, 0, True, (RunResult("r", 0, 1024, "best", 0, played),))
    callbacks = telemetry.callbacks(
        agent,
        family,
        sampler,
        0,
        figures=tmp_path,
        on_validation=lambda mean, steps: validations.append((mean, steps)),
        final_evaluation=lambda: final,
    )
    model.learn(1024, CallbackList(callbacks))
    env.close()
    assert [steps for _, steps in validations] == [0, 512, 1024]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["return_over_context.png"]
