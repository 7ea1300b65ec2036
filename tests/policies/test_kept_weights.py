"""Weights are kept while acting, and none is used once the parameters or the task have changed."""

import copy
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from hyperrl.policies import GeneratedMLP, HyperActorCriticPolicy
from tests.policies.worlds import OBSERVATIONS, STRATEGIES, disturb, model, policy, policy_of, samples, venv

Observations = dict[str, Tensor]
Change = Callable[[HyperActorCriticPolicy], object]
TASKS = [1, 3]
USES = [1, 20]
"""Passes before the change: fresh from the hypernetwork, and after the library has seen that they pay."""


def drawn(tasks: int, rows: int = 6, seed: int = 0) -> Observations:
    batch = {key: torch.as_tensor(one) for key, one in samples(OBSERVATIONS["context"], rows, seed).items()}
    batch["context"] = batch["context"][torch.arange(rows) % tasks]
    return batch


@torch.no_grad()
def act(made: HyperActorCriticPolicy, batch: Observations) -> Tensor:
    """What a policy in evaluation mode gives, its mode untouched."""
    return torch.cat([made.get_distribution(batch).mode(), made.predict_values(batch)], dim=1)


@torch.no_grad()
def fresh(made: HyperActorCriticPolicy, batch: Observations) -> Tensor:
    """The same, row by row through weights that have just been generated."""
    rows = []
    for observation, context in zip(batch["obs"], batch["context"], strict=True):
        weights = made.generated_weights(context[None])
        outputs = []
        for network in ("actor", "critic"):
            h = observation
            for layer in range(3):
                h = weights[f"{network}.{layer}.weight"][0] @ h + weights[f"{network}.{layer}.bias"][0]
                h = h.tanh() if layer < 2 else h
            outputs.append(h)
        rows.append(torch.cat(outputs))
    return torch.stack(rows)


def stale(made: HyperActorCriticPolicy, batch: Observations) -> float:
    """How far what is used is from what should be, in units of the largest entry."""
    expected = fresh(made, batch)
    return float((act(made, batch) - expected).abs().max() / expected.abs().max())


def acting(strategy: str, batch: Observations, uses: int) -> HyperActorCriticPolicy:
    made = policy("context", strategy=strategy)
    made.set_training_mode(False)
    for _ in range(uses):
        act(made, batch)
    return made


def with_gradients(made: HyperActorCriticPolicy) -> list[nn.Parameter]:
    made.zero_grad()
    _, values, log_prob = made(drawn(3))
    (values.sum() + log_prob.sum()).backward()
    return list(made.parameters())


def stepped(optimizer: Callable[..., torch.optim.Optimizer], **options: Any) -> Change:
    def change(made: HyperActorCriticPolicy) -> None:
        optimizer(with_gradients(made), lr=0.02, **options).step()

    return change


def own_step(made: HyperActorCriticPolicy) -> None:
    with_gradients(made)
    made.optimizer.step()


def written_then_predicted(made: HyperActorCriticPolicy) -> None:
    for parameter in made.parameters():
        parameter.data.add_(0.1)
    made.predict({key: one.numpy() for key, one in drawn(3).items()})


def written_then_mode_set(made: HyperActorCriticPolicy) -> None:
    for parameter in made.parameters():
        parameter.data = parameter.data + 0.1
    made.set_training_mode(False)


def trained_between(made: HyperActorCriticPolicy) -> None:
    made.train()
    disturb(made)
    made.eval()


CHANGES: dict[str, Change] = {
    "own optimiser": own_step,
    "Adam": stepped(torch.optim.Adam),
    "fused Adam": stepped(torch.optim.Adam, fused=True),
    "one by one": stepped(torch.optim.Adam, foreach=False),
    "SGD": stepped(torch.optim.SGD),
    "RMSprop": stepped(torch.optim.RMSprop),
    "load_state_dict": lambda made: made.load_state_dict(policy(seed=1, strategy=kind_of(made)).state_dict()),
    "load_from_vector": lambda made: made.load_from_vector(made.parameters_to_vector() * np.float32(0.9)),
    "dtype": lambda made: made.half().float(),
    "written, then predict": written_then_predicted,
    "written, then mode": written_then_mode_set,
    "training mode": trained_between,
}


def kind_of(made: HyperActorCriticPolicy) -> str:
    return str(made.hypernetwork["strategy"])


def staleness_after(change: Change, strategy: str, tasks: int, uses: int) -> float:
    batch = drawn(tasks)
    made = acting(strategy, batch, uses)
    before = act(made, batch)
    change(made)
    assert not torch.allclose(fresh(made, batch), before, rtol=1e-5, atol=1e-6), "nothing has changed"
    return stale(made, batch)


@pytest.mark.parametrize("uses", USES)
@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("change", CHANGES)
def test_no_weight_outlives_its_parameters(change: str, strategy: str, tasks: int, uses: int) -> None:
    assert staleness_after(CHANGES[change], strategy, tasks, uses) < 1e-5


def no_optimiser_hook(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(import_module("torch.optim.optimizer"), "_global_optimizer_post_hooks", OrderedDict())


def no_loading_hook(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GeneratedMLP, "register_load_state_dict_post_hook", lambda *_: None)


@pytest.mark.parametrize(
    ("removed", "change"),
    [
        (no_optimiser_hook, "own optimiser"),
        (no_optimiser_hook, "Adam"),
        (no_optimiser_hook, "fused Adam"),
        (no_loading_hook, "load_state_dict"),
        (lambda patch: patch.setattr(GeneratedMLP, "_apply", nn.Module._apply), "dtype"),
        (lambda patch: patch.setattr(GeneratedMLP, "train", nn.Module.train), "written, then predict"),
        (lambda patch: patch.setattr(GeneratedMLP, "train", nn.Module.train), "written, then mode"),
        (lambda patch: patch.setattr(GeneratedMLP, "train", nn.Module.train), "training mode"),
        (
            lambda patch: patch.setattr(
                HyperActorCriticPolicy, "load_from_vector", BasePolicy.load_from_vector
            ),
            "load_from_vector",
        ),
    ],
)
@pytest.mark.parametrize("uses", USES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_hook_is_needed(
    removed: Callable[[pytest.MonkeyPatch], None],
    change: str,
    strategy: str,
    uses: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without it the test above would see a stale weight: what it proves is worth having."""
    removed(monkeypatch)
    assert staleness_after(CHANGES[change], strategy, 3, uses) > 1e-4


def other_contexts(batch: Observations) -> list[Observations]:
    context = batch["context"]
    nearly = context.clone()
    nearly[-1, -1] = torch.nextafter(nearly[-1, -1], torch.tensor(2.0))
    far = context.clone()
    far[0] = 0.9
    shorter = {key: one[:4] for key, one in batch.items()}
    single = {key: one[1:2] for key, one in batch.items()}
    renewed = drawn(3, seed=5)
    replaced = ({**batch, "context": one} for one in (context.flip(0), nearly, far, -context))
    return [*replaced, shorter, single, renewed, batch]


@pytest.mark.parametrize("uses", USES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_weight_outlives_its_task(strategy: str, uses: int) -> None:
    batch = drawn(3)
    made = acting(strategy, batch, uses)
    for other in other_contexts(batch):
        assert stale(made, other) < 1e-5
        assert stale(made, batch) < 1e-5


def test_the_comparison_of_contexts_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = drawn(3)
    made = acting("low-rank", batch, 1)
    monkeypatch.setattr(torch, "equal", lambda *_: True)
    assert stale(made, {**batch, "context": -batch["context"]}) > 1e-4


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_contexts_written_in_place_are_seen(strategy: str) -> None:
    batch = drawn(3)
    made = acting(strategy, batch, 20)
    batch["context"].mul_(-0.5)
    assert stale(made, batch) < 1e-5


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("duplicated", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_go_their_own_way(strategy: str, duplicated: Callable[[Any], Any]) -> None:
    batch = drawn(3)
    made = acting(strategy, batch, 20)
    copied = duplicated(made)
    assert stale(copied, batch) < 1e-5
    own_step(copied)
    assert stale(copied, batch) < 1e-5
    assert stale(made, batch) < 1e-5
    own_step(made)
    assert stale(made, batch) < 1e-5
    assert stale(copied, batch) < 1e-5


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_copy_starts_without_kept_weights(strategy: str) -> None:
    """A pickle read in a process whose optimisers took as many steps must not trust what it carries."""
    batch = drawn(3)
    made = acting(strategy, batch, 20)
    copied = pickle.loads(pickle.dumps(made))
    assert generations(copied, lambda: act(copied, batch)) == 1
    assert generations(made, lambda: act(made, batch)) == 0


def generations(made: HyperActorCriticPolicy, during: Callable[[], object]) -> int:
    calls: list[None] = []
    handle = made.generated.hyper.register_forward_hook(lambda *_: calls.append(None))
    during()
    handle.remove()
    return len(calls)


@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_weights_are_kept_while_acting(strategy: str, tasks: int) -> None:
    batch = drawn(tasks)
    made = acting(strategy, batch, 0)
    assert generations(made, lambda: [act(made, batch) for _ in range(50)]) <= 2
    other = {**batch, "obs": batch["obs"] + 1}
    assert generations(made, lambda: act(made, other)) == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("training", [True, False])
def test_gradients_never_meet_kept_weights(strategy: str, training: bool) -> None:
    batch = drawn(3)
    made = acting(strategy, batch, 20)
    made.train(training)
    expected = fresh(made, batch)[:, 2:]
    found = made.predict_values(batch)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert all(one.grad is not None and one.grad.any() for one in made.generated.hyper.parameters())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_inference_mode_leaves_nothing_behind(strategy: str) -> None:
    batch = drawn(3)
    made = acting(strategy, batch, 0)
    with torch.inference_mode():
        act(made, batch)
    assert stale(made, batch) < 1e-5
    own_step(made)
    assert stale(made, batch) < 1e-5


def watched(made: HyperActorCriticPolicy) -> list[float]:
    """Compares every pass from now on with weights generated for it alone."""
    errors: list[float] = []

    @torch.no_grad()
    def compare(generated: GeneratedMLP, inputs: tuple[Any, ...], found: list[Tensor]) -> None:
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


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_two_policies_do_not_share_what_they_keep(strategy: str) -> None:
    batch = drawn(3)
    one, other = (policy("context", strategy=strategy, seed=seed) for seed in (0, 1))
    for each in (one, other, one, other):
        each.set_training_mode(False)
        assert stale(each, batch) < 1e-5


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("change", ["Adam", "load_state_dict", "written, then predict"])
def test_the_one_task_without_a_context(change: str, strategy: str) -> None:
    made = policy("box", strategy=strategy)
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
            made.load_state_dict(policy("box", strategy=strategy, seed=1).state_dict())
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
