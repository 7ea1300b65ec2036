"""Weights are kept while acting, and none is used once the parameters or the task have changed."""

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from hyperrl.evaluation import ModelPolicy
from hyperrl.policies import GeneratedNetworks, HyperActorCriticPolicy
from hyperrl.policies.weight_cache import WeightCache
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model
from tests.nets.cases import all_pairs
from tests.policies.caching import Observations, act, acting, drawn, fresh, own_step, stale, with_gradients
from tests.policies.worlds import STRATEGIES, disturb, policy

Change = Callable[[HyperActorCriticPolicy], object]
TASKS = [1, 3]
USES = [1, 20]
"""Passes before the change: fresh from the hypernetwork, and after the library has seen that they pay."""


def stepped(optimizer: Callable[..., torch.optim.Optimizer], **options: Any) -> Change:
    def change(made: HyperActorCriticPolicy) -> None:
        optimizer(with_gradients(made), lr=0.02, **options).step()

    return change


def written_then_predicted(made: HyperActorCriticPolicy) -> None:
    for parameter in made.parameters():
        parameter.data.add_(0.1)
    made.predict(arrays(drawn(3)))


def written_then_mode_set(made: HyperActorCriticPolicy) -> None:
    for parameter in made.parameters():
        parameter.data = parameter.data + 0.1
    made.set_training_mode(False)


def trained_between(made: HyperActorCriticPolicy) -> None:
    made.train()
    disturb(made)
    made.eval()


CHANGES: dict[str, Change] = {
    "own optimizer": own_step,
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


@pytest.mark.parametrize(
    ("change", "strategy", "tasks", "uses"), all_pairs(list(CHANGES), STRATEGIES, TASKS, USES)
)
def test_no_weight_outlives_its_parameters(change: str, strategy: str, tasks: int, uses: int) -> None:
    assert staleness_after(CHANGES[change], strategy, tasks, uses) < 1e-5


def no_optimizer_hook(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(import_module("torch.optim.optimizer"), "_global_optimizer_post_hooks", OrderedDict())


def no_loading_hook(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GeneratedNetworks, "register_load_state_dict_post_hook", lambda *_: None)


@pytest.mark.parametrize(
    ("removed", "change"),
    [
        (no_optimizer_hook, "own optimizer"),
        (no_optimizer_hook, "Adam"),
        (no_optimizer_hook, "fused Adam"),
        (no_loading_hook, "load_state_dict"),
        (lambda patch: patch.setattr(GeneratedNetworks, "_apply", nn.Module._apply), "dtype"),
        (lambda patch: patch.setattr(GeneratedNetworks, "train", nn.Module.train), "written, then predict"),
        (lambda patch: patch.setattr(GeneratedNetworks, "train", nn.Module.train), "written, then mode"),
        (lambda patch: patch.setattr(GeneratedNetworks, "train", nn.Module.train), "training mode"),
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
    features = torch.cat([batch["obs"], batch["context"]], dim=1)
    with torch.no_grad():
        made.generated.clear_cache()
        made.generated(features, "critic")
        features[:, 4:].mul_(-1)
        found = made.generated(features, "critic")[0]
    torch.testing.assert_close(found, fresh(made, {**batch, "context": features[:, 4:]})[:, 2:])


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
    """A pickle read in a process whose optimizers took as many steps must not trust what it carries."""
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


def predicting(strategy: str, batch: Observations, uses: int) -> HyperActorCriticPolicy:
    """As :func:`acting`, but by Stable-Baselines3's method, which sets the evaluation mode at each call."""
    made = policy("context", strategy=strategy)
    for _ in range(uses):
        made.predict(arrays(batch))
    return made


def arrays(batch: Observations) -> dict[str, Any]:
    return {key: one.numpy() for key, one in batch.items()}


@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_weights_are_cached_between_predictions(strategy: str, tasks: int) -> None:
    batch = drawn(tasks)
    made = predicting(strategy, batch, 0)
    assert generations(made, lambda: [made.predict(arrays(batch)) for _ in range(50)]) <= 3
    made.predict(arrays({**batch, "context": -batch["context"]}))
    assert stale(made, batch) < 1e-5


@pytest.mark.parametrize("change", [change for change in CHANGES if change.startswith("written")])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("uses", [2, 20])
def test_parameters_that_are_written_between_predictions_are_seen(
    change: str, strategy: str, uses: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = drawn(3)
    made = predicting(strategy, batch, uses)
    CHANGES[change](made)
    made.predict(arrays(batch))
    assert stale(made, batch) < 1e-5
    CHANGES[change](made)
    assert stale(made, batch) < 1e-5
    monkeypatch.setattr(WeightCache, "check", lambda _: None)
    CHANGES[change](made)
    assert stale(made, batch) > 1e-4


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


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_task_that_comes_again_is_looked_up(strategy: str) -> None:
    made = acting(strategy, drawn(3), 1)
    tasks = drawn(5)["context"][:5]
    generate, rows = made.generated._of_rows, []

    def counted(descriptors: torch.Tensor, distinct: bool) -> Any:
        rows.append(len(descriptors))
        return generate(descriptors, distinct)

    made.generated._of_rows = counted  # type: ignore[method-assign]
    chosen = np.random.default_rng(0).integers(len(tasks), size=(40, 6))
    for number, which in enumerate(chosen):
        if number == 10:
            rows.clear()
        assert stale(made, {**drawn(1), "context": tasks[which]}) < 1e-5
    assert sum(rows) <= len(tasks)


def test_the_weights_of_ever_new_tasks_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that meets a new task in every episode does not fill the memory."""
    made = acting("low-rank", drawn(1), 20)
    kept = made.generated._cache
    monkeypatch.setattr("hyperrl.policies.weight_cache.CACHED_ENTRIES", 5 * kept._entries)
    for seed in range(60):
        batch = drawn(1, rows=1, seed=seed)
        act(made, batch)
        assert 1 <= len(kept._of_task) <= 7
    assert stale(made, batch) < 1e-4


@pytest.mark.parametrize("agent", ["hyper-ppo", "hyper-sac", "hyper-td3"])
@pytest.mark.parametrize("schedule", ["jump:15", "sinusoid:0.4:20"])
def test_actions_are_those_of_the_present_context_where_tasks_change(agent: str, schedule: str) -> None:
    """Stale weights are silent: each action is compared with that of a policy that keeps none."""
    feature = "action_sign" if schedule.startswith("jump") else "mass"
    family = Family.load("double-integrator").with_schedules({feature: schedule})
    recipe = resolve(load_agent(agent), family.recipe, ["policy.net_arch=[8, 8]"])
    model = bare_model(recipe, family.observation_space, family.action_space, to_learn=False)
    acting = ModelPolicy(model)
    anew = ModelPolicy(bare_model(recipe, family.observation_space, family.action_space, to_learn=False))
    anew._policy.load_state_dict(model.policy.state_dict())
    for module in anew._policy.modules():
        if isinstance(module, GeneratedNetworks):
            module.caching = False
    env = family.make_vec(4, contexts=family.tasks("train")[:4])
    observation, _ = env.reset(seed=0)
    old, differ = observation["context"], 0
    for _ in range(30):
        action = acting(observation)
        np.testing.assert_allclose(action, anew(observation), atol=1e-5)
        stale = anew({**observation, "context": old})
        differ += bool(np.abs(action - stale).max() > 1e-4)
        observation, *_ = env.advance(action)
    assert differ >= 14  # of the steps after the context has changed
