"""What a real training leaves, read back with TensorBoard's own reader."""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from google.protobuf import text_format  # type: ignore[import-untyped]
from PIL import Image
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import Logger
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from hyperrl import api
from hyperrl.cli import main
from hyperrl.evaluation import Evaluation, ModelPolicy, Policy, RunResult, TaskResult, evaluate_tasks, plan
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training import BatchedVecEnv, build_model, load_model, resume, telemetry
from hyperrl.training.telemetry.figure import grid, swept
from hyperrl.training.telemetry.weights import generate, statistics
from tests.training.telemetry.conftest import SHORT, STEPS, read, short_run

SPLITS = ("train", "validation", "interpolation", "extrapolation")


def scalars(events: Any, tag: str) -> dict[int, float]:
    return {event.step: event.value for event in events.Scalars(tag)}


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


def test_training_return_of_each_task(events: Any) -> None:
    tags = [tag for tag in events.Tags()["scalars"] if tag.startswith("train_task/")]
    assert tags
    assert set(tags) <= {f"train_task/c0={c0}" for c0 in (-5, -1, 1, 5)}
    found = {step: value for tag in tags for step, value in scalars(events, tag).items()}
    assert set(found) == {1024, 2048}  # episodes last 100 steps, rollouts 64
    assert all(0 <= value <= 200 for value in found.values())


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


def test_gradient_norm_and_times(events: Any) -> None:
    norms = scalars(events, "gradient/norm")
    assert tuple(norms) == STEPS[2:]
    assert all(value > 0 for value in norms.values())
    for event in events.Scalars("gradient/clipped"):
        assert 0 <= event.value <= 1
    rollout, update, generation = (
        scalars(events, f"time/{part}") for part in ("rollout", "update", "generation")
    )
    assert tuple(rollout) == tuple(generation) == STEPS[1:]
    assert tuple(update) == STEPS[2:]
    for step in STEPS[2:]:
        assert 0 < generation[step] < update[step] + rollout[step]
    (*_, last) = events.Scalars("time/fps")
    taken = last.wall_time - events.FirstEventTimestamp()
    assert sum(rollout.values()) + sum(update.values()) < taken


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


def test_figure_of_return_over_context(run: Run, events: Any) -> None:
    images = events.Images("return_over_context")
    assert [image.step for image in images] == list(STEPS[1:])
    for image in images:
        decoded = np.asarray(Image.open(io.BytesIO(image.encoded_image_string)))
        assert decoded.shape == (image.height, image.width, 3)
        assert decoded.std() > 10
    with Image.open(run.figures / "return_over_context.png") as picture:
        assert picture.format == "PNG"


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


def test_hparams_are_in_the_runs_own_event_file(run: Run, events: Any) -> None:
    content = {
        tag: HParamsPluginData.FromString(data) for tag, data in events.PluginTagToContent("hparams").items()
    }
    start = content["_hparams_/session_start_info"].session_start_info.hparams
    assert start["algorithm.learning_rate"].number_value == pytest.approx(3e-4)
    assert start["algorithm.n_steps"].number_value == 64
    assert start["policy.hypernetwork.strategy"].string_value == "modulation"
    assert (start["agent"].string_value, start["family"].string_value) == ("hyper-ppo", "ode")
    experiment = content["_hparams_/experiment"].experiment
    assert [info.name.tag for info in experiment.metric_infos] == [f"hparams/{split}" for split in SPLITS]
    assert set(start) | {"algorithm.rms_prop_eps"} <= {info.name for info in experiment.hparam_infos}
    end = content["_hparams_/session_end_info"].session_end_info
    assert end.status == Status.Value("STATUS_SUCCESS")
    splits = {run.path / "zero_shot" / split for split in SPLITS}
    assert {path.parent for path in run.path.rglob("events.out.tfevents.*")} == {run.path, *splits}


def test_first_chart_of_the_layout_shows_the_splits_together(events: Any) -> None:
    (event,) = events.Tensors("custom_scalars__config__")
    layout = Layout.FromString(event.tensor_proto.string_val[0])
    chart = layout.category[0].chart[0]
    assert list(chart.multiline.tag) == ["^Zero-shot/return$"]
    tags = [*events.Tags()["scalars"], "Zero-shot/return"]
    for category in layout.category:
        for other in category.chart:
            assert any(re.match(pattern, tag) for pattern in other.multiline.tag for tag in tags), other.title


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
    told: list[tuple[float, int]] = []
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
        on_validation=lambda mean, steps: told.append((mean, steps)),
        final_evaluation=lambda: final,
    )
    model.learn(1024, CallbackList(callbacks))
    env.close()
    assert [steps for _, steps in told] == [0, 512, 1024]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["return_over_context.png"]


def test_tasks_of_the_figure_by_number_of_features() -> None:
    line, plane, signs, many = (
        Family.load(name) for name in ("ode", "ode-2d", "double-integrator", "cartpole")
    )
    assert swept(line) == ["c0"]
    assert {task["c0"] for task in grid(line, ["c0"])} >= set(range(-10, 11))
    assert len(swept(plane)) == 2
    assert len(grid(plane, swept(plane))) == 21 * 21
    assert len(grid(signs, swept(signs))) == 2 * 41
    most = {len(grid(family, swept(family), 16)) for family in (line, plane, signs)}
    assert most == {16}  # where playing more would take long beside the training
    assert swept(many) == ["gravity"]
    tasks = grid(many, ["gravity"])
    assert (tasks[0]["gravity"], tasks[-1]["gravity"]) == (1, 30)
    assert {task["masscart"] for task in tasks} == {1.0}
