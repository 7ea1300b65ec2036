"""No pass of learning, and none after loading, uses a weight that its parameters no longer give."""

import io
from typing import Any

import pytest
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import EvalCallback
from torch import Tensor

from hyperrl.policies import GeneratedNetworks, HyperActorCriticPolicy
from tests.policies.caching import act, acting, drawn, own_step, stale
from tests.policies.worlds import STRATEGIES, disturb, model, policy, policy_of, venv


def watched(made: HyperActorCriticPolicy) -> list[float]:
    """Compares every pass from now on with weights generated for it alone."""
    errors: list[float] = []

    @torch.no_grad()
    def compare(generated: GeneratedNetworks, inputs: tuple[Any, ...], found: list[Tensor]) -> None:
        features, *names = inputs
        x, descriptors = features[:, :-2], features[:, -2:]
        weights = generated.hyper(descriptors)
        for name, one in zip(names, found, strict=True):
            expected = dict(generated.target.named())[name](x, weights[name])
            errors.append(float((one - expected).abs().max() / expected.abs().max()))

    made.generated.register_forward_hook(compare)
    return errors


@pytest.mark.parametrize("options", [{}, {"use_sde": True}, {"share_features_extractor": False}])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("algorithm", [PPO, A2C])
def test_no_pass_of_learning_uses_a_stale_weight(
    algorithm: Any, strategy: str, options: dict[str, Any]
) -> None:
    built = model(venv("context"), algorithm, strategy=strategy, **options)
    built.learning_rate, built.lr_schedule = 0.05, lambda _: 0.05
    errors = watched(policy_of(built))
    built.learn(64, callback=EvalCallback(venv("context"), n_eval_episodes=1, eval_freq=5, verbose=0))
    assert len(errors) > 64
    assert max(errors) < 1e-5


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_model_that_acts_between_updates(strategy: str) -> None:
    batch = drawn(3)
    built = model(venv("context"), strategy=strategy)
    built.learn(16)
    made = policy_of(built)
    for _ in range(3):
        made.set_training_mode(False)
        for _ in range(10):
            act(made, batch)
        before = act(made, batch)
        built.train()
        made.set_training_mode(False)
        assert stale(made, batch) < 1e-5
        assert not torch.equal(act(made, batch), before)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_set_parameters_and_load(strategy: str) -> None:
    batch = drawn(3)
    built, other = (model(venv("context"), strategy=strategy, seed=seed) for seed in (0, 1))
    made, donor = policy_of(built), policy_of(other)
    for each in (made, donor):
        disturb(each)
        each.set_training_mode(False)
    for _ in range(10):
        act(made, batch)
    built.set_parameters(other.get_parameters(), exact_match=True)  # type: ignore[arg-type]
    assert stale(made, batch) < 1e-5
    assert torch.equal(act(made, batch), act(donor, batch))
    file = io.BytesIO()
    built.save(file)
    disturb(made)
    loaded = policy_of(type(built).load(file, device="cpu"))
    loaded.set_training_mode(False)
    assert stale(loaded, batch) < 1e-5
    assert torch.equal(act(loaded, batch), act(donor, batch))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_moving_to_a_device_and_back(strategy: str) -> None:
    batch = drawn(3)
    made = acting(strategy, batch, 20)
    moved = {key: one.cuda() for key, one in batch.items()}
    made.to("cuda")
    assert stale(made, moved) < 1e-4
    own_step(made.cpu())
    made.to("cuda")
    assert stale(made, moved) < 1e-4
    made.to("cpu")
    assert stale(made, batch) < 1e-5


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_two_policies_do_not_share_what_they_keep(strategy: str) -> None:
    batch = drawn(3)
    one, other = (policy("context", strategy=strategy, seed=seed) for seed in (0, 1))
    for each in (one, other, one, other):
        each.set_training_mode(False)
        assert stale(each, batch) < 1e-5


@pytest.mark.parametrize("change", ["Adam", "load_state_dict", "written, then predict"])
def test_the_one_task_without_a_context(change: str) -> None:
    made = policy("box")
    made.set_training_mode(False)
    batch = torch.randn(4, 4)

    def out() -> Tensor:
        return made.predict_values(batch)

    with torch.no_grad():
        before = [out() for _ in range(20)][-1]
        if change == "Adam":
            with torch.enable_grad():
                out().sum().backward()  # type: ignore[no-untyped-call]
            torch.optim.Adam(made.parameters(), lr=0.1).step()
        elif change == "load_state_dict":
            made.load_state_dict(policy("box", seed=1).state_dict())
        else:
            disturb(made)
            made.predict(batch.numpy())
        weights = made.generated_weights(torch.empty(1, 0))
        h = batch
        for layer in range(3):
            h = h @ weights[f"critic.{layer}.weight"][0].t() + weights[f"critic.{layer}.bias"][0]
            h = h.tanh() if layer < 2 else h
        assert not torch.allclose(before, h)
        torch.testing.assert_close(out(), h, rtol=1e-5, atol=1e-6)
