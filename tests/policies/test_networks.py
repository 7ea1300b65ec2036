"""Generated networks give what a loop over rows gives, and never by weights that are out of date."""

import io
from typing import Any

import pytest
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn

from hyperrl.nets import Rows
from hyperrl.policies import GeneratedNetworks, HyperActorCriticPolicy
from hyperrl.policies.task_rows import TaskRows
from tests.nets.cases import all_pairs
from tests.policies.caching import act, acting, drawn, own_step, stale
from tests.policies.worlds import (
    ACTIONS,
    OBSERVATIONS,
    SMALL,
    STRATEGIES,
    disturb,
    model,
    policy,
    policy_of,
    samples,
    tensors,
    venv,
)

TASKS = [1, 2, 5, 12]
ROWS = 12
KINDS: list[dict[str, Any]] = [
    {"action": "box"},
    {"action": "discrete"},
    {"action": "multi-discrete"},
    {"action": "multi-binary"},
    {"action": "box", "use_sde": True},
    {"action": "box", "net_arch": {"pi": [], "vf": [7]}},
    {"action": "box", "share_features_extractor": False},
]


def mixed(tasks: int, seed: int = 0) -> dict[str, Tensor]:
    """Rows of several tasks in no order."""
    batch = {key: torch.as_tensor(one) for key, one in samples(OBSERVATIONS["context"], ROWS, seed).items()}
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(seed))
    batch["context"] = batch["context"][torch.arange(ROWS) % tasks][order]
    return batch


def taken(action: str) -> Tensor:
    drawn = torch.as_tensor(samples(ACTIONS[action], ROWS))
    return drawn.float() if action == "multi-binary" else drawn


def evaluated(made: HyperActorCriticPolicy, batch: dict[str, Tensor], actions: Tensor) -> Tensor:
    values, log_prob, entropy = made.evaluate_actions(batch, actions)
    assert entropy is not None
    return torch.stack([values.flatten(), log_prob, entropy], dim=1)


def row_by_row(made: HyperActorCriticPolicy, batch: dict[str, Tensor], actions: Tensor) -> Tensor:
    rows = [
        evaluated(made, {key: one[row : row + 1] for key, one in batch.items()}, actions[row : row + 1])
        for row in range(len(actions))
    ]
    return torch.cat(rows)


def assert_close(found: Tensor, expected: Tensor) -> None:
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max().clamp_min(0.1)


@pytest.mark.parametrize(("strategy", "kind", "tasks"), all_pairs(STRATEGIES, KINDS, TASKS))
def test_training_equals_a_loop_over_rows(strategy: str, kind: dict[str, Any], tasks: int) -> None:
    made = policy("context", strategy=strategy, **kind)
    batch = mixed(tasks)
    actions = taken(kind["action"])
    upstream = torch.randn(ROWS, 3)
    results = []
    for way in (evaluated, row_by_row):
        made.set_training_mode(True)
        made.zero_grad()
        found = way(made, batch, actions)
        (found * upstream).sum().backward()  # type: ignore[no-untyped-call]
        results.append((found.detach(), {name: one.grad for name, one in made.named_parameters()}))
    (found, gradients), (expected, expected_gradients) = results
    assert_close(found, expected)
    for name, gradient in expected_gradients.items():
        found_gradient = gradients[name]
        assert (found_gradient is None) == (gradient is None), name
        if found_gradient is not None and gradient is not None:
            assert_close(found_gradient, gradient)


@pytest.mark.parametrize(("strategy", "kind", "tasks"), all_pairs(STRATEGIES, KINDS, TASKS))
def test_acting_equals_training_and_a_loop_over_rows(strategy: str, kind: dict[str, Any], tasks: int) -> None:
    made = policy("context", strategy=strategy, **kind)
    batch = mixed(tasks)
    actions = taken(kind["action"])
    with torch.no_grad():
        made.set_training_mode(True)
        trained = evaluated(made, batch, actions)
        made.set_training_mode(False)
        expected = row_by_row(made, batch, actions)
        for _ in range(12):  # past the point where kept weights change their form
            assert_close(evaluated(made, batch, actions), expected)
        assert_close(trained, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("training", [True, False])
def test_evaluating_the_actions_taken_gives_their_density(
    training: bool, strategy: str, kind: dict[str, Any]
) -> None:
    made = policy("context", strategy=strategy, **kind)
    made.set_training_mode(training)
    batch = mixed(5)
    with torch.no_grad():
        for deterministic in (True, False):
            actions, values, log_prob = made(batch, deterministic)
            again, density, _ = made.evaluate_actions(batch, actions)
            assert_close(density, log_prob)
            assert_close(again, values)
            assert_close(made.predict_values(batch), values)


def sb3s(made: HyperActorCriticPolicy, descriptor: Tensor, **options: Any) -> ActorCriticPolicy:
    """SB3's own policy, holding one task's generated weights."""
    space: Any = made.observation_space
    plain = ActorCriticPolicy(space["obs"], made.action_space, lambda _: 0.0, **{**SMALL, **options})
    nets = plain.mlp_extractor
    weights = {name: one[0] for name, one in made.generated_weights(descriptor[None]).items()}
    for network, modules in (
        ("actor", [*nets.policy_net, plain.action_net]),
        ("critic", [*nets.value_net, plain.value_net]),
    ):
        linears = [one for one in modules if isinstance(one, nn.Linear)]
        for number, linear in enumerate(linears):
            linear.weight.data.copy_(weights[f"{network}.{number}.weight"])
            linear.bias.data.copy_(weights[f"{network}.{number}.bias"])
    if hasattr(made, "log_std"):
        plain.log_std.data.copy_(made.log_std)
    return plain


@pytest.mark.parametrize("kind", [*KINDS[:-1], {"action": "box", "use_sde": True, "full_std": False}])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_on_one_task_it_is_sb3s_policy_with_the_generated_weights(
    strategy: str, kind: dict[str, Any]
) -> None:
    options = {name: value for name, value in kind.items() if name != "action"}
    made = policy("context", kind["action"], strategy, **options)
    batch, actions = mixed(1), taken(kind["action"])
    plain = sb3s(made, batch["context"][0], **options)
    expected = plain.evaluate_actions(batch["obs"], actions)
    for found, one in zip(made.evaluate_actions(batch, actions), expected, strict=True):
        assert found is not None
        assert one is not None
        assert_close(found, one)
    for each in (made, plain):
        each.set_training_mode(False)
    with torch.no_grad():
        sampled = []
        for each, observed in ((made, batch), (plain, batch["obs"])):
            torch.manual_seed(3)
            if options.get("use_sde"):
                each.reset_noise(ROWS)
            sampled.append(each(observed))
    for found, one in zip(*sampled, strict=True):
        assert_close(found.float(), one.float())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_large_batch_is_acted_on_in_factors_or_groups(strategy: str) -> None:
    """More rows than weights are formed for: what zero-shot evaluation does."""
    made = policy("context", strategy=strategy, net_arch=[64, 64])
    made.set_training_mode(False)
    rows = 500
    batch = tensors(made, samples(OBSERVATIONS["context"], rows))
    batch["context"] = batch["context"][torch.randint(40, (rows,))]
    with torch.no_grad():
        for _ in range(12):
            found = made.predict_values(batch)
        some = torch.arange(0, rows, 25)
        for row in some.tolist():
            single = {key: one[row : row + 1] for key, one in batch.items()}
            assert_close(found[row : row + 1], made.predict_values(single))


@pytest.mark.parametrize("observation", ["box", "discrete", "dictionary"])
def test_one_task_without_a_context(observation: str) -> None:
    made = policy(observation)
    batch = tensors(made, samples(OBSERVATIONS[observation], 7))
    single = [
        {key: one[row : row + 1] for key, one in batch.items()}
        if isinstance(batch, dict)
        else batch[row : row + 1]
        for row in range(7)
    ]
    for training in (True, False):
        made.set_training_mode(training)
        expected = torch.cat([made.predict_values(one) for one in single])
        assert_close(made.predict_values(batch), expected)
        with torch.no_grad():
            assert_close(made.predict_values(batch), expected)


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


@pytest.mark.parametrize("inputs", [["context"], ["context", "noise"], ["context", "state"]], ids=str)
@pytest.mark.parametrize("strategy", ["modulation", "low-rank", "full"])
def test_minibatches_that_know_their_tasks_change_no_number(strategy: str, inputs: list[str]) -> None:
    given = {"strategy": strategy, "hidden": (8,), "inputs": inputs}
    torch.manual_seed(0)
    built = HyperActorCriticPolicy(
        OBSERVATIONS["context"], ACTIONS["box"], lambda _: 1e-2, hypernetwork=given, **SMALL
    )
    disturb(built)
    observations = tensors(built, samples(built.observation_space, 12))
    tasks, index = observations["context"][:3], torch.arange(12) % 3
    observations["context"] = tasks[index]
    known = TaskRows(observations, tasks, Rows.of(index, 3))
    actions = torch.randn(12, 2)
    results = []
    for batch in (observations, known):
        outputs = built.evaluate_actions(batch, actions)
        loss = torch.stack([each.square().sum() for each in outputs if each is not None]).sum()
        results.append([*outputs, *torch.autograd.grad(loss, list(built.parameters()), allow_unused=True)])
    torch.testing.assert_close(results[1], results[0], rtol=1e-4, atol=1e-5)


def test_weights_are_generated_for_no_more_tasks_than_a_minibatch_has_rows() -> None:
    """A rollout of short episodes has more tasks than one of its minibatches."""
    built = policy(strategy="full")
    observations = tensors(built, samples(built.observation_space, 6))
    index = torch.tensor([0, 30, 0, 30, 20, 20])
    tasks = torch.linspace(-1, 1, 40).unsqueeze(1).expand(-1, observations["context"].shape[1])
    observations["context"] = tasks[index]
    generated: list[int] = []
    built.generated.hyper.register_forward_hook(lambda _, given, __: generated.append(len(given[0])))
    built.evaluate_actions(TaskRows(observations, tasks, Rows.of(index, 40)), torch.randn(6, 2))
    assert generated == [3]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("strategy", ["modulation", "low-rank"])
def test_mixed_precision_and_tracing_take_layer_by_layer(strategy: str) -> None:
    made, batch = policy(strategy=strategy), mixed(3)
    features = made.extract_features(batch)
    with torch.autocast("cpu", torch.bfloat16):
        actor, values = made.mlp_extractor(features)
    (actor.sum() + values.sum()).backward()
    gradients = [each.grad for each in made.generated.parameters()]
    assert actor.dtype == torch.bfloat16
    assert all(each is not None and each.isfinite().all() and each.any() for each in gradients)
    trace: Any = torch.jit.trace
    traced = trace(made.mlp_extractor, features, check_trace=False)
    assert_close(traced(features)[0], made.mlp_extractor(features)[0])
