"""Evaluation by many indices, or by another one in each episode."""

from pathlib import Path
from typing import Any

import numpy as np

from hyperrl import api
from hyperrl.evaluation.index_acting import IndexedPolicy
from hyperrl.policies.registry import view
from hyperrl.training import load_model
from tests.runs import message, untrained

NOISE = ("policy.hypernetwork.inputs=[context, noise]", "policy.net_arch=[8]")
PRIOR = "policy.hypernetwork.index={prior_scale: 5, kind: members}"


def observations(count: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    obs = rng.uniform(-1, 1, (count, 4)).astype(np.float32)
    return {"obs": obs, "context": rng.uniform(-1, 1, (count, 5)).astype(np.float32)}


def test_actions_are_the_means_the_votes_or_one_of_the_networks(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "hyper-dqn", "cartpole", [*NOISE, PRIOR])
    model, batch = load_model(run, to_learn=False), observations(60)
    of: Any = view(model)
    model.policy.set_training_mode(False)
    outputs = of.act_outputs_by_index(model.policy.obs_to_tensor(batch)[0], of.draw_indices(8))
    choices = outputs.argmax(dim=2).numpy()
    assert np.array_equal(IndexedPolicy(model, "mean")(batch), outputs.mean(dim=0).argmax(dim=1))
    votes = (choices == IndexedPolicy(model, "vote")(batch)).sum(axis=0)
    assert (votes >= 4).all()
    one = IndexedPolicy(model, "thompson")
    acted = one(batch)
    assert np.array_equal(one(batch), acted)
    assert (acted == choices).any(axis=0).all()
    other = IndexedPolicy(model, "thompson", seed=1)(batch)
    assert not np.array_equal(acted, other)


def test_evaluations_say_by_which_index_they_acted(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "hyper-sac", "ode", NOISE)
    for mode in ("mean", "thompson", None):
        found = api.evaluate(run, contexts=[{"c0": 3.0}], episodes=2, index=mode, save=False)
        assert found.to_json()["index"] == mode
    assert "found 'vote' with actions of Box" in message(api.evaluate, run, index="vote", save=False)


def test_an_agent_without_noise_is_refused(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "hyper-sac", "ode", ["policy.net_arch=[8]"])
    said = message(api.evaluate, run, index="mean", save=False)
    assert "needs an agent with 'noise' in policy.hypernetwork.inputs" in said
