import errno
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from matplotlib.image import imread

import hyperrl
from hyperrl import api, training
from hyperrl.api.arguments import CONSTRAINTS
from hyperrl.cli import main
from hyperrl.errors import UserError
from hyperrl.evaluation import progress, zero_shot
from hyperrl.evaluation.observations import check_observation
from hyperrl.recipes import AgentRecipe, load_agent, load_family
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.tasks.spaces import zero_based
from tests.store.conftest import created

SMALL = (
    "algorithm.n_steps=16",
    "algorithm.batch_size=32",
    "algorithm.n_epochs=2",
    "n_envs=2",
    "evaluate_every=64",
)
"""Two rollouts of 32 steps: enough to write everything that a run holds."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of `hyper-ppo` and one of `concat-ppo` on `ode`, barely trained."""
    path = tmp_path_factory.mktemp("runs")
    for agent, seed, name in (
        ("hyper-ppo", 0, "seed-0"),
        ("hyper-ppo", 1, "seed-1"),
        ("concat-ppo", 0, "concat"),
    ):
        api.train(agent, "ode", steps=64, seed=seed, overrides=SMALL, out=path / name)
    return path


class Reach(gym.Env[np.ndarray, np.ndarray]):
    """Say the number `goal` when `gain` multiplies what is said: reward is minus the distance."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self) -> None:
        self.goal, self.gain = 0.5, 1.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        seen = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return seen, -abs(self.gain * float(action[0]) - self.goal), False, False, {}


@pytest.fixture(scope="module")
def reach() -> Family:
    """A family without an id, whose episodes take three steps."""
    features = {
        "goal": {"train": [-0.5, 0.5], "extrapolation": [-1.0, 1.0]},
        "gain": {"train": [0.5, 1.5], "extrapolation": [0.2, 2.0]},
    }
    return hyperrl.contextualize(Reach, features, name="reach", max_steps=3)


@pytest.fixture(scope="module")
def reached(reach: Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return api.train(
        "hyper-ppo", reach, steps=32, overrides=SMALL, out=tmp_path_factory.mktemp("r") / "run"
    ).path


def message(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(UserError) as error:
        call(*args, **kwargs)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_run_is_evaluated_on_three_splits(folder: Path) -> None:
    found = api.evaluate(folder / "seed-0")
    assert {name: split["tasks"] for name, split in found.splits.items()} == {
        "train": 4, "interpolation": 6, "extrapolation": 10,
    }  # fmt: skip
    assert found.to_json()["run"] == str(folder / "seed-0")
    assert (found.runs[0].steps, found.runs[0].seed, found.episodes) == (64, 0, 1)
    assert json.loads(found.files[0].read_text()) == json.loads(json.dumps(found.to_json()))
    assert found.files[0].parent == folder / "seed-0" / "evaluations"
    assert [figure.parent for figure in found.figures] == [folder / "seed-0" / "figures"]
    assert imread(found.figures[0]).ndim == 3


def test_every_evaluation_is_kept(folder: Path) -> None:
    files = [api.evaluate(folder / "seed-0", contexts=[{"c0": 2}]).files[0] for _ in range(2)]
    assert files[0] != files[1]
    assert all(file.exists() for file in files)


def test_nothing_is_written_when_told_so(folder: Path) -> None:
    before = sorted((folder / "seed-0").rglob("*"))
    found = api.evaluate(folder / "seed-0", save=False)
    assert (found.files, found.figures) == ((), ())
    assert sorted((folder / "seed-0").rglob("*")) == before


def test_contexts_of_ones_own_are_flagged(folder: Path) -> None:
    found = api.evaluate(folder / "seed-0", contexts=[{"c0": 1}, {"c0": 2.5}, {"c0": 100}, {}], episodes=2)
    assert [(task.context["c0"], task.split) for task in found.own_tasks] == [
        (1.0, "train"), (2.5, "interpolation"), (100.0, "extrapolation"), (1.0, "train"),
    ]  # fmt: skip
    assert found.splits == {}
    assert [len(task.returns) for task in found.tasks] == [2] * 4
    assert found.figures == ()


def test_a_sweep_draws_a_curve(folder: Path) -> None:
    found = api.evaluate(folder / "seed-0", splits=["interpolation"], sweep=[("c0", -10, 10, 5)])
    assert [task.context["c0"] for task in found.own_tasks] == [-10, -5, 0, 5, 10]
    assert found.splits["interpolation"]["tasks"] == 6
    (first,) = found.figures
    assert first.name.startswith("evaluation-c0-")
    before = first.read_bytes()
    (later,) = api.evaluate(folder / "seed-0", sweep=[("c0", -2, 2, 3)]).figures
    assert later != first
    assert first.read_bytes() == before


def test_two_sweeps_draw_a_heatmap(reach: Family, reached: Path) -> None:
    found = api.evaluate(reached, sweep=[("gain", 0.5, 2, 4), ("goal", -1, 1, 3)], family=reach)
    assert len(found.own_tasks) == 12
    assert [figure.name[:21] for figure in found.figures] == ["evaluation-gain-goal-"]
    assert imread(found.figures[0]).ndim == 3


def test_several_runs_are_seeds(folder: Path) -> None:
    paths = [folder / "seed-0", folder / "seed-1"]
    found = api.evaluate(paths)
    alone = [api.evaluate(path, save=False) for path in paths]
    means = [part.splits["interpolation"]["mean"] for part in alone]
    assert found.splits["interpolation"]["mean"] == pytest.approx(np.mean(means), rel=1e-12)
    error = found.splits["interpolation"]["stderr"]
    assert error is not None
    assert error >= abs(means[0] - means[1]) / 2 * (1 - 1e-9)  # over tasks and starts as well as over runs
    assert [file.parents[1] for file in found.files] == paths
    assert [json.loads(file.read_text())["seed"] for file in found.files] == [0, 1]
    assert [part["tasks"] for part in found.to_json()["runs"]] == [part.to_json()["tasks"] for part in alone]
    assert found.figures[0].name.startswith("evaluation-splits-2-seeds-")


def test_drawn_actions_repeat_with_their_seed_and_disturb_nothing(folder: Path) -> None:
    def returns(**given: Any) -> list[list[float]]:
        found = api.evaluate(folder / "seed-0", splits=["extrapolation"], episodes=2, save=False, **given)
        return [task.returns for task in found.tasks]

    before = torch.random.get_rng_state()
    drawn = returns(deterministic=False, seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert drawn == returns(deterministic=False, seed=5)
    assert drawn != returns(deterministic=False, seed=6)
    assert drawn != returns(seed=5)


def test_the_most_likely_actions_need_no_luck(folder: Path) -> None:
    """What a network makes of a row does not depend on the rows beside it, but for rounding."""
    contexts = [{"c0": c0} for c0 in (-8.0, 3.0)]
    together = api.evaluate(folder / "seed-0", contexts=contexts, save=False).tasks
    alone = [api.evaluate(folder / "seed-0", contexts=[context], save=False).tasks[0] for context in contexts]
    for one, other in zip(together, alone, strict=True):
        assert one.mean == pytest.approx(
            other.mean, abs=0.6
        )  # a step beside a reward's threshold may tip over


def test_an_agent_acts_on_one_task(folder: Path) -> None:
    agent = hyperrl.load(folder / "seed-0", checkpoint="latest")
    assert (agent.family.name, agent.model.num_timesteps) == ("ode", 64)
    one = agent.act([0.5], {"c0": 3})
    many = agent.act(np.array([[0.5], [-1.0]]), {"c0": 3})
    assert (one.shape, many.shape) == ((2,), (2, 2))
    np.testing.assert_allclose(many[0], one, atol=1e-6)
    np.testing.assert_allclose(agent.act({"obs": [0.5]}, {"c0": 3}), one)
    assert not np.allclose(agent.act([0.5], {"c0": -3}), one)
    np.testing.assert_array_equal(agent.act([0.5], {}), agent.act([0.5], {"c0": 1}))
    drawn = {tuple(agent.act([0.5], {"c0": 3}, deterministic=False)) for _ in range(3)}
    assert len(drawn) == 3


def test_an_agent_acts_as_in_evaluation(folder: Path) -> None:
    agent = api.load(folder / "seed-0")
    (task,) = api.evaluate(folder / "seed-0", contexts=[{"c0": 4}], save=False).tasks
    env = agent.family.make()
    (start,) = zero_shot.start_seeds(agent.family.space.complete({"c0": 4}), 1, 0)
    observation, _ = env.reset(seed=start, options={"context": {"c0": 4}, "x": 1.0})
    total, over = 0.0, False
    while not over:
        action = agent.act(observation["obs"], {"c0": 4})
        observation, reward, terminated, truncated, _ = env.step(action)
        total, over = total + float(reward), terminated or truncated
    assert total == pytest.approx(task.mean, abs=0.6)


def test_weights_and_specialist_are_those_that_act(folder: Path) -> None:
    agent = api.load(folder / "seed-0")
    weights, context = agent.weights({"c0": -3}), {"c0": -3.0}
    assert weights["actor.0.weight"].shape == (64, 1)
    assert {name.split(".")[0] for name in weights} == {"actor", "critic"}
    assert not np.allclose(weights["actor.2.weight"], agent.weights({"c0": 3})["actor.2.weight"])
    hidden = np.array([[0.7]], dtype=np.float32)
    for layer in range(3):
        hidden = hidden @ weights[f"actor.{layer}.weight"].T + weights[f"actor.{layer}.bias"]
        hidden = np.tanh(hidden) if layer < 2 else hidden
    expected = agent.act([[0.7]], context)
    np.testing.assert_allclose(np.clip(hidden, -1, 1), expected, atol=1e-5)
    with torch.no_grad():
        special = agent.specialize(context)(torch.tensor([[0.7]])).numpy()
    np.testing.assert_allclose(np.clip(special, -1, 1), expected, atol=1e-5)


@pytest.mark.parametrize("c0", [-10.0, 10.0])
def test_a_task_outside_the_training_range_is_not_moved_into_it(folder: Path, c0: float) -> None:
    """What acts, and what is handed out, is that of the task itself and not of the range's end."""
    agent = api.load(folder / "seed-0")
    low, high = agent.family.space.features["c0"].train
    assert not low <= c0 <= high
    descriptor = torch.tensor([2 * (c0 - low) / (high - low) - 1])
    policy: Any = agent.model.policy
    expected = policy.generated_weights(descriptor[None])
    for name, weight in agent.weights({"c0": c0}).items():
        np.testing.assert_allclose(weight, expected[name][0], atol=1e-6)
    observation = torch.tensor([[0.7]])
    with torch.no_grad():
        outputs = policy.specialize(descriptor)(observation)
        torch.testing.assert_close(agent.specialize({"c0": c0})(observation), outputs)
    np.testing.assert_allclose(agent.act([[0.7]], {"c0": c0}), outputs.clip(-1, 1), atol=1e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_everything_that_reads_them(
    folder: Path, tmp_path: Path, value: float
) -> None:
    """A checkpoint whose digest is right is refused where weights are read, and nothing is written."""
    run = Run.open(shutil.copytree(folder / "seed-0", tmp_path / "run"))
    for name in run.checkpoints():
        tensors, meta = run.load_checkpoint(name)
        spoiled = {
            key: torch.full_like(one, value) if key.startswith("policy/") else one
            for key, one in tensors.items()
        }
        run.save_checkpoint(name, spoiled, meta)
    before = sorted(run.path.rglob("*"))
    calls: list[Callable[[], Any]] = [
        lambda: api.load(run),
        lambda: api.evaluate(run),
        lambda: api.watch(run, video=tmp_path / "x.gif"),
        lambda: api.specialize(run, {"c0": 1}),
        lambda: api.export(run),
        lambda: api.resume(run, steps=128),
        lambda: api.train("hyper-ppo", "ode", steps=64, overrides=SMALL, out=tmp_path / "new", from_run=run),
    ]
    for call in calls:
        assert re.search(r"weights '.+': found numbers that are not finite", message(call))
    assert sorted(run.path.rglob("*")) == before
    assert not (tmp_path / "x.gif").exists()


def test_an_observation_is_checked_before_an_agent_acts() -> None:
    tile, buttons = gym.spaces.Discrete(16, start=1), gym.spaces.MultiDiscrete([2, 3])
    space = gym.spaces.Dict(tile=tile, buttons=buttons, picture=gym.spaces.Box(0, 255, (2, 2), np.uint8))
    parts, starts = zero_based(space), {"tile": 1}
    assert isinstance(parts, gym.spaces.Dict)
    good: dict[str, Any] = {"tile": 16, "buttons": [1, 2], "picture": np.full((2, 2), 255)}
    batch, rows = check_observation(good, parts, starts)
    assert (int(batch["tile"]), batch["picture"].dtype.name, rows) == (15, "uint8", None)
    two = {name: np.stack([part, part]) for name, part in good.items()}
    assert check_observation(two, parts, starts)[1] == 2
    for wrong, says in (
        ({"tile": 17}, "tile: found 17; allowed: whole numbers from 1 to 16"),
        ({"tile": 0}, "tile: found 0; allowed: whole numbers from 1 to 16"),
        ({"tile": 1.5}, "tile: found 1.5; allowed: whole numbers from 1 to 16"),
        ({"tile": "a"}, "tile: found 'a'; allowed: numbers of shape ()"),
        ({"tile": None}, "tile: found None; allowed: numbers of shape ()"),
        ({"buttons": [1, 3]}, "buttons: found 3; allowed: whole numbers from 0 to 2"),
        ({"buttons": [1]}, "buttons: found shape (1,); allowed: (2,), or (n, 2) for n of them"),
        ({"buttons": [[1, 2], [3]]}, "buttons: found [[1, 2], [3]]; allowed: numbers of shape (2,)"),
        ({"picture": np.full((2, 2), 256)}, "picture: found 256; allowed: whole numbers from 0 to 255"),
        ({"picture": np.full((2, 2), np.nan)}, "picture: found nan; allowed: whole numbers from 0 to 255"),
        ({"tile": [1, 2]}, "the observation's parts are not equally many: "),
        ({"lever": 1}, "the observation has ['buttons', 'lever', 'picture', 'tile'], the environment's"),
    ):
        with pytest.raises(ValueError, match=re.escape(says)):
            check_observation({**good, **wrong}, parts, starts)


def test_a_baseline_acts_and_has_no_generated_weights(folder: Path) -> None:
    agent = api.load(folder / "concat")
    assert agent.act([0.5], {"c0": 3}).shape == (2,)
    for call in (agent.weights, agent.specialize):
        assert "'concat-ppo': generates no weights" in message(call, {"c0": 3})


def test_an_agent_tells_a_wrong_context_and_observation(folder: Path) -> None:
    agent = api.load(folder / "seed-0")
    for call in (agent.weights, agent.specialize, lambda context: agent.act([0.5], context)):
        assert "'c1'" in message(call, {"c1": 1.0})
        assert "c0" in message(call, {"c0": float("nan")})
    with pytest.raises(ValueError, match="obs"):
        agent.act({"position": [0.5]}, {"c0": 1.0})
    with pytest.raises(ValueError, match=r"obs: found shape \(2,\); allowed: \(1,\), or \(n, 1\) for n"):
        agent.act([0.5, 0.5], {"c0": 1.0})


def test_runs_that_are_no_seeds_are_refused(folder: Path, tmp_path: Path) -> None:
    text = message(api.evaluate, [folder / "seed-0", folder / "concat"])
    assert "no seeds of one agent: agent.name is 'hyper-ppo' and 'concat-ppo'" in text
    spec = Run.open(folder / "concat").spec
    discount = spec.agent.algorithm.model_copy(update={"gamma": 0.5})
    other = spec.model_copy(update={"agent": spec.agent.model_copy(update={"algorithm": discount})})
    text = message(api.evaluate, [folder / "concat", created(tmp_path / "a", other)])
    assert "agent.algorithm.gamma is" in text
    family = spec.model_copy(update={"family": load_family("ode-2d")})
    text = message(api.evaluate, [folder / "concat", created(tmp_path / "b", family)])
    assert "no seeds of one family: family.name is 'ode' and 'ode-2d'" in text
    assert "given twice" in message(api.evaluate, [folder / "seed-0", Run.open(folder / "seed-0")])
    assert "at least one run" in message(api.evaluate, [])


def test_mistakes_take_one_line(folder: Path, tmp_path: Path) -> None:
    run = folder / "seed-0"
    assert "did you mean" in message(api.evaluate, folder / "sed-0")
    assert "not a run" in message(api.evaluate, tmp_path)
    assert "'extrapolation'" in message(api.evaluate, run, splits=["extrapolatoin"])
    assert "'c1'" in message(api.evaluate, run, contexts=[{"c1": 0.0}])
    assert "episodes" in message(api.evaluate, run, episodes=0)
    assert "seed" in message(api.evaluate, run, seed=-1)
    assert "checkpoint" in message(api.evaluate, run, checkpoint="7")
    assert "'hyper-ppo'" in message(api.train, "hyper-pppo", "ode")
    assert "known" in message(api.train, "hyper-ppo", "odee")
    assert "gama" in message(api.train, "hyper-ppo", "ode", overrides=["algorithm.gama=0.9"])
    assert f"go on with it by hyperrl.resume({str(run)!r})" in message(api.train, "hyper-ppo", "ode", out=run)
    assert "extend it" in message(api.resume, run)


@pytest.mark.parametrize("number", ["steps", "seed", "episodes"])
@pytest.mark.parametrize("value", [-1, 2.5, "3", True, float("nan"), float("inf"), 10**13, 10**400])
def test_numbers_out_of_range_are_told_before_anything_is_read(number: str, value: Any) -> None:
    def told(call: Any, *args: Any) -> None:
        found = message(call, *args, **{number: value})
        assert re.fullmatch(rf"{number}: found .{{,90}}; allowed: a whole number from [01] to [\d,]+", found)

    if number != "episodes":
        told(api.train, "no agent", "no family")
    if number == "steps":
        told(api.resume, "no run")
    else:
        told(api.evaluate, "no run")


def test_progress_of_an_evaluation_is_that_of_all_its_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", -1.0)
    told: list[tuple[int, int]] = []
    runs = [folder / "seed-0", folder / "seed-1"]
    api.evaluate(
        runs,
        contexts=[{"c0": 2}],
        episodes=3,
        save=False,
        progress=lambda done, total: told.append((done, total)),
    )
    assert {total for _, total in told} == {2 * 3 * 200}
    assert told[-1] == (1200, 1200)
    assert (600, 1200) in told
    assert told == sorted(told)


def test_evaluating_builds_no_optimizer(folder: Path) -> None:
    """Making one has torch load its compiler."""
    code = (
        "import sys, hyperrl; hyperrl.evaluate(sys.argv[1], contexts=[{}], save=False);"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, folder / "seed-0"], timeout=120, check=True)


def test_a_run_goes_on(tmp_path: Path) -> None:
    run = api.train("concat-ppo", "ode", steps=32, overrides=SMALL, out=tmp_path / "run")
    assert api.resume(run.path, steps=96).status.steps == 96
    assert api.evaluate(run.path, save=False).runs[0].steps == 96


def test_training_takes_names_recipes_families_and_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def caught(agent: AgentRecipe, family: Family, **rest: Any) -> None:
        given.update(rest, agent=agent, family=family)

    monkeypatch.setattr(training, "train", caught)
    monkeypatch.chdir(tmp_path)
    api.train(
        "hyper-ppo", "ode", seed=3, overrides=["policy.hypernetwork.hidden=[2]"], from_run=folder / "seed-0"
    )
    assert given["agent"].policy.hypernetwork.hidden == (2,)
    assert (given["family"].name, given["from_run"].path, given["seed"]) == ("ode", folder / "seed-0", 3)
    assert given["out"] == Path("runs/ode/hyper-ppo/seed-3") == api.default_run_dir("ode", "hyper-ppo", 3)
    family = Family.load("cartpole")
    api.train(load_agent("concat-ppo"), family, steps=7)
    assert (given["family"], given["steps"], given["agent"].name) == (family, 7, "concat-ppo")
    api.train("blind-ppo", family.recipe, out="there")
    assert (given["family"].recipe, given["out"]) == (family.recipe, Path("there"))


def test_a_family_made_in_python_is_trained_and_evaluated(reach: Family, reached: Path) -> None:
    found = api.evaluate(reached, family=reach, splits=["interpolation"], episodes=2)
    assert {length for task in found.tasks for length in task.lengths} == {3}
    assert all(task.mean < 0 for task in found.tasks)
    assert api.load(reached, family=reach).act([0.1, 0.2], {"goal": 0.3}).shape == (1,)
    assert "family=" in message(api.evaluate, reached)
    assert "family=" in message(api.load, reached)
    assert "family=" in message(api.resume, reached, steps=64)
    assert api.resume(reached, steps=64, family=reach).status.steps == 64
    assert "another family" in message(api.load, reached, family=Family.load("ode"))


@pytest.mark.parametrize(
    "call",
    [
        "train('nope', 'ode')",
        "train('hyper-ppo', 'ode', overrides=['steps=-1'])",
        "evaluate('nope')",
        "load('nope')",
    ],
)
def test_mistakes_answer_without_torch(call: str, tmp_path: Path) -> None:
    code = (
        f"import sys, hyperrl\ntry: hyperrl.{call}\n"
        "except hyperrl.UserError:\n"
        "    print(sorted({'torch', 'stable_baselines3', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_feature_can_be_hidden_from_an_agent_that_was_trained_to_do_without(
    folder: Path, tmp_path: Path
) -> None:
    run = api.train(
        "hyper-ppo",
        "ode",
        out=tmp_path / "run",
        steps=64,
        overrides=[*SMALL, "policy.hypernetwork.missing=0.3"],
    )
    hidden = api.evaluate(run, splits=["interpolation"], save=False, hidden=["c0"])
    assert hidden.to_json()["hidden"] == ["c0"]
    assert message(api.evaluate, run, hidden=["c9"]) == "hidden: unknown feature 'c9'; known: c0"
    found = message(api.evaluate, folder / "seed-0", hidden=["c0"])
    assert "policy.hypernetwork.missing above 0" in found


def test_a_disk_that_is_full_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("hyperrl.store.run.atomic_write", full)
    told = message(api.evaluate, folder / "seed-0", splits=["train"], episodes=1)
    assert told.endswith("cannot be written (No space left on device)")


def test_a_run_that_cannot_be_written_is_told_before_it_is_played(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    played: list[int] = []
    monkeypatch.setattr("pathlib.Path.touch", read_only)
    told = message(api.evaluate, folder / "seed-0", progress=lambda done, _: played.append(done))
    assert told.endswith("cannot be written (Read-only file system)")
    assert played == []


def test_messages_name_arguments_of_python(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options of the command line are named on the command line alone."""
    run, file = folder / "seed-0", tmp_path / "x.safetensors"
    file.touch()
    spec = Run.open(run).spec
    family = spec.family.model_copy(update={"base": "their_module:Env-v0", "oracle": None})
    theirs = created(tmp_path / "theirs", spec.model_copy(update={"family": family}))
    another, train = "name another directory with out", partial(api.train, "hyper-ppo", "ode")
    calls: dict[str, Callable[[], Any]] = {
        f"go on with it by hyperrl.resume({str(run)!r}), or {another}": lambda: train(out=run),
        f"a file is in the way; {another}": lambda: train(out=file),
        "overrides: stps: unknown field; did you mean": lambda: train(overrides=["stps=1"]),
        "another file with out, or replace it with force=True": lambda: api.specialize(run, {}, out=file),
        "64 of 64 steps are taken; give more": lambda: api.resume(run),
        "pass allow_import=['their_module']": lambda: api.load(theirs.path),
        "video 'x.avi': a file ending in": lambda: api.watch(run, video="x.avi"),
    }
    for says, call in calls.items():
        found = message(call)
        assert says in found
        assert "--" not in found
    assert main(["train", "hyper-ppo", "ode", "--out", str(run)]) == 2
    assert f"--resume {run}, or name another directory with --out" in capsys.readouterr().err
    assert main(["evaluate", str(theirs.path)]) == 2
    assert "pass --allow-import their_module if" in capsys.readouterr().err
    assert "allow_import=['their_module']" in message(api.load, theirs.path)


def test_a_run_says_what_it_is(folder: Path) -> None:
    run = Run.open(folder / "seed-0")
    assert repr(run) == f"Run({str(run.path)!r}: hyper-ppo on ode, seed 0, finished, 64 of 64 steps)"
    agent = api.load(run)
    assert repr(agent).startswith(f"Agent(run={run!r}, family=Family('ode': c0), ")


def test_a_specialist_is_replaced_where_that_is_asked_for(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "one.safetensors"
    first = api.specialize(folder / "seed-0", {"c0": 1}, out=path)
    assert (first.file, first.unlisted) == (path, {})
    before = path.read_bytes()
    assert "replace it with force=True" in message(api.specialize, folder / "seed-0", {"c0": 2}, out=path)
    assert path.read_bytes() == before
    api.specialize(folder / "seed-0", {"c0": 2}, out=path, force=True)
    assert path.read_bytes() != before
    assert [each.name for each in path.parent.iterdir()] == ["one.safetensors"]


def test_a_value_that_is_none_of_the_features_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = api.train("hyper-ppo", "pendulum-actuator", steps=64, overrides=SMALL, out=tmp_path / "run")
    features = run.spec.family.features
    name = next(each for each, feature in features.items() if feature.values)
    values = features[name].values or ()
    between = (values[0] + values[1]) / 2
    assert main(["specialize", str(run.path), "--context", f"{name}={between}"]) == 0
    listed = ", ".join(f"{value:g}" for value in values)
    assert f"note: {name}={between:g} is none of the feature's values: {listed}" in capsys.readouterr().out
    assert api.specialize(run, {name: values[1]}).unlisted == {}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("train", {"agent": 3}, "agent: found 3; allowed: a name, the path of a YAML file, or a recipe"),
    ("train", {"family": None}, "family: found None; allowed: a name, the path of a YAML file, a recipe or"),
    ("train", {"overrides": "steps=3"}, "overrides: found 'steps=3'; allowed: a list of texts"),
    ("train", {"out": 3}, "out: found 3; allowed: a path, or None"),
    ("train", {"from_run": 3}, "from_run: found 3; allowed: a run, the path of its directory, or None"),
    ("train", {"detect_anomaly": "no"}, "detect_anomaly: found 'no'; allowed: True or False"),
    ("train", {"device": 0}, "device: found 0; allowed: 'cpu', 'cuda', "),
    ("train", {"progress": True}, "progress: found True; allowed: a function of the work done and planned"),
    ("train", {"leave_out": {"c0": 5}}, "leave_out: found {'c0': 5}; allowed: a list of dictionaries"),
    ("train", {"step": 3}, "train: unknown argument 'step'; did you mean 'steps'?"),
    ("resume", {"run": None}, "run: found None; allowed: a run, or the path of its directory"),
    ("resume", {"family": "ode"}, "family: found 'ode'; allowed: a family, as contextualize or Family.load"),
    ("evaluate", {"runs": 3}, "runs: found 3; allowed: a run, the path of its directory, or a list of them"),
    ("evaluate", {"splits": "train"}, "splits: found 'train'; allowed: a list of splits, such as ['train']"),
    ("evaluate", {"contexts": {"c0": 1}}, "contexts: found {'c0': 1}; allowed: a list of dictionaries"),
    ("evaluate", {"sweep": ("c0", 0, 1, 5)}, "sweep: found ('c0', 0, 1, 5); allowed: a list of (feature, "),
    ("evaluate", {"sweep": [("c0", 0, 1)]}, "sweep: found [('c0', 0, 1)]; allowed: a list of (feature, "),
    ("evaluate", {"hidden": "c0"}, "hidden: found 'c0'; allowed: a list of texts"),
    ("evaluate", {"save": None}, "save: found None; allowed: True or False"),
    ("evaluate", {"checkpoint": 1.5}, "checkpoint: found 1.5; allowed: 'best', 'latest', a number of steps"),
    ("evaluate", {"allow_import": "my_env"}, "allow_import: found 'my_env'; allowed: a list of texts"),
    ("load", {"chekpoint": "best"}, "load: unknown argument 'chekpoint'; did you mean 'checkpoint'?"),
    ("watch", {"contexts": [3]}, "contexts: found [3]; allowed: a list of dictionaries"),
    ("watch", {"video": 3}, "video: found 3; allowed: a path, or None"),
    ("specialize", {"context": [("c0", 1)]}, "context: found [('c0', 1)]; allowed: a dictionary"),
    ("specialize", {"context": {"c0": "x"}}, "context: c0 is 'x'; a finite number is needed"),
    ("specialize", {"budget": "half"}, "budget: found 'half'; allowed: a share of the parameters"),
    ("specialize", {"format": None}, "format: found None; allowed: 'torch', 'onnx' or 'sb3'"),
    ("specialize", {"force": 1}, "force: found 1; allowed: True or False"),
    ("export", {"out": ["x"]}, "out: found ['x']; allowed: a path, or None"),
]


@pytest.mark.parametrize(("verb", "given", "says"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_arguments_are_told_in_one_line(
    verb: str, given: dict[str, Any], says: str, folder: Path
) -> None:
    before = sorted(folder.rglob("*"))
    run = folder / "seed-0"
    needed: dict[str, dict[str, Any]] = {
        "train": {"agent": "hyper-ppo", "family": "ode"},
        "evaluate": {"runs": run},
        "specialize": {"run": run, "context": {}},
    }
    first = needed.get(verb, {"run": run})
    assert message(getattr(hyperrl, verb), **{**first, **given}).startswith(says)
    assert sorted(folder.rglob("*")) == before


def test_a_checkpoint_may_be_named_by_its_steps(folder: Path) -> None:
    assert "no checkpoint '7'" in message(api.load, folder / "seed-0", checkpoint=7)
    assert "checkpoint '': a checkpoint is called" in message(api.load, folder / "seed-0", checkpoint="")


def test_every_argument_of_every_verb_is_checked() -> None:
    """Numbers are checked against limits of their own."""
    numbers = {"steps", "seed", "keep", "episodes"}
    for verb in ("train", "resume", "evaluate", "load", "watch", "specialize", "export"):
        parameters = inspect.signature(getattr(hyperrl, verb)).parameters
        assert set(parameters) - numbers <= set(CONSTRAINTS), verb


class Still(gym.Env[np.ndarray, np.ndarray]):
    """Has a mass, and makes nothing of it."""

    observation_space = action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    mass = 1.0


MASS = {"mass": {"train": [1, 2]}}
CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: hyperrl.contextualize(3, MASS), "make_env: found 3; allowed: a function that makes an env"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(dict, MASS), "make_env: made {}; allowed: an environment of gymnasium"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, 3), "features: found 3; allowed: a dictionary of features"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, {3: {}}), "features: found {3: {}}; allowed: a dictionary of"),  # type: ignore[dict-item]
    (lambda: hyperrl.contextualize(Still, MASS, max_steps=0), "max_steps: found 0; allowed: a whole number"),
    (lambda: hyperrl.contextualize(Still, MASS, name=3), "name: found 3; allowed: text"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, MASS, derived=[]), "derived: found []; allowed: a dictionary"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, MASS, evaluation=3), "evaluation: found 3; allowed: a dictionary"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, MASS, nam="x"), "contextualize: unknown argument 'nam'; did you"),  # type: ignore[call-arg]
    (lambda: Family.load(3), "name_or_path: found 3; allowed: a name, or the path of a YAML file"),  # type: ignore[arg-type]
    (lambda: Family.load("ode").tasks(3), "ode: unknown split 3; known: train, validation, "),  # type: ignore[arg-type]
    (lambda: Family.load("ode").make_vec("2"), "num_envs: found '2'; allowed: a whole number from 1 to"),  # type: ignore[arg-type]
    (lambda: Family.load("ode").space.complete(3), "context: found 3; allowed: a dictionary of features'"),  # type: ignore[arg-type]
    (lambda: hyperrl.load_specialist(3), "path: found 3; allowed: a path"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "says"), CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_so_are_those_of_other_functions(call: Callable[[], Any], says: str) -> None:
    assert message(call).startswith(says)
