"""How the heads of a hypernetwork start, which decides how the generated weights do.

| name | weights at the start |
| --- | --- |
| `matched` | the target's own on every task, a small part of the variance differing between tasks |
| `hyperfan-in` | activations keep their variance; all that is generated differs between tasks |
| `hyperfan-out` | gradients keep their variance; all that is generated differs between tasks |
| `bias-hyperinit` | the target's own, the same on every task (Beck et al., CoRL 2022) |

The two hyperfan rules are those of Chang, Flokas and Lipson (ICLR 2020) for full generation. Other strategies
generate a change of shared weights: there a rule says how large that change is.
"""

from dataclasses import dataclass
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from hyperrl.config import Initialization
from hyperrl.nets.layers import LayerSpec, initial_bias, initial_weight
from hyperrl.nets.strategies import Full, Partial, Strategy

INITIALIZATIONS: tuple[Initialization, ...] = get_args(Initialization)


@dataclass(frozen=True)
class _Block:
    """The head of one section of a strategy's outputs and what it sees of tasks all over the range."""

    weight: Float[Tensor, "features outputs"]
    bias: Float[Tensor, " outputs"]
    features: Float[Tensor, "task features"]

    @property
    def center(self) -> Tensor:
        return self.features.mean(dim=0)

    @property
    def middle(self) -> Tensor:
        """The outputs at the center of the features."""
        return self.bias + self.center @ self.weight

    def changes(self) -> Tensor:
        """By how much each task's outputs differ from those in the middle."""
        return (self.features - self.center) @ self.weight

    def around(self, weight: Tensor, features: Tensor | None = None) -> "_Block":
        """The same outputs in the middle, others elsewhere; possibly from other features."""
        features = self.features if features is None else features
        return _Block(weight, self.middle - features.mean(dim=0) @ weight, features)

    def seeing(self, features: Tensor) -> "_Block":
        """The same head for other features, its largest change over tasks kept."""
        moved = self.around(self.weight, features)
        sizes = [block.changes().square().mean(dim=1).max() for block in (self, moved)]
        return self.around(self.weight * (sizes[0] / sizes[1].clamp_min(1e-12)).sqrt(), features)


@torch.no_grad()
def initial_head(
    initialization: Initialization,
    strategy: Strategy,
    features: Float[Tensor, "task ... features"],
    layers: dict[str, LayerSpec],
) -> tuple[Tensor, Tensor]:
    """The head at the start, weight (features, outputs) and bias (outputs,).

    Args:
        initialization: One of :data:`INITIALIZATIONS`.
        strategy: What the outputs are for.
        features: Of tasks all over the range, the second half of them no corners of it: (G, F), or
            (G, L, F), one vector a section of the outputs.
        layers: The layers of the target.
    """
    shared = features.dim() == 2
    first = features if shared else features[:, 0]
    weight, bias = strategy.head(first)
    if shared and initialization == "matched":
        return weight, bias
    sizes = list(strategy.sections.values())
    heads = zip(torch.split(weight, sizes, dim=1), torch.split(bias, sizes), strict=True)
    blocks = [_Block(*head, first) for head in heads]
    if not shared:
        blocks = [block.seeing(own) for block, own in zip(blocks, features.unbind(1), strict=True)]
    started = [
        _started(initialization, block, strategy, layers.get(name))
        for name, block in zip(strategy.sections, blocks, strict=True)
    ]
    return torch.cat([block.weight for block in started], dim=1), torch.cat([b.bias for b in started])


def _started(
    initialization: Initialization, block: _Block, strategy: Strategy, spec: LayerSpec | None
) -> _Block:
    if initialization == "matched":
        return block
    generated = strategy.generated if isinstance(strategy, Partial) else strategy
    whole = spec if isinstance(generated, Full) else None
    if initialization == "bias-hyperinit":
        return _plain(block, whole)
    fan = initialization.removeprefix("hyperfan-")
    return _hyperfan_change(block, spec, fan) if whole is None else _hyperfan(block, whole, fan)


def _plain(block: _Block, whole: LayerSpec | None) -> _Block:
    """A head of zeros whose bias is a plain layer's weights and biases, or the middle of a change."""
    bias = block.middle
    if whole is not None:
        bias = torch.cat([initial_weight(whole).flatten(), initial_bias(whole)])
    return _Block(torch.zeros_like(block.weight), bias, block.features)


def _hyperfan(block: _Block, spec: LayerSpec, fan: str) -> _Block:
    """The head of a layer's whole weights and biases (Chang et al., ICLR 2020, table 1).

    Biases are generated too: theirs is half of the variance of y (fan-in), or what the weights leave of it
    (fan-out). The layer's squared gain stands for the factor of 2 that they give a layer before a ReLU. The
    variance of the features is measured, where they take it to be that of the descriptor.
    """
    inside = block.features[len(block.features) // 2 :]
    energy = inside.square().mean(dim=0).sum().clamp_min(1e-12)
    square, into, out = spec.mean_square * _fan(spec), spec.in_features, spec.out_features
    entries = torch.tensor([into * out, out])
    if fan == "in":
        variance, bias_variance = square / (2 * into), square / 2
    else:
        variance, bias_variance = square / spec.fan_out, square * max(1 - into / spec.fan_out, 0.0)
    variances = torch.tensor([variance, bias_variance]).repeat_interleave(entries)
    weight = torch.randn_like(block.weight) * (variances / energy).sqrt()
    return _Block(weight, torch.zeros_like(block.bias), block.features)


def _hyperfan_change(block: _Block, spec: LayerSpec | None, fan: str) -> _Block:
    """The head of a change of shared weights: independent entries, of the variance that the rule asks.

    The strategy's own head says how large the change is where layers start as they do; the rule moves that
    from the layer's own fan to the one asked for.
    """
    energy = (block.features - block.center).square().mean(dim=0).sum().clamp_min(1e-12)
    variance = block.changes().square().mean() / energy
    if spec is not None:
        variance = variance * (_fan(spec) / (spec.in_features if fan == "in" else spec.fan_out))
    return block.around(torch.randn_like(block.weight) * variance.sqrt())


def _fan(spec: LayerSpec) -> float:
    """The fan by which the layer's own start divides the squared gain of one map."""
    if spec.gain is None:
        return float(spec.in_features)
    return max(spec.in_features, spec.out_features) / spec.maps
