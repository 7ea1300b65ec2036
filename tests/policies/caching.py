"""What a policy gives while it acts, and what it should give."""

import torch
from torch import Tensor, nn

from hyperrl.policies import HyperActorCriticPolicy
from tests.policies.worlds import OBSERVATIONS, policy, samples

Observations = dict[str, Tensor]


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


def own_step(made: HyperActorCriticPolicy) -> None:
    with_gradients(made)
    made.optimizer.step()
