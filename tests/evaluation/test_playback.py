from dataclasses import replace
from itertools import pairwise
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.evaluation import ModelPolicy, evaluate_tasks
from hyperrl.evaluation.playback import Panel, frame_rate, render_episodes, tasks_to_watch
from hyperrl.tasks import Family, contextualize
from hyperrl.tasks.dynamics import WallGapEnv
from tests.evaluation.conftest import balance, drive
from tests.masked import masked_model
from tests.suite import needs

Frame = NDArray[np.uint8]


def test_a_film_shows_every_step_of_the_episode(film: list[Frame]) -> None:
    assert len(film) == 41
    assert {frame.shape for frame in film} == {film[0].shape}
    assert film[0].shape[0] % 16 == film[0].shape[1] % 16 == 0
    assert film[0].dtype == np.uint8


def test_frames_are_not_black_and_differ_over_time_in_every_panel(film: list[Frame]) -> None:
    width = film[0].shape[1] // 3  # three tasks stand in one row
    for left in (0, width, 2 * width):
        panel = np.stack([frame[:, left : left + width] for frame in film])
        assert panel.max() > 200
        assert panel.min() < 100
        assert all((one != other).any() for one, other in pairwise(panel[::10]))


def test_captions_say_task_and_return() -> None:
    family = Family.load("ode")
    panel = Panel(family.make(render_mode="rgb_array"), family.tasks("train")[-1], "train", {"c0": "1/s"})
    panel.reset(0, {"x": 1.0})
    assert panel.caption == ("train", "c0 = 5 1/s", "return 0.0, step 0")
    while panel.running:
        panel.step(drive({key: np.asarray(part)[None] for key, part in panel.observation.items()})[0])
    played = evaluate_tasks(drive, family, [{"c0": 5.0}], episodes=1)[0]
    assert panel.total == pytest.approx(played.returns[0])
    assert replace(panel, context=family.space.complete({"c0": 2.34567}), units={}).caption[1] == "c0 = 2.35"
    assert panel.caption == ("train", "c0 = 5 1/s", f"return {played.returns[0]:.1f}, step 200, ended")


@pytest.mark.parametrize(("metadata", "found"), [({}, "none"), ({"render_modes": ["human"]}, "'human'")])
def test_an_environment_without_pictures_is_refused(metadata: dict[str, Any], found: str) -> None:
    """Before its constructor meets a render_mode, which it may not take."""

    class Unseen(gym.Env[Any, Any]):
        observation_space = gym.spaces.Box(-1, 1, (1,))
        action_space = gym.spaces.Discrete(2)

        def __init__(self) -> None:
            self.gain, self.metadata = 1.0, metadata

    family = contextualize(Unseen, {"gain": {"train": [0.5, 2.0]}})
    with pytest.raises(UserError, match=f"Unseen renders no picture; .*found {found}; needed: 'rgb_array'"):
        frame_rate(family)


def test_episodes_end_one_by_one_and_stay_as_they_ended(cartpole: Family) -> None:
    tasks = [cartpole.space.default, {**cartpole.space.default, "force_mag": 1.0, "length": 0.05}]
    film = list(render_episodes(balance, cartpole, tasks))
    half = film[0].shape[1] // 2
    left, right = (np.stack([f[:, part] for f in film]) for part in (slice(0, half), slice(half, None)))
    changes = [int((one[1:] != one[:-1]).any(axis=(1, 2, 3)).sum()) for one in (left, right)]
    assert changes[0] != changes[1]
    assert max(changes) == len(film) - 1


def test_some_held_out_tasks_are_shown_where_none_are_requested() -> None:
    family = Family.load("ode")
    chosen = tasks_to_watch(family, [])
    assert [family.flag(task) for task in chosen] == ["interpolation"] * 3 + ["extrapolation"] * 3
    assert tasks_to_watch(family, [{"c0": 7}]) == [{"c0": 7.0}]
    with pytest.raises(UserError, match="at most 16"):
        tasks_to_watch(family, [{"c0": 1.0}] * 17)
    assert frame_rate(family) == 30


@needs("contrib")
def test_a_film_of_masked_actions_has_valid_ones_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the longest of its episodes has ended."""
    step, lengths = WallGapEnv.step, []

    def checked(env: WallGapEnv, action: Any) -> Any:
        assert env.action_masks()[action]
        lengths.append(action)
        return step(env, action)

    monkeypatch.setattr(WallGapEnv, "step", checked)
    recipe = Family.load("wall-gap").recipe
    family = Family(recipe.model_copy(update={"kwargs": {"max_episode_steps": 9}}))

    def up(observation: Any, masks: Any) -> Any:
        return np.where(masks[:, 2], 2, np.argmax(masks, axis=1))

    up.masked = True  # type: ignore[attr-defined]
    tasks = [{"near": each, "far": each} for each in range(9)]
    assert len(list(render_episodes(up, family, tasks))) == 10
    assert len(lengths) < 81
    assert len(list(render_episodes(ModelPolicy(masked_model(family)), family, tasks))) == 10
    with pytest.raises(UserError, match="'cartpole': found no action masks"):
        next(render_episodes(up, Family.load("cartpole"), [{}]))
