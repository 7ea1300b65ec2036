"""Any ``nn.Module`` as a target network: the general path, ``torch.func.functional_call`` under ``vmap``."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from hyperrl.nets.grouping import layout_of
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.targets.base import plain_tensors
from hyperrl.nets.weights import Weights

_ROOT = "module"
_REFUSED: dict[type, str] = {
    nn.RNNBase: "use hyperrl.nets.GRU, or cells and a loop",
    nn.LSTMCell: "torch.vmap has no rule for it; use nn.GRUCell",
    _SpectralNorm: "it writes its own buffers at every call; use another normalization",
    LazyModuleMixin: "its sizes are not known yet; call it once",
    nn.modules.batchnorm._BatchNorm: "it mixes tasks; use nn.LayerNorm or nn.GroupNorm",
}


@dataclass(frozen=True)
class _Piece:
    """One generated layer: a parameter of the module as its weight, and maybe another as its bias."""

    layer: str
    weight: str
    shape: torch.Size
    bias: str | None

    def spec(self, parameters: dict[str, Tensor]) -> LayerSpec:
        weight = parameters[self.weight].detach().clone()
        out = self.shape[0] if self.shape else 1
        bias = weight.new_zeros(out) if self.bias is None else parameters[self.bias].detach().clone()
        start = (weight.reshape(out, -1).t().contiguous(), bias)
        return LayerSpec(prod(self.shape[1:]), out, None, start)

    def tensors(self, dense: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        weight = dense[f"{self.layer}.weight"]
        yield self.weight, weight.reshape(len(weight), *self.shape)
        if self.bias is not None:
            yield self.bias, dense[f"{self.layer}.bias"]


class ModuleTarget(nn.Module):
    """An existing module whose parameters are all generated.

    The weight and the bias of a child are one generated layer, with the child's name. Any other parameter
    is a separate layer, whose bias is generated and not used. Generated weights start at those of the
    module, with small differences between tasks. Buffers are shared by all tasks.

    This path serves anything that ``torch.func`` can batch, at the price of forming the weights of every
    task; :class:`~hyperrl.nets.MLP`, :class:`~hyperrl.nets.CNN` and :class:`~hyperrl.nets.GRU` need not.

    Args:
        module: Any module that maps a batch of rows to a batch of rows, each row by itself. It is copied and
            left as it is.

    Raises:
        ValueError: A module without parameters, or with a child that this path cannot serve.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        for name, child in module.named_modules():
            where = repr(name) if name else "its root"
            for kind, instead in _REFUSED.items():
                if isinstance(child, kind):
                    raise ValueError(f"module: found {type(child).__name__} at {where}; {instead}")
            for hook in child._forward_pre_hooks.values():
                if isinstance(hook, (SpectralNorm, WeightNorm)):
                    found = type(hook).__name__
                    raise ValueError(f"module: found {found} at {where}; use torch.nn.utils.parametrizations")
        self.pieces = list(_pieces(module))
        if not self.pieces:
            raise ValueError("module: found no parameters; allowed: a module with parameters to generate")
        parameters: dict[str, Tensor] = dict(module.named_parameters())
        self._specs = {piece.layer: piece.spec(parameters) for piece in self.pieces}
        self._aliases = _aliases(module)
        self.skeleton = deepcopy(module)
        for child in self.skeleton.modules():
            for name in child._parameters:
                child._parameters[name] = None

    @property
    def layers(self) -> dict[str, LayerSpec]:
        """The generated layers, by the names of the module's children."""
        return dict(self._specs)

    def forward(self, x: Any, weights: Weights, *more: Tensor) -> Any:
        """Applies the module, each row with its own task's weights.

        Args:
            x: (B, ...), the module's first argument.
            weights: Of the rows' tasks.
            more: Further arguments of the module, (B, ...) each.

        Returns:
            What the module returns: a tensor, or a tuple of tensors, (B, ...) each.

        Raises:
            ValueError: Weights with a layer that is no affine map.
        """
        parameters = self._parameters_of(weights)
        tasks = len(next(iter(parameters.values())))
        if tasks == 1:
            single = {name: tensor[0] for name, tensor in parameters.items()}
            return functional_call(self.skeleton, single, (x, *more))
        layout = layout_of(tasks, weights.index)
        rows = [layout.enter(tensor) for tensor in (x, *more)]
        y = vmap(self._call, randomness="different")(parameters, *rows)
        return tuple(map(layout.leave, y)) if isinstance(y, tuple) else layout.leave(y)

    def _call(self, parameters: dict[str, Tensor], *rows: Tensor) -> Any:
        return functional_call(self.skeleton, parameters, rows)

    def _parameters_of(self, weights: Weights) -> dict[str, Tensor]:
        dense = plain_tensors(weights)
        tensors = dict(pair for piece in self.pieces for pair in piece.tensors(dense))
        return tensors | {alias: tensors[name] for alias, name in self._aliases.items()}

    def specialize(self, weights: Weights, task: int = 0) -> nn.Module:
        """The module with frozen copies of the weights of one task, without the hypernetwork."""
        module = deepcopy(self.skeleton)
        parameters: dict[str, nn.Parameter] = {}
        for name, tensor in self._parameters_of(weights).items():
            canonical = self._aliases.get(name, name)
            parameters.setdefault(canonical, nn.Parameter(tensor[task].detach().clone(), requires_grad=False))
            parent, _, own = name.rpartition(".")
            module.get_submodule(parent).register_parameter(own, parameters[canonical])
        return module


def _pieces(module: nn.Module) -> Iterator[_Piece]:
    seen: set[nn.Parameter] = set()
    for prefix, child in module.named_modules():
        own = {name: p for name, p in child.named_parameters(recurse=False) if p not in seen}
        seen.update(own.values())
        path = f"{prefix}." if prefix else ""
        weight, bias = own.get("weight"), own.get("bias")
        if weight is not None and bias is not None and bias.shape == weight.shape[:1]:
            yield _Piece(prefix or _ROOT, f"{path}weight", weight.shape, f"{path}bias")
            del own["weight"], own["bias"]
        for name, parameter in own.items():
            yield _Piece(f"{path}{name}", f"{path}{name}", parameter.shape, None)


def _aliases(module: nn.Module) -> dict[str, str]:
    """Further names of tied parameters, and the names they go by."""
    first = {parameter: name for name, parameter in module.named_parameters()}
    every = module.named_parameters(remove_duplicate=False)
    return {name: first[parameter] for name, parameter in every if first[parameter] != name}
