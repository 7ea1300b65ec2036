from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.api.runs import family_of, load_agent
from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.networks import NETWORKS, Ensemble, disagreement, networks_of
from hyperrl.store import Run
from tests.runs import message, untrained


def agent(path: Path, recipe: str, family: str, overrides: tuple[str, ...] = (), seed: int = 0) -> Any:
    run: Run = untrained(path, recipe, family, overrides, seed=seed)
    return load_agent(run, family_of(run), None)


def observations(family: Any, count: int) -> dict[str, Any]:
    env = family.make_vec(count, contexts=family.tasks("train")[:1] * count)
    observation, _ = env.reset(seed=list(range(count)))
    env.close()
    return dict(observation)


def test_disagreement_of_numbers_is_their_deviation_and_of_choices_a_probability() -> None:
    numbers = np.array([[[0.0, 1.0]], [[2.0, 1.0]]])  # two networks, one row, two parts
    assert disagreement(numbers) == pytest.approx([np.sqrt((2.0 + 0.0) / 2)])
    choices = np.array([[[0], [1]], [[0], [2]], [[1], [3]]])
    assert disagreement(choices) == pytest.approx([2 / 3, 1.0])
    assert disagreement(np.full((4, 3, 2), 7)).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("recipe", "family"),
    [("hyper-ppo", "ode"), ("hyper-ppo", "cartpole"), ("concat-sac", "pendulum"), ("hyper-dqn", "cartpole")],
)
def test_runs_are_an_ensemble_that_answers_as_each_acts(tmp_path: Path, recipe: str, family: str) -> None:
    members = [agent(tmp_path / str(seed), recipe, family, seed=seed) for seed in range(3)]
    networks = networks_of(members)
    assert (networks.count, networks.source, type(networks)) == (3, "runs", Ensemble)
    seen = observations(members[0].family, 5)
    actions, values = networks.answer(seen)
    assert (actions.shape[:2], values.shape) == ((3, 5), (3, 5))
    assert disagreement(actions).shape == (5,)
    for number, member in enumerate(members):
        own = ModelPolicy(member.model)(seen)
        if actions.dtype.kind == "f":
            low, high = member.model.action_space.low, member.model.action_space.high
            np.testing.assert_allclose(actions[number], 2 * (own - low) / (high - low) - 1, atol=1e-5)
        else:
            np.testing.assert_array_equal(actions[number, :, 0], own)
    assert np.ptp(values, axis=0).min() > 0


def test_an_index_is_an_ensemble_of_its_own(tmp_path: Path) -> None:
    noisy = agent(tmp_path / "x", "hyper-ppo", "ode", ("policy.hypernetwork.inputs=[context, noise]",))
    networks = networks_of([noisy])
    assert (networks.count, networks.source) == (NETWORKS, "index")
    actions, values = networks.answer(observations(noisy.family, 4))
    assert actions.shape == (NETWORKS, 4, 2)
    assert np.abs(actions).max() <= 1
    assert values.std(axis=0).min() > 0
    again, _ = networks_of([noisy]).answer(observations(noisy.family, 4))
    np.testing.assert_array_equal(again, actions)


def test_values_are_in_the_unit_of_rewards(tmp_path: Path) -> None:
    member = agent(tmp_path / "n", "hyper-ppo", "ode", ("normalize=true",))
    seen = observations(member.family, 2)
    _, before = Ensemble([member.model] * 2).answer(seen)
    member.model.policy.normalization.returns.var.fill_(9.0)
    _, after = Ensemble([member.model] * 2).answer(seen)
    np.testing.assert_allclose(after, 3 * before, rtol=1e-4)


def test_one_network_and_memories_are_refused(tmp_path: Path) -> None:
    said = message(networks_of, [agent(tmp_path / "one", "hyper-ppo", "ode")])
    assert said.startswith("uncertainty: found one run of agent 'hyper-ppo', which has one network; allowed:")
    remembering = [agent(tmp_path / str(seed), "hyper-recurrent-ppo", "ode") for seed in range(2)]
    assert "which remembers what it saw" in message(networks_of, remembering)
