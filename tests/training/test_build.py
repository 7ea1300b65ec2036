"""An algorithm is built as the recipe of its agent says."""

import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl import contextualize, recipes
from hyperrl.config import STRATEGY_OPTIONS
from hyperrl.errors import UserError
from hyperrl.policies import BlindExtractor, ContextReplayBuffer, HyperPolicy
from hyperrl.policies.hindsight import HindsightReplayBuffer
from hyperrl.policies.registry import view
from hyperrl.recipes import (
    BlindPolicyRecipe,
    HyperPolicyRecipe,
    load_agent,
    resolve,
)
from hyperrl.recipes.schedules import Linear
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import BatchedVecEnv, build_model, load_model, resume, train
from hyperrl.training.build import bare_model, training_descriptors, training_goals
from hyperrl.training.parameter_matching import count_parameters
from tests.recipes.test_algorithms import theirs
from tests.suite import family_for, learnable
from tests.training.conftest import COMMON, SMALL, build, small


def test_a_rank_that_has_no_effect_is_refused() -> None:
    for strategy, options in STRATEGY_OPTIONS.items():
        fields = {"hypernetwork": {"strategy": strategy, "rank": 3}}
        if "rank" in options:
            assert HyperPolicyRecipe.model_validate(fields).hypernetwork.rank == 3
        else:
            with pytest.raises(ValueError, match=f"found 3; allowed: none with the strategy '{strategy}'"):
                HyperPolicyRecipe.model_validate(fields)


CHANGED = {
    "name",
    "clip_range",
    "use_rms_prop",
    "rms_prop_eps",
    "train_freq",
    "action_noise",
    "target_entropy",
    "her",
}


def extractor_of(policy: Any) -> Any:
    parts = [getattr(policy, name) for name in ("actor", "q_net", "quantile_net") if hasattr(policy, name)]
    return parts[0].features_extractor if parts else policy.features_extractor


@pytest.mark.parametrize(
    "agent", [learnable(name) for name in recipes.shipped("agents") if name != "concat-ppo-matched"]
)
def test_every_shipped_agent_is_built_as_its_recipe_says(agent: str) -> None:
    model, recipe, _ = build(agent, family_for(agent), f"n_envs={load_agent(agent).n_envs}")
    assert type(model) is theirs(recipe.algorithm.name)
    assert isinstance(model.policy, HyperPolicy) == isinstance(recipe.policy, HyperPolicyRecipe)
    assert isinstance(extractor_of(model.policy), BlindExtractor) == isinstance(
        recipe.policy, BlindPolicyRecipe
    )
    for name, value in recipe.algorithm.model_dump(exclude=CHANGED).items():
        assert getattr(model, name) == value
    assert (model.seed, model.n_envs) == (5, recipe.n_envs)


@pytest.mark.parametrize("agent", ["concat-sac", "hyper-td3"])
def test_off_policy_fields_reach_the_algorithm(agent: str) -> None:
    fields = ("algorithm.action_noise=0.3", "policy.critic_lr_scale=3", "policy.net_arch={pi: [5], vf: [6]}")
    model, recipe, _ = build(agent, "pendulum", *fields)
    assert isinstance(model.replay_buffer, ContextReplayBuffer)
    assert (model.replay_buffer.buffer_size, model.train_freq.frequency) == (1536 // 8, 8)
    assert model.action_noise._sigma.tolist() == [0.3]
    assert model.policy.net_arch == {"pi": [5], "qf": [6]}
    scales = [
        {group.get("lr_scale", 1.0) for group in part.optimizer.param_groups}
        for part in (model.actor, model.critic)
    ]
    assert scales == [{1.0}, {3.0}]
    assert recipe.policy.critic_lr_scale == 3


SCALES = {"generator": 0.3, "heads": 0.1, "shared": 0.5, "rest": 1.0}
"""Of learning rates, by the kind of parameters of a group."""


@pytest.mark.parametrize("agent", [learnable(f"hyper-{name.replace('_', '-')}") for name in SMALL])
def test_every_group_steps_at_its_scale_of_the_schedule(agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every algorithm, whatever Stable-Baselines3 writes into the groups before an update."""
    algorithm = load_agent(agent).algorithm
    lr_scale = ", ".join(f"{kind}: {scale}" for kind, scale in SCALES.items() if kind != "rest")
    overrides = [
        "algorithm.learning_rate={schedule: linear, start: 1e-2, end: 1e-3, warmup: 0.3}",
        f"policy.hypernetwork.lr_scale={{{lr_scale}}}",
    ]
    critics = 3.0 if "critic_lr_scale" in algorithm.policy_arguments else 1.0
    overrides += [f"policy.critic_lr_scale={critics}"]
    rates: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for base in (torch.optim.Adam, torch.optim.RMSprop):

        def recorded(optimizer: Any, closure: Any = None, step: Any = base.step) -> Any:
            for group in optimizer.param_groups:
                remaining = model._current_progress_remaining
                key = id(optimizer), group.get("name", "")
                rates.setdefault(key, []).append((remaining, group["lr"]))
            return step(optimizer, closure)

        monkeypatch.setattr(base, "step", recorded)
    model, recipe, _ = build(agent, family_for(agent), *overrides)
    schedule = recipe.algorithm.learning_rate
    assert isinstance(schedule, Linear)
    model.learn(2048)
    optimizers = view(model).optimizers
    for name, optimizer in optimizers.items():
        for group in optimizer.param_groups:
            kind = group.get("name", "rest").rpartition(".")[2]
            scale = SCALES[kind] * (critics if name == "critic" else 1.0)
            steps = rates.pop((id(optimizer), group.get("name", "")))
            assert len({remaining for remaining, _ in steps}) > 2
            assert [rate for _, rate in steps] == pytest.approx(
                [schedule(remaining) * scale for remaining, _ in steps]
            )
    assert all(rate == schedule(remaining) for steps in rates.values() for remaining, rate in steps)
    names = {
        group.get("name", "").rpartition(".")[2]
        for each in optimizers.values()
        for group in each.param_groups
    }
    assert {"generator", "heads", "shared"} <= names


@pytest.mark.parametrize(
    ("agent", "family"), [("hyper-sac", "ode"), ("concat-td3", "ode"), ("hyper-dqn", "cartpole")]
)
def test_a_bare_off_policy_model_acts_and_learns_nothing(agent: str, family: str) -> None:
    recipe, loaded = small(agent, family)
    for to_learn in (True, False):
        bare = bare_model(recipe, loaded.observation_space, loaded.action_space, to_learn=to_learn)
        assert isinstance(bare, BaseAlgorithm)
        observation = loaded.observation_space.sample()
        action, _ = bare.predict(observation, deterministic=True)
        assert loaded.action_space.contains(action if action.shape else int(action))
    assert bare.buffer_size == 1  # type: ignore[attr-defined]


def test_a_seed_gives_the_same_weights_and_another_others() -> None:
    one, recipe, family = build("hyper-ppo", "ode")
    two, _, _ = build("hyper-ppo", "ode")
    other = build_model(recipe, BatchedVecEnv(family.make_vec(recipe.n_envs)), seed=6)
    weights = [torch.nn.utils.parameters_to_vector(model.policy.parameters()) for model in (one, two, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_number_of_threads_is_the_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    build("concat-ppo", "ode", "threads=3")
    assert asked == [3]


def test_goals_are_those_of_agents_that_relabel_them() -> None:
    recipe, family = small("hyper-sac", "point-reach")
    goals = training_goals(recipe, family)
    assert goals is not None
    assert goals.family is family
    model, _, _ = build("concat-td3", "point-reach")
    assert type(model.replay_buffer) is HindsightReplayBuffer
    assert training_goals(*small("hyper-sac", "point-reach", "algorithm.her=null")) is None
    assert training_goals(*small("concat-ppo", "point-reach")) is None


@pytest.mark.parametrize(
    ("family", "fields", "message"),
    [
        ("ode", (), "family 'ode': found observations of context, obs; allowed with algorithm.her: those"),
        (
            "point-reach",
            ("algorithm.buffer_size=319",),
            "agent 'hyper-sac': algorithm.buffer_size: found 319; allowed with algorithm.her, which replays"
            " whole episodes: at least n_envs * 40 = 320",
        ),
    ],
)
def test_hindsight_without_goals_or_room_for_an_episode_is_refused(
    family: str, fields: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}") as caught:
        training_goals(*small("hyper-sac", family, "algorithm.her={}", *fields))
    assert "\n" not in str(caught.value)


def test_hindsight_is_for_goals_that_stay_and_are_told_as_they_are() -> None:
    recipe, family = small("hyper-sac", "point-reach", "algorithm.her={}")
    changing = family.with_schedules({"mass": "drift"})
    with pytest.raises(
        UserError, match=r"^family 'point-reach': found schedules of \w+; allowed with algori"
    ):
        training_goals(recipe, changing)
    noisy = recipe.model_copy(update={"context_noise": 0.1})
    told = Family(family.recipe.model_copy(update={"goal": family.space.names}))
    with pytest.raises(UserError, match=r"^agent 'hyper-sac': context_noise: found some on \w+.*, the goal;"):
        training_goals(noisy, told)


def test_a_bare_model_has_the_same_networks_and_seeds_nothing() -> None:
    model, recipe, family = build("hyper-ppo", "ode")
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    states = []
    for _ in range(2):
        bare = bare_model(recipe, family.observation_space, family.action_space)
        states.append(torch.nn.utils.parameters_to_vector(bare.policy.parameters()))
    assert not torch.equal(states[0], states[1])
    assert not torch.equal(torch.rand(3), expected)
    bare.policy.load_state_dict(model.policy.state_dict())
    observation = family.observation_space.sample()
    ours, theirs = (agent.predict(observation, deterministic=True)[0] for agent in (bare, model))
    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "tpu", ""])
def test_a_device_that_is_not_there_is_reported(device: str) -> None:
    with pytest.raises(UserError, match="not available here") as caught:
        build("concat-ppo", "ode", device=device)
    assert "\n" not in str(caught.value)


def test_gsde_needs_continuous_actions() -> None:
    with pytest.raises(UserError, match=r"use_sde needs continuous actions, found Discrete"):
        build("concat-ppo", "cartpole", "algorithm.use_sde=true")


def test_embeddings_are_of_the_familys_training_tasks() -> None:
    family = Family.load("ode")
    agent = resolve(load_agent("hyper-ppo"), family.recipe, ["policy.hypernetwork.inputs=[embedding]"])
    descriptors = training_descriptors(agent, family)
    assert descriptors is not None
    assert len(descriptors) == len(family.tasks("train"))
    spaces = family.observation_space, family.action_space
    assert count_parameters(agent, *spaces, descriptors) - count_parameters(
        agent, *spaces, descriptors[:1]
    ) == 8 * (len(descriptors) - 1)
    assert training_descriptors(load_agent("hyper-ppo"), family) is None


class Pictures(gym.Env[Any, Any]):
    """The brightest of two halves is to be told; the context turns the answer round."""

    observation_space = gym.spaces.Box(0, 255, (36, 40, 1), np.uint8)
    action_space = gym.spaces.Discrete(2)

    def __init__(self) -> None:
        self.sign = 1.0

    def _seen(self) -> Any:
        picture = np.zeros((36, 40, 1), np.uint8)
        self.side = int(self.np_random.integers(2))
        picture[:, self.side * 20 : self.side * 20 + 20] = 255
        return picture

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        super().reset(seed=seed)
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        right = int(action) == (self.side if self.sign > 0 else 1 - self.side)
        return self._seen(), float(right), bool(self.np_random.random() < 0.2), False, {}


@pytest.mark.usefixtures("nothing_but_training")
def test_convolutions_on_a_family_of_images(tmp_path: Path) -> None:
    family = contextualize(Pictures, {"sign": {"train": [-1.0, 1.0]}}, max_steps=20)
    recipe = resolve(
        load_agent("hyper-ppo"), family.recipe, [*SMALL["ppo"], *COMMON, "policy.convolutions=[[4, 5, 3]]"]
    )
    run = train(recipe, family, out=tmp_path / "run", steps=512)
    run = resume(run, steps=1024, family=family)
    model = load_model(Run.open(tmp_path / "run"), family=family)
    seen = model.policy.observation_space
    assert isinstance(seen, gym.spaces.Dict)
    assert seen["obs"].shape == (1, 36, 40)
    observation = family.make_vec(3).reset(seed=[1, 2, 3])[0]
    assert model.predict(observation, deterministic=True)[0].shape == (3,)


@pytest.mark.parametrize(
    ("family", "convolutions", "message"),
    [
        ("ode", "[[4, 3, 1]]", "agent 'hyper-ppo': policy.convolutions: found the observation"),
        ("pictures", "[[4, 50, 1]]", "agent 'hyper-ppo': policy.convolutions[0]: found kernel size 50"),
    ],
)
def test_convolutions_that_do_not_fit_are_reported(
    tmp_path: Path, family: str, convolutions: str, message: str
) -> None:
    made = (
        contextualize(Pictures, {"sign": {"train": [-1.0, 1.0]}}, max_steps=20)
        if family == "pictures"
        else Family.load(family)
    )
    agent = resolve(load_agent("hyper-ppo"), made.recipe, [f"policy.convolutions={convolutions}"])
    with pytest.raises(UserError) as told:
        train(agent, made, out=tmp_path / "run", steps=512)
    assert str(told.value).startswith(message)
    assert not (tmp_path / "run").exists()
