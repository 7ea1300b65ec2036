"""Every choice of targets, trunks and inputs: learning, saving, copying, and the plain network of a task."""

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, PPO
from torch import nn

from hyperrl.nets import STRATEGIES
from hyperrl.policies import HyperActorCriticPolicy
from tests.policies.worlds import image, model, policy_of, samples, tensors, vector, venv

TASKS = [[0.0, 1.0], [0.5, -0.5], [-1.0, 0.2]]
PICTURES = spaces.Dict(obs=image(), context=vector(2))
HYPER: dict[str, dict[str, Any]] = {
    **{strategy: {"strategy": strategy} for strategy in STRATEGIES},
    "nonlinear adapter": {"strategy": "adapter", "strategy_options": {"activation": nn.ReLU}},
    "state": {"inputs": ["context", "state"]},
    "state alone, full": {"inputs": ["state"], "strategy": "full"},
    "embedding": {"inputs": ["embedding"], "training_contexts": TASKS},
    "all but state": {"inputs": ["context", "embedding", "noise"], "training_contexts": TASKS},
    "missing": {"context_dropout": 0.2},
    "missing and more": {
        "context_dropout": 0.2,
        "magnitude_invariant": True,
        "inputs": ["context", "noise", "embedding"],
        "training_contexts": TASKS,
        "strategy": "full",
    },
    "separate": {"trunk": "separate", "strategy": "full"},
    "separate, some shared": {"trunk": "separate", "generate": ["actor.1", "critic"]},
    "transformer": {"architecture": "transformer", "hidden": (8, 8)},
    "rates": {"lr_scale": {"heads": 0.1, "shared": 0.5}},
    "clipped": {"max_grad_norm": 0.01},
}
TARGETS: dict[str, dict[str, Any]] = {
    "plain": {},
    "normed and residual": {"layer_norm": True, "residual": True},
    "convolutions": {"convolutions": [(4, 3, 2), (4, 3, 2)], "net_arch": [8]},
}
COMBINED = [(hyper, "plain") for hyper in HYPER]
COMBINED += [(hyper, target) for hyper in ("low-rank", "full", "separate") for target in list(TARGETS)[1:]]


def built(hyper: str, target: str, algorithm: Any = PPO) -> Any:
    env = venv(PICTURES if target == "convolutions" else "context")
    return model(env, algorithm, hypernetwork={"hidden": (8,), **HYPER[hyper]}, **TARGETS[target])


@pytest.mark.parametrize(("hyper", "target"), COMBINED)
def test_it_learns_and_is_saved_copied_and_pickled(hyper: str, target: str) -> None:
    made = built(hyper, target)
    before = torch.nn.utils.parameters_to_vector(made.policy.parameters()).clone()
    made.learn(16)
    assert not torch.equal(before, torch.nn.utils.parameters_to_vector(made.policy.parameters()))
    file = io.BytesIO()
    made.save(file)
    file.seek(0)
    loaded = PPO.load(file, env=made.env, device="cpu")
    batch = samples(made.observation_space, 5)
    expected = made.predict(batch, deterministic=True)[0]
    others = [loaded.policy, copy.deepcopy(made.policy), pickle.loads(pickle.dumps(made.policy))]
    for other in others:
        assert np.array_equal(other.predict(batch, deterministic=True)[0], expected)
    loaded.learn(16)
    assert not np.array_equal(loaded.predict(batch, deterministic=True)[0], expected)


@pytest.mark.parametrize("hyper", ["state", "separate", "clipped"])
def test_a2c_takes_the_choices_too(hyper: str) -> None:
    made = built(hyper, "plain", A2C)
    made.learn(16)
    assert type(made.policy.optimizer).__name__.endswith("RMSprop")


@pytest.mark.parametrize(
    ("hyper", "target"), [pair for pair in COMBINED if "state" not in HYPER[pair[0]].get("inputs", ())]
)
def test_the_plain_network_of_a_task_is_the_policy(hyper: str, target: str) -> None:
    made = policy_of(built(hyper, target).learn(16))
    batch = tensors(made, samples(made.observation_space, 3))
    with torch.no_grad(), made.generated.inputs.acting(deterministic=True):
        features: Any = made.extract_features(batch)
        features = features[:, :-2]
        for row in range(3):
            one = {key: value[row : row + 1] for key, value in batch.items()}
            expected = made.get_distribution(one).mode()
            plain = made.specialize(one["context"][0])
            torch.testing.assert_close(plain(features[row : row + 1]), expected, rtol=1e-4, atol=1e-5)
        if target == "convolutions":
            pixels = batch["obs"].float() / 255
            torch.testing.assert_close(
                made.specialize(batch["context"][0])(pixels)[:1], plain_of(made, batch)
            )


def plain_of(made: HyperActorCriticPolicy, batch: Any) -> torch.Tensor:
    found: torch.Tensor = made.get_distribution({key: one[:1] for key, one in batch.items()}).mode()
    return found


@pytest.mark.parametrize("hyper", ["state", "state alone, full"])
def test_weights_that_follow_the_state_belong_to_no_task(hyper: str) -> None:
    made = policy_of(built(hyper, "plain"))
    assert made.dynamic
    for ask in (lambda: made.specialize(torch.zeros(2)), lambda: made.generated_weights(torch.zeros(1, 2))):
        with pytest.raises(ValueError, match="inputs hold 'state': a task alone has no weights"):
            ask()


@pytest.mark.parametrize("hyper", ["state", "state alone, full"])
def test_weights_that_follow_the_state_are_each_rows_own_and_never_kept(hyper: str) -> None:
    made = policy_of(built(hyper, "plain").learn(16))
    made.set_training_mode(False)
    batch = tensors(made, samples(made.observation_space, 6))
    calls: list[int] = []
    made.generated.fused = False
    made.generated.hyper.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        whole = made.get_distribution(batch).mode()
        rows = [
            made.get_distribution({key: one[i : i + 1] for key, one in batch.items()}).mode()
            for i in range(6)
        ]
        torch.testing.assert_close(torch.cat(rows), whole, rtol=1e-4, atol=1e-5)
        for _ in range(10):
            made.get_distribution(batch)
    assert len(calls) == 17
    assert made.generated._cache.empty
    x = batch["obs"]
    weights = [
        made.generated.hyper(made.generated.inputs(x[i : i + 1], batch["context"][i : i + 1])).dense()
        for i in range(2)
    ]
    assert all(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0] if "weight" in name)


def test_separate_trunks_share_nothing() -> None:
    made = policy_of(built("separate", "plain"))
    batch = tensors(made, samples(made.observation_space, 4))
    made.get_distribution(batch).mode().sum().backward()  # type: ignore[no-untyped-call]
    grads = {name: one.grad for name, one in made.generated.hyper.named_parameters()}
    assert all((grad is not None) == ("actor" in name) for name, grad in grads.items())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stratgy": "full"}, "hypernetwork: found 'stratgy'"),
        ({"descriptor_dim": 3}, "hypernetwork: found 'descriptor_dim'"),
        ({"trunk": "both"}, "trunk: found 'both'"),
        ({"inputs": []}, "inputs: found"),
        ({"inputs": ["context", "context"]}, "inputs: found"),
        ({"inputs": ["time"]}, r"inputs\[0\]: found 'time'"),
        ({"inputs": ["embedding"]}, "tasks: found"),
        ({"inputs": ["embedding"], "training_contexts": [[1.0]]}, "training_contexts: found 1"),
        ({"context_dropout": 1.0}, "context_dropout: found 1.0"),
        ({"context_dropout": 0.1, "inputs": ["noise"]}, "context_dropout: found"),
        ({"max_grad_norm": 0.0}, "max_grad_norm: found 0.0"),
        ({"lr_scale": {"head": 1.0}}, "lr_scale: found 'head'"),
        ({"lr_scale": {"heads": -1.0}}, r"lr_scale\['heads'\]: found -1\.0"),
        ({"trunk": "separate", "generate": ["actor"]}, "generate: found"),
    ],
)
def test_mistakes_are_reported(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model(venv("context"), hypernetwork=given)


def test_convolutions_need_an_image_and_embeddings_a_context() -> None:
    with pytest.raises(ValueError, match="convolutions: found the observation"):
        model(venv("context"), convolutions=[(4, 3, 2)])
    with pytest.raises(ValueError, match=r"convolutions\[0\]: found kernel size 40"):
        model(venv(PICTURES), convolutions=[(4, 40, 2)])
    with pytest.raises(ValueError, match="'embedding' on observations without a context"):
        model(venv("box"), hypernetwork={"inputs": ["embedding"], "training_contexts": TASKS})


@pytest.mark.parametrize("inputs", [["state"], ["noise"], ["context", "noise"]])
def test_observations_without_a_context(inputs: list[str]) -> None:
    model(venv("box"), hypernetwork={"inputs": inputs}).learn(16)
