"""What the hypernetwork sees: missing features, embeddings, and never a stale weight."""

from typing import Any

import pytest
import torch

from hyperrl.config import HypernetworkConfig
from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.policies.conditioning import Conditioning, flag_missing
from tests.policies.worlds import disturb, model, policy_of, samples, tensors, venv

TASKS = [[0.0, 1.0], [0.5, -0.5], [-1.0, 0.2]]


def made_with(**hyper: Any) -> HyperActorCriticPolicy:
    made = policy_of(model(venv("context"), hypernetwork={"hidden": (8,), **hyper}))
    disturb(made)
    return made


def batch_of(made: HyperActorCriticPolicy, rows: int = 6) -> dict[str, torch.Tensor]:
    batch: dict[str, torch.Tensor] = tensors(made, samples(made.observation_space, rows))
    return batch


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
def test_a_missing_feature_changes_what_is_generated_and_nothing_is_stale(strategy: str) -> None:
    made = made_with(context_dropout=0.3, strategy=strategy)
    made.set_training_mode(False)
    whole = batch_of(made)
    without = {**whole, "context": whole["context"].clone()}
    without["context"][:, 1] = torch.nan
    filled = {**whole, "context": whole["context"].clone()}
    filled["context"][:, 1] = 0.0
    with torch.no_grad():
        outputs = [[made.predict_values(batch) for batch in (whole, without, filled)] for _ in range(10)]
        made.set_training_mode(True)
        fresh = [made.predict_values(batch) for batch in (whole, without, filled)]
    for found in outputs:
        for one, other in zip(found, fresh, strict=True):
            assert one.isfinite().all()
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert all(not torch.isclose(fresh[i], fresh[j]).all() for i, j in ((0, 1), (1, 2), (0, 2)))


def test_missing_features_are_kept_apart_from_zeros() -> None:
    context = torch.tensor([[0.0, 2.0], [torch.nan, 2.0]])
    assert flag_missing(context).tolist() == [[0.0, 2.0, 0.0, 0.0], [0.0, 2.0, 1.0, 0.0]]


def test_weights_are_generated_once_for_the_same_tasks_missing_features_among_them() -> None:
    made = made_with(context_dropout=0.3)
    made.set_training_mode(False)
    batch = batch_of(made)
    batch["context"][::2, 0] = torch.nan
    calls: list[int] = []
    made.generated.hyper.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        for _ in range(6):
            made.predict_values(batch)
    assert len(calls) == 1


def test_an_embedding_is_the_nearest_training_tasks() -> None:
    made = made_with(inputs=["embedding"], training_contexts=TASKS)
    at = made.generated_weights(torch.tensor(TASKS))["actor.0.weight"]
    near = made.generated_weights(torch.tensor(TASKS) + 0.05)["actor.0.weight"]
    assert torch.equal(at, near)
    assert not torch.equal(at[0], at[1])
    state = {name: one for name, one in made.state_dict().items() if name.endswith("tasks")}
    assert [one.tolist() for one in state.values()] == [torch.tensor(TASKS).tolist()]


def test_only_a_policy_with_noise_has_a_seed_in_its_state() -> None:
    assert not any("seed" in name for name in made_with().state_dict())
    assert any("seed" in name for name in made_with(inputs=["noise"]).state_dict())


@pytest.mark.parametrize("inputs", [["context"], ["context", "noise"], ["context", "embedding"]])
def test_saturation_holds_contexts_at_the_edge_and_leaves_those_within_alone(inputs: list[str]) -> None:
    def conditioning(beyond: Any) -> Conditioning:
        torch.manual_seed(0)
        return Conditioning(HypernetworkConfig.of({"inputs": inputs}), 2, 3, beyond)

    x = torch.zeros(3, 3)
    beyond = torch.tensor([[1.5, -0.5], [-7.0, 2.0], [0.25, 1.0]])
    edge = torch.tensor([[1.0, -0.5], [-1.0, 1.0], [0.25, 1.0]])
    linear, saturating = conditioning("linear"), conditioning("saturate")
    assert torch.equal(saturating(x, beyond), linear(x, edge))
    assert torch.equal(saturating(x, edge), linear(x, edge))
    assert not torch.equal(linear(x, beyond), linear(x, edge))
    assert torch.equal(saturating.tasks(beyond), linear.tasks(edge))


def test_saturation_leaves_missing_features_and_an_lstms_output_alone() -> None:
    missing = Conditioning(HypernetworkConfig.of({"context_dropout": 0.5}), 2, 3, "saturate")
    found = missing(torch.zeros(1, 3), torch.tensor([[torch.nan, 3.0]]))
    assert found.tolist() == [[0.0, 1.0, 1.0, 0.0]]
    memory = Conditioning(HypernetworkConfig.of({"inputs": ["memory"]}), 2, 3, "saturate")
    output = torch.tensor([[3.0, -4.0]])
    assert torch.equal(memory(torch.zeros(1, 3), output), output)
