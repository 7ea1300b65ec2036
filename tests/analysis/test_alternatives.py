"""Every field of a recipe's networks, from `--set` to a trained run and back."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hyperrl import contextualize
from hyperrl.errors import UserError
from hyperrl.evaluation.agent import Agent
from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training import load_model, resume, train
from hyperrl.training.build import training_descriptors
from hyperrl.training.checkpoint import load_state
from hyperrl.training.parameter_matching import count_parameters
from tests.training.conftest import COMMON, SMALL, Start

FIELDS = [
    ("layer_norm=true", "residual=true"),
    ("hypernetwork={strategy: chunked, chunk_size: 32, width: 8}",),
    ("hypernetwork={strategy: adapter, rank: 4, adapter_activation: relu}",),
    ("hypernetwork={strategy: modulation, head_norm: weight}",),
    ("hypernetwork={strategy: mask, sparsity: 0.3}",),
    ("hypernetwork={generate: [actor, critic.2], trunk: separate}",),
    ("hypernetwork={architecture: transformer, hidden: [8, 8], initialization: hyperfan-in}",),
    ("hypernetwork={architecture: linear, magnitude_invariant: true}",),
    ("hypernetwork={inputs: [context, embedding, noise], embedding_dim: 3, noise_dim: 2}",),
    ("hypernetwork={inputs: [context, state]}",),
    ("hypernetwork={context_dropout: 0.3}",),
    ("hypernetwork={max_grad_norm: 0.1, lr_scale: {heads: 0.5, shared: 2}}",),
]


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: " ".join(fields)[:60])
@pytest.mark.usefixtures("nothing_but_training")
def test_a_field_trains_and_its_checkpoint_acts_the_same(start: Start, fields: tuple[str, ...]) -> None:
    run = start("hyper-ppo", "ode-2d", *(f"policy.{field}" for field in fields), steps=512)
    family = Family(run.spec.family)
    one, two = load_model(run, to_learn=False), load_model(run)
    assert {key: weight.tolist() for key, weight in load_state(run, "latest")["policy"].items()} == {
        key: weight.tolist() for key, weight in one.policy.state_dict().items()
    }
    contexts = family.tasks("train")[:4]
    batch: dict[str, NDArray[Any]] = {
        name: np.stack([space.sample() for _ in contexts])
        for name, space in family.observation_space.spaces.items()  # type: ignore[attr-defined]
    }
    batch["context"] = family.space.descriptors(contexts)
    acted = one.predict(batch, deterministic=True)[0]
    assert np.array_equal(acted, two.predict(batch, deterministic=True)[0])
    agent = Agent(run, family, one)
    observation = {key: value[0] for key, value in batch.items() if key != "context"}
    assert isinstance(one.policy, HyperActorCriticPolicy)
    if one.policy.dynamic:
        for ask in (agent.specialize, agent.weights):
            with pytest.raises(UserError, match="its weights follow what it observes"):
                ask(contexts[0])
        return
    flat = torch.as_tensor(np.concatenate([observation[key].ravel() for key in sorted(observation)]))
    mean = agent.specialize(contexts[0])(flat[None].float())[0].numpy()
    np.testing.assert_allclose(agent.act(observation, contexts[0]), np.clip(mean, *bounds(family)), atol=1e-5)


def bounds(family: Family) -> tuple[Any, Any]:
    space = family.action_space
    assert isinstance(space, gym.spaces.Box)
    return space.low, space.high


@pytest.mark.parametrize(
    "inputs",
    [
        "{inputs: [context, state]}",
        "{inputs: [noise, embedding]}",
        "{strategy: mask, context_dropout: 0.5}",
    ],
)
@pytest.mark.usefixtures("no_figures")
def test_telemetry_and_evaluation_take_them(start: Start, inputs: str) -> None:
    run = start("hyper-ppo", "ode", f"policy.hypernetwork={inputs}", steps=512)
    assert run.state == "finished"


@pytest.mark.parametrize("inputs", ["{inputs: [context, noise]}", "{context_dropout: 0.4}"])
@pytest.mark.usefixtures("nothing_but_training")
def test_an_interrupted_training_goes_on_as_if_it_had_not_stopped(start: Start, inputs: str) -> None:
    field = f"policy.hypernetwork={inputs}"
    whole = start("hyper-ppo", "ode", field, name="whole", steps=1536)
    interrupted = start("hyper-ppo", "ode", field, name="interrupted", steps=1536, killed_at=1200)
    assert interrupted.state == "interrupted"
    again = resume(interrupted)
    expected, found = (load_state(run, "latest")["policy"] for run in (whole, again))
    assert {key: weight.tolist() for key, weight in found.items()} == {
        key: weight.tolist() for key, weight in expected.items()
    }


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
def test_convolutions_that_do_not_fit_are_told(
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
