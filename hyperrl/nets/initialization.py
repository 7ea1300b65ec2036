"""Initialization of a hypernetwork's heads, and by that of the generated weights.

| name | weights at the start |
| --- | --- |
| `matched` | as the target's own for every task; a small part of their variance is between tasks |
| `hyperfan-in` | activations keep their variance; all generated weights differ between tasks |
| `hyperfan-out` | gradients keep their variance; all generated weights differ between tasks |
| `bias-hyperinit` | as the target's own, equal for all tasks (Beck et al., CoRL 2022) |

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
class _Section:
    """The head of one section of a strategy's outputs, with features of tasks all over the range."""

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

    def around(self, weight: Tensor, features: Tensor | None = None) -> "_Section":
        """A head with the same outputs in the middle and another weight, possibly for other features."""
        features = self.features if features is None else features
        return _Section(weight, self.middle - features.mean(dim=0) @ weight, features)

    def for_features(self, features: Tensor) -> "_Section":
        """The head for other features, scaled so that its largest change over tasks stays the same."""
        moved = self.around(self.weight, features)
        sizes = [section.changes().square().mean(dim=1).max() for section in (self, moved)]
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
    sections = [_Section(*head, first) for head in heads]
    if not shared:
        by_section = zip(sections, features.unbind(1), strict=True)
        sections = [section.for_features(own) for section, own in by_section]
    sections = [
        _initialized(initialization, section, strategy, layers.get(name))
        for name, section in zip(strategy.sections, sections, strict=True)
    ]
    weights, biases = [section.weight for section in sections], [section.bias for section in sections]
    return torch.cat(weights, dim=1), torch.cat(biases)


def _initialized(
    initialization: Initialization, section: _Section, strategy: Strategy, spec: LayerSpec | None
) -> _Section:
    if initialization == "matched":
        return section
    generated = strategy.generated if isinstance(strategy, Partial) else strategy
    whole = spec if isinstance(generated, Full) else None
    if initialization == "bias-hyperinit":
        return _plain(section, whole)
    fan = initialization.removeprefix("hyperfan-")
    return _hyperfan_change(section, spec, fan) if whole is None else _hyperfan(section, whole, fan)


def _plain(section: _Section, whole: LayerSpec | None) -> _Section:
    """A head of zeros whose bias is a plain layer's weights and biases, or the middle of a change."""
    bias = section.middle
    if whole is not None:
        bias = torch.cat([initial_weight(whole).flatten(), initial_bias(whole)])
    return _Section(torch.zeros_like(section.weight), bias, section.features)


def _hyperfan(section: _Section, spec: LayerSpec, fan: str) -> _Section:
    """The head of a layer's whole weights and biases (Chang et al., ICLR 2020, table 1).

    Biases are generated too: theirs is half of the variance of y (fan-in), or what the weights leave of it
    (fan-out). The layer's squared gain stands for the factor of 2 that they give a layer before a ReLU. The
    variance of the features is measured, where they take it to be that of the descriptor.
    """
    inside = section.features[len(section.features) // 2 :]
    energy = inside.square().mean(dim=0).sum().clamp_min(1e-12)
    square, into, out = spec.mean_square * _fan(spec), spec.in_features, spec.out_features
    entries = torch.tensor([into * out, out])
    if fan == "in":
        variance, bias_variance = square / (2 * into), square / 2
    else:
        variance, bias_variance = square / spec.fan_out, square * max(1 - into / spec.fan_out, 0.0)
    variances = torch.tensor([variance, bias_variance]).repeat_interleave(entries)
    weight = torch.randn_like(section.weight) * (variances / energy).sqrt()
    return _Section(weight, torch.zeros_like(section.bias), section.features)


def _hyperfan_change(section: _Section, spec: LayerSpec | None, fan: str) -> _Section:
    """The head of a change of shared weights: independent entries with the variance of the rule.

    The strategy's head sets the size of the change for the layer's own fan; the rule scales it to its fan.
    """
    energy = (section.features - section.center).square().mean(dim=0).sum().clamp_min(1e-12)
    variance = section.changes().square().mean() / energy
    if spec is not None:
        variance = variance * (_fan(spec) / (spec.in_features if fan == "in" else spec.fan_out))
    return section.around(torch.randn_like(section.weight) * variance.sqrt())


def _fan(spec: LayerSpec) -> float:
    """The fan by which a plain layer's initialization divides the squared gain of one map."""
    if spec.gain is None:
        return float(spec.in_features)
    return max(spec.in_features, spec.out_features) / spec.maps
