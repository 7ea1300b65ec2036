"""A training goes on from its checkpoint bit for bit; a state of another training is refused."""

from typing import Any

import numpy as np
import pytest
import torch

from hyperrl.errors import UserError
from hyperrl.training import resume
from hyperrl.training.checkpoint import load_state, same_structure, save_state
from tests.suite import learnable
from tests.training.conftest import Start
from tests.training.states import replaced, same, scramble

DROPOUT = ("policy.hypernetwork.context_dropout=0.3",)


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize(
    ("agent", "family", "overrides"),
    [
        ("blind-ppo", "pendulum", ("algorithm.use_sde=true",)),
        ("hyper-ppo", "pendulum", ("algorithm.use_sde=true", "algorithm.sde_sample_freq=8")),
        ("hyper-a2c", "double-integrator", ("sampler=round-robin",)),
        ("hyper-ppo-full", "point-goal", ()),
        ("concat-ppo", "cartpole", ("sampler=plr", "curriculum.temperature=0.5")),
        ("hyper-ppo", "cartpole", ("sampler=cvar", "curriculum.alpha=0.1")),
        (
            "hyper-ppo",
            "ode",
            (
                "algorithm.learning_rate={schedule: cosine, start: 1e-3, warmup: 0.6}",
                "algorithm.clip_range=lin_0.3",
                "algorithm.clip_range_vf={schedule: linear, start: 9, end: 1}",
                "policy.hypernetwork.lr_scale={heads: 0.5}",
            ),
        ),
        ("hyper-sac", "ode", ("algorithm.learning_rate=lin_1e-3", "policy.critic_lr_scale=3")),
        ("hyper-sac", "ode", ("algorithm.n_steps=3",)),
        ("hyper-sac", "point-reach", ("algorithm.her={n_sampled_goal: 2}", *DROPOUT)),
        ("concat-td3", "point-reach", ("algorithm.her={goal_selection_strategy: episode}",)),
        learnable("hyper-trpo", "ode", ()),
        learnable("hyper-tqc", "ode", ()),
        learnable("hyper-crossq", "ode", ()),
        learnable("hyper-qrdqn", "cartpole", ()),
        learnable("hyper-recurrent-ppo", "ode", ("algorithm.use_sde=true",)),
        learnable("hyper-maskable-ppo", "wall-gap", ("normalize=true",)),
        learnable("concat-maskable-ppo", "wall-gap", ()),
        learnable("blind-recurrent-ppo", "pendulum", ("policy.n_lstm_layers=2",)),
    ],
)
def test_a_killed_run_ends_as_one_never_killed(
    start: Start, agent: str, family: str, overrides: tuple[str, ...]
) -> None:
    overrides = ("checkpoint_every=512", *overrides)
    straight = start(agent, family, *overrides, name="straight")
    killed = start(agent, family, *overrides, name="killed", killed_at=700)
    assert killed.status.steps == 512
    scramble()
    resume(killed)
    same(load_state(killed, "latest"), load_state(straight, "latest"))


@pytest.mark.usefixtures("nothing_but_training")
def test_no_return_runs_into_the_episodes_that_a_resumed_run_begins(start: Start) -> None:
    """Environments that have no state are reset, in the middle of the episodes that are replayed."""
    given = "algorithm.n_steps=3", "checkpoint_every=512"
    killed = start("concat-dqn", "acrobot", *given, name="killed", killed_at=700)
    stored = load_state(killed, "latest")["replay"]
    resume(killed)
    found, last = load_state(killed, "latest")["replay"], stored["pos"] - 1
    assert found["pos"] > stored["pos"]
    assert not stored["dones"][last].any()
    assert found["timeouts"][last].all()
    assert np.array_equal(found["timeouts"][:last], stored["timeouts"][:last])


@pytest.mark.usefixtures("nothing_but_training")
def test_a_checkpoint_of_another_agent_is_refused(start: Start) -> None:
    killed = start(name="killed", killed_at=1)
    policy = killed.spec.agent.policy.model_copy(update={"net_arch": (7, 7)})
    agent = killed.spec.agent.model_copy(update={"policy": policy})
    killed.write_spec(killed.spec.model_copy(update={"agent": agent}))
    with pytest.raises(
        UserError, match=r"^run '.*killed': checkpoint 'latest' does not fit the agent in run\.yaml: weights "
    ):
        resume(killed)
    policy = policy.model_copy(update={"net_arch": (8, 8)})
    agent = agent.model_copy(update={"policy": policy, "n_envs": 4})
    killed.write_spec(killed.spec.model_copy(update={"agent": agent}))
    with pytest.raises(UserError, match="environments"):
        resume(killed)


@pytest.mark.usefixtures("nothing_but_training")
def test_a_checkpoint_with_missing_pieces_is_refused(start: Start) -> None:
    killed = start(name="killed", killed_at=1)
    tensors, meta = killed.load_checkpoint("latest")
    for piece in ("optimizer", "counters", "env", "sampler"):
        state = {key: value for key, value in meta["state"].items() if key != piece}
        killed.save_checkpoint("latest", tensors, {"steps": 0, "state": state})
        with pytest.raises(UserError, match=r"does not fit run\.yaml") as caught:
            resume(killed)
        assert "\n" not in str(caught.value)
    killed.save_checkpoint("latest", tensors, {"steps": 0})
    with pytest.raises(UserError, match="not one of a training"):
        resume(killed)


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("name", ["step", "exp_avg"])
@pytest.mark.parametrize("forged", [[[1.0, 2.0, 3.0]], float("nan")], ids=["shape", "not finite"])
def test_a_checkpoint_with_a_forged_optimizer_is_refused(start: Start, name: str, forged: object) -> None:
    killed = start(name="killed", steps=2048, killed_at=1536)
    tensors, meta = killed.load_checkpoint("latest")
    key = next(key for key in tensors if key.startswith("optimizer/") and key.endswith(f"/{name}"))
    killed.save_checkpoint("latest", {**tensors, key: torch.as_tensor(forged)}, meta)
    with pytest.raises(UserError, match=r"does not fit run\.yaml.*optimizer is of another kind"):
        resume(killed)


@pytest.mark.usefixtures("nothing_but_training")
def test_whatever_does_not_fit_names_its_run(start: Start) -> None:
    killed = start("hyper-ppo", "ode", "sampler=plr", name="killed", steps=2048, killed_at=1536)
    state = load_state(killed, "latest")
    for path, forged in (
        ("counters/num_timesteps", 10**30),
        ("successes", ["x"]),
        ("optimizer/param_groups/0/betas", (0.9,)),
        ("optimizer/param_groups/0/betas", (-1.0, 0.999)),
        ("optimizer/param_groups/0/lr", "x"),
        ("optimizer/state/0", {"step": torch.tensor(1.0)}),
        ("optimizer/state/0/step", torch.tensor(-1.0)),
        ("optimizer/state/0/exp_avg", 0.5),
        ("env/batch/rngs", []),
        ("env/batch/sampler/tasks", 7),
        ("sampler/tasks", 7),
        ("sampler/count", [1]),
        ("sampler/sum", [1.0]),
        ("sampler/curriculum/drawn", 10**30),
        ("sampler/curriculum/drawn", 0),
        ("sampler/curriculum/last", [1]),
        ("sampler/curriculum/best", [1.0]),
        ("rng/torch", torch.zeros(3)),
    ):
        save_state(killed, "latest", replaced(state, path.split("/"), forged))
        with pytest.raises(UserError, match=r"^run '.*killed': checkpoint 'latest' does not fit run\.yaml "):
            resume(killed)
    save_state(killed, "latest", state)
    assert resume(killed).state == "finished"


@pytest.mark.usefixtures("nothing_but_training")
def test_an_optimizer_steps_as_it_does_now_and_not_as_it_was_stored(start: Start) -> None:
    """As a checkpoint of a version has it in which Adam took several loops for a step."""
    killed = start("hyper-sac", name="killed", killed_at=1)
    state = load_state(killed, "latest")
    for name in ("actor", "critic"):
        groups = ["optimizers", name, "param_groups", "0"]
        assert state["optimizers"][name]["param_groups"][0]["fused"]
        state = replaced(replaced(state, [*groups, "fused"], None), [*groups, "foreach"], None)
    save_state(killed, "latest", state)
    assert resume(killed).state == "finished"
    stored = load_state(killed, "latest")["optimizers"]
    assert all(stored[name]["param_groups"][0]["fused"] for name in ("actor", "critic"))


@pytest.mark.usefixtures("nothing_but_training")
@pytest.mark.parametrize("forged", [[], [torch.zeros(1, 8, 8)], [torch.zeros(2, 8, 8)] * 2])
def test_a_memory_that_does_not_fit_names_its_run(start: Start, forged: list[torch.Tensor]) -> None:
    pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    killed = start("hyper-recurrent-ppo", name="killed", killed_at=1)
    state = load_state(killed, "latest")
    save_state(killed, "latest", replaced(state, ["memory", "0"], forged))
    with pytest.raises(UserError, match=r"does not fit run\.yaml \(memory is of another kind\)"):
        resume(killed)


def test_parts_of_a_state_are_of_the_kind_that_is_expected() -> None:
    same: list[tuple[Any, Any]] = [
        (1, 1), (1, 1.0), (2.5, 1.0), ([], [0]), ([1, 2], [0]), ((1, "a"), (0, "b")), ({"a": 1}, {"a": 0}),
        (np.zeros(2), np.ones(2)), (torch.zeros(2), torch.ones(2)), ("x", None), (True, False),
    ]  # fmt: skip
    other: list[tuple[Any, Any]] = [
        (1.0, 1), (True, 1), (float("nan"), 1.0), (float("inf"), 1.0), ("1", 1), ([1.5], [0]), ((1,), (1, 2)),
        ([1], (1,)), ({"b": 1}, {"a": 1}), ({}, {"a": 1}), (np.zeros(3), np.ones(2)), (1, False),
        (np.zeros(2, np.float32), np.zeros(2)), (torch.zeros(2), np.zeros(2)),
        (torch.zeros(3), torch.zeros(2)),
    ]  # fmt: skip
    assert [pair for pair in same if not same_structure(*pair)] == []
    assert [pair for pair in other if same_structure(*pair)] == []


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
