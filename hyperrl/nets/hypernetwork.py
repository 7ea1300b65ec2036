"""The hypernetwork: descriptors of tasks in, weights of a target network out."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hyperrl.arguments import FLAG, Constraint, check_arguments, integer
from hyperrl.config import GenerationConfig
from hyperrl.nets.activations import activation_class
from hyperrl.nets.encoders import Encoder, MagnitudeInvariant, Range
from hyperrl.nets.encoders.base import RANGE, sample_box
from hyperrl.nets.encoders.combined import ENCODER
from hyperrl.nets.fused import ONE_EACH, FusedNetworks, FusedWeights, PrecomputedCodes, Rows
from hyperrl.nets.generators import GENERATORS, Generator
from hyperrl.nets.initialization import initial_head
from hyperrl.nets.layers import LayerSpec
from hyperrl.nets.strategies import Strategy, build
from hyperrl.nets.targets import ModuleTarget, Target, is_target
from hyperrl.nets.weights import Weights

_CALIBRATION_TASKS = 512
"""Tasks all over the range, corners among them, by which the heads are set at the start."""

_ARGUMENTS: dict[str, Constraint] = {
    "descriptor_dim": integer(0),
    "target": Constraint("a network of hyperrl.nets, or HyperNetwork.for_module(module, ...)", is_target),
    "descriptor_range": RANGE,
    "encoder": ENCODER.or_none(),
    "separate_head": FLAG,
}


class HyperNetwork(nn.Module):
    """Generates the weights and biases of the layers of a target network from a task's descriptor.

    Args:
        descriptor_dim: Size D of a descriptor; 0 gives one task with one learned descriptor.
        target: The network whose weights are generated.
        strategy: What is generated, a name in :data:`~hyperrl.nets.STRATEGIES`: ``"low-rank"``, a rank-r
            change of shared weights; ``"full"``, every weight by one head a layer; and so on.
        descriptor_range: The range of descriptors over which the generated weights start with the
            statistics of the plain target: two numbers, or two tensors (D,). An encoder has its own range.
        encoder: Turns descriptors into the hypernetwork's inputs; None uses descriptors as inputs.
        separate_head: Whether the heads are a separate parameter, which a separate learning rate needs.
        options: The other fields of :class:`~hyperrl.config.GenerationConfig`: ``rank`` = 8, ``hidden`` =
            (64,), ``activation``, ``architecture``, ``generate``, ``initialization``, ``head_norm``,
            ``magnitude_invariant``, and ``strategy_options``, further options of the strategy.

    Raises:
        ValueError: An unknown name, or choices that do not go together.
    """

    def __init__(
        self,
        descriptor_dim: int,
        target: Target,
        strategy: str = GenerationConfig.strategy,
        *,
        descriptor_range: Range = (-1.0, 1.0),
        encoder: Encoder | None = None,
        separate_head: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        check_arguments(_ARGUMENTS, locals())
        config = GenerationConfig.of({"strategy": strategy, **options})
        self.descriptor_dim, self.target = descriptor_dim, target
        self.strategy: Strategy = build(strategy, target.layers, config.generate, **config.options)
        if isinstance(target, ModuleTarget) and not self.strategy.affine:
            raise ValueError(
                "strategy_options: an adapter with an activation is no affine map, as the layers of a module "
                "are; take activation=None, or an MLP, CNN or GRU as target"
            )
        self.learned = nn.Parameter(torch.ones(1, 1)) if descriptor_dim == 0 else None
        if config.magnitude_invariant and encoder is not None and descriptor_dim > 0:
            raise ValueError(
                "magnitude_invariant: does not go with an encoder of your own; make "
                "hyperrl.nets.encoders.MagnitudeInvariant a part of it"
            )
        if config.magnitude_invariant and descriptor_dim > 0:
            encoder = MagnitudeInvariant(descriptor_dim, descriptor_range)
        if encoder is not None and encoder.dim != descriptor_dim:
            raise ValueError(f"encoder: takes {encoder.dim} columns; descriptor_dim is {descriptor_dim}")
        self.encoder = encoder
        self._networks = FusedNetworks.of(getattr(target, "chains", {}), self.strategy.fused_layers)
        inputs = max(descriptor_dim, 1) if encoder is None else encoder.out_dim
        self.generator = self._make_generator(inputs, config, separate_head)
        with torch.no_grad():
            if encoder is None:
                sample = sample_box(*descriptor_range, descriptor_dim, _CALIBRATION_TASKS)
            else:
                sample = encoder.sample(_CALIBRATION_TASKS)
            self._initialize(config, sample, target.layers)

    def _make_generator(self, inputs: int, config: GenerationConfig, separate_head: bool) -> Generator:
        return GENERATORS[config.architecture](
            inputs,
            config.hidden,
            tuple(self.strategy.sections.values()),
            activation_class("activation", config.activation),
            config.head_norm,
            separate_head,
        )

    def _initialize(self, config: GenerationConfig, sample: Tensor, layers: dict[str, LayerSpec]) -> None:
        """Sets how generated weights start, given descriptors of tasks all over the range."""
        features = self.generator(self.encode(sample)).features
        self.generator.set_head(*initial_head(config.initialization, self.strategy, features, layers))

    def encode(self, descriptors: Float[Tensor, "task descriptor"]) -> Float[Tensor, "task inputs"]:
        """The generator's inputs for descriptors."""
        if self.learned is not None:
            return self.learned.expand(descriptors.shape[0], 1)
        return descriptors if self.encoder is None else self.encoder(descriptors)

    @classmethod
    def for_module(cls, module: nn.Module, descriptor_dim: int, **options: Any) -> "HyperNetwork":
        """A hypernetwork that generates all parameters of an existing module, and starts at those it has.

        Apply it with ``hyper.target(x, hyper(descriptors, index))``; the module itself is copied and left as
        it is. See :class:`~hyperrl.nets.ModuleTarget` for what a module may be.

        Args:
            module: The module to generate.
            descriptor_dim: Size D of a descriptor.
            options: Further arguments of the hypernetwork.

        Raises:
            ValueError: A module that cannot be generated.
        """
        return cls(descriptor_dim, ModuleTarget(module), **options)

    @property
    def factored(self) -> bool:
        """Whether weights stay in their factors, at a cost that does not depend on the number of tasks."""
        return self.strategy.factored

    def forward(
        self, descriptors: Float[Tensor, "task descriptor"], index: Int[Tensor, " row"] | None = None
    ) -> Weights:
        """Generates the weights of tasks.

        Args:
            descriptors: (G, D), the distinct tasks.
            index: (B,), the task of each row that the target will be applied to, in any order. None: row i
                is task i, or all rows are the one task where G is 1.
        """
        weights: Weights = self.strategy(self.generator(self.encode(descriptors)), index)
        return replace(weights, index=index)

    def fused(
        self, descriptors: Float[Tensor, "task descriptor"], rows: Rows = ONE_EACH
    ) -> FusedWeights | None:
        """The weights of tasks as :meth:`forward` has them, for the target applied in one step.

        None where the strategy, the target or its activations have no such form.

        Args:
            descriptors: (G, D), different tasks.
            rows: Which task each row belongs to that the target will be applied to.
        """
        if self._networks is None:
            return None
        inputs, source = self.encode(descriptors), self.generator.fused
        if source is None:
            source, tensors = PrecomputedCodes(), [self.generator(inputs).values()]
        else:
            tensors = [inputs, self.generator.flat]
        flat: Tensor = self.strategy.flat.values
        if not torch.is_grad_enabled():
            flat, tensors = flat.detach(), [tensor.detach() for tensor in tensors]
        return FusedWeights(source, tensors, rows, flat, self._networks)

    def parameter_groups(
        self,
        generator_lr_scale: float = 1.0,
        shared_lr_scale: float = 1.0,
        head_lr_scale: float = 1.0,
        lr: float | None = None,
    ) -> list[dict[str, Any]]:
        """All parameters in groups for an optimizer, each with its ``name`` and ``lr_scale``.

        Args:
            generator_lr_scale: Of the hypernetwork without its heads, encoder included.
            shared_lr_scale: Of the parameters that all tasks share.
            head_lr_scale: Of the heads; a different scale needs ``separate_head`` (or ``head_norm``).
            lr: If given, each group also has its rate, ``"lr"``: the scale times this.

        Raises:
            ValueError: A different scale of heads that share a parameter with the rest.
        """
        body, head = self.generator.body_and_head()
        if body and not head and head_lr_scale != generator_lr_scale:
            raise ValueError(
                f"head_lr_scale: found {head_lr_scale} beside a generator_lr_scale of {generator_lr_scale}; "
                "a different scale of the heads needs HyperNetwork(..., separate_head=True)"
            )
        encoder = [] if self.encoder is None else list(self.encoder.parameters())
        learned = [] if self.learned is None else [self.learned]
        shared = [*self.strategy.parameters(), *_parameters(self.target)]
        groups = [
            ("generator", [*learned, *encoder, *body], generator_lr_scale),
            ("heads", head, head_lr_scale),
            ("shared", shared, shared_lr_scale),
        ]
        return [
            {"params": parameters, "name": name, "lr_scale": scale}
            | ({} if lr is None else {"lr": lr * scale})
            for name, parameters, scale in groups
            if parameters
        ]


def _parameters(target: Target) -> Iterable[nn.Parameter]:
    """The parameters of the target itself, such as those of its activations."""
    return target.parameters() if isinstance(target, nn.Module) else ()
