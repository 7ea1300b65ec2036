"""What a run claims to be is held against what its checkpoint holds, before memory is taken."""

import time

import pytest
import torch

from hyperrl.errors import UserError
from hyperrl.training import load_model, resume
from hyperrl.training.checkpoint import load_state
from hyperrl.training.memory import SizeLimit
from tests.training.conftest import Start

pytestmark = pytest.mark.usefixtures("no_telemetry")


def test_an_immense_network_is_refused_at_once(start: Start) -> None:
    run = start(steps=512, killed_at=1)
    policy = run.spec.agent.policy.model_copy(update={"net_arch": (65_536, 65_536)})
    run.write_spec(
        run.spec.model_copy(update={"agent": run.spec.agent.model_copy(update={"policy": policy})})
    )
    began = time.process_time()
    with pytest.raises(
        UserError, match=r"'latest' does not fit the agent in run\.yaml: it has far more than"
    ):
        load_model(run)
    with pytest.raises(
        UserError, match=r"'latest' does not fit the agent in run\.yaml: it has far more than"
    ):
        resume(run)
    assert time.process_time() - began < 5


def test_a_rollout_that_no_memory_holds_is_reported(start: Start) -> None:
    with pytest.raises(UserError, match="agent 'concat-a2c' on family 'ode': does not fit into memory"):
        start("concat-a2c", "ode", "algorithm.n_steps=1000000000000")


def test_only_what_is_made_counts() -> None:
    with SizeLimit({"w": torch.zeros(3)}, "x"):
        for _ in range(100):
            torch.zeros(1000).add_(torch.ones(1000))
    message = "^x: it has far more than the 3 weights of the checkpoint"
    with pytest.raises(UserError, match=message), SizeLimit({"w": torch.zeros(3)}, "x"):
        torch.nn.Linear(20_000, 20_000)


@pytest.mark.parametrize("agent", ["hyper-ppo", "concat-recurrent-ppo", "hyper-sac"])
def test_to_act_takes_no_memory_for_what_was_learned_from(start: Start, agent: str) -> None:
    if agent == "concat-recurrent-ppo":
        pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    run = start(agent, "pendulum", steps=512, killed_at=1)
    immense = {"buffer_size": 10**12} if agent == "hyper-sac" else {"n_steps": 10**12}
    recipe = run.spec.agent
    algorithm = recipe.algorithm.model_copy(update=immense)
    run.write_spec(run.spec.model_copy(update={"agent": recipe.model_copy(update={"algorithm": algorithm})}))
    kept = load_state(run, "latest")["policy"]
    for name, weight in load_model(run, to_learn=False).policy.state_dict().items():
        assert torch.equal(weight, kept[name])
    with pytest.raises(UserError, match=f"agent '{agent}' on family 'pendulum': does not fit into memory"):
        load_model(run)
