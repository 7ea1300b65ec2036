"""The configuration of a hypernetwork: its fields, their defaults, what they may be, and which go together.

Recipes are validated into it, and the nets and the policies take it. Its field names are those of
`policy.hypernetwork` in an agent's file and of keyword arguments in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from hyperrl.arguments import (
    FLAG,
    MAPPING,
    NAMES,
    ArgumentError,
    Constraint,
    finite,
    integer,
    is_list_of,
    one_of,
    refuse_unknown,
)
from hyperrl.config_fields import Config, nested, option
from hyperrl.index_config import IndexConfig

Strategy = Literal["low-rank", "full", "chunked", "adapter", "modulation", "mask"]
ActivationName = Literal["tanh", "relu", "elu", "gelu", "silu"]
Activation = ActivationName | Callable[[], Any]
"""An activation by name, or in Python a class of `torch.nn`."""
Architecture = Literal["linear", "mlp", "residual", "transformer", "recurrent"]
Initialization = Literal["matched", "hyperfan-in", "hyperfan-out", "bias-hyperinit"]
HeadNorm = Literal["weight", "spectral"]
Input = Literal["context", "state", "embedding", "noise", "memory", "latent"]
Beyond = Literal["linear", "saturate"]
"""What a policy sees of a task beyond the training range: its descriptor, or the edge of the range."""

STRATEGY_OPTIONS: dict[Strategy, tuple[str, ...]] = {
    "low-rank": ("rank",),
    "full": (),
    "chunked": ("chunk_size", "width"),
    "adapter": ("rank", "adapter_activation"),
    "modulation": (),
    "mask": ("sparsity",),
}
"""The fields that are options of a strategy, and have no effect with the others."""

DEFAULT_DIM = 8
"""Size of an embedding, and how many numbers are drawn as noise, where the configuration gives none."""

_EQUAL_WIDTHS = ("residual", "transformer", "recurrent")
MAX_WIDTH = 65_536
"""The largest size of a layer, an embedding or a rank."""
LARGEST = 1e12
"""The largest rate, coefficient or bound: products of some of them are finite in single precision."""

_SIZE = integer(1, MAX_WIDTH)
_SCALE = finite(0, below=LARGEST)
_WIDTHS = Constraint(
    f"a list of at most 32 whole numbers from 1 to {MAX_WIDTH:,}, such as (64, 64)",
    lambda value: is_list_of(_SIZE.holds)(value) and len(value) <= 32,
)
_ACTIVATION = Constraint(
    f"{one_of(get_args(ActivationName)).allowed}; in Python a class of torch.nn's, such as torch.nn.Tanh",
    lambda value: callable(value) or value in get_args(ActivationName),
    get_args(ActivationName),
)
_GENERATE = Constraint(
    "all, or a list of layers such as [actor, critic.2]",
    lambda value: value == "all" or (NAMES.holds(value) and 1 <= len(value) <= 1000),
)
_DESCRIPTORS = Constraint("a list of descriptors", lambda value: hasattr(value, "__len__"))


@dataclass(frozen=True)
class LrScale(Config):
    """Learning rates of a hypernetwork's parts, as multiples of the algorithm's."""

    generator: float = option(1.0, _SCALE)
    """learning rate of the hypernetwork without its heads, as a multiple of the algorithm's"""
    heads: float = option(1.0, _SCALE)
    """learning rate of its heads, the last layer, which outputs the weights; likewise"""
    shared: float = option(1.0, _SCALE)
    """learning rate of the target networks' parameters that all tasks share; likewise"""


@dataclass(frozen=True)
class GenerationConfig(Config):
    """What a hypernetwork generates, of which layers, and what the hypernetwork itself is."""

    strategy: Strategy = option("low-rank", one_of(get_args(Strategy)))
    """what is generated for each layer"""
    rank: int = option(8, _SIZE)
    """rank of the change of a layer's weights, and of its bias (low-rank); bottleneck's size (adapter)"""
    chunk_size: int | None = option(None, _SIZE.or_none())
    """weights in a chunk (chunked); none: 256"""
    width: int | None = option(None, _SIZE.or_none())
    """size of a chunk's embedding (chunked); none: 64"""
    adapter_activation: Activation | None = option(None, _ACTIVATION.or_none())
    """activation of the bottleneck (adapter); none: linear"""
    sparsity: float | None = option(None, finite(0, below=1).or_none())
    """part of each layer's weights that is zero (mask); none: 0.5"""
    generate: Literal["all"] | tuple[str, ...] = option("all", _GENERATE)
    """layers that are generated, all tasks sharing the others: all, or [actor, critic.2]"""
    hidden: tuple[int, ...] = option((64,), _WIDTHS)
    """widths of the hypernetwork's hidden layers"""
    activation: Activation = option("tanh", _ACTIVATION)
    """activation of the hypernetwork"""
    architecture: Architecture = option("mlp", one_of(get_args(Architecture)))
    """the hypernetwork's own architecture (linear has no hidden layers)"""
    initialization: Initialization = option("matched", one_of(get_args(Initialization)))
    """how generated weights start"""
    magnitude_invariant: bool = option(False, FLAG)
    """the context's features are encoded as points on a circle"""
    head_norm: HeadNorm | None = option(None, one_of(get_args(HeadNorm)).or_none())
    """normalization of the hypernetwork's last layer"""

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """The configuration that keyword arguments give.

        Args:
            arguments: Fields by name. `strategy_options` may hold the strategy's, there without the prefix
                `adapter_`.

        Raises:
            ArgumentError: as the configuration does, and a name that is no field.
        """
        arguments = dict(arguments)
        options = arguments.pop("strategy_options", None)
        MAPPING.or_none().check("strategy_options", options)
        if options:
            strategy = arguments.get("strategy", cls.strategy)
            known = STRATEGY_OPTIONS.get(strategy, ())
            refuse_unknown("strategy_options", options, [name.removeprefix("adapter_") for name in known])
            arguments |= {
                name: options[short] for name in known if (short := name.removeprefix("adapter_")) in options
            }
        refuse_unknown("hypernetwork", arguments, {*(each.name for each in fields(cls)), "strategy_options"})
        return cls(**arguments)

    @property
    def options(self) -> dict[str, Any]:
        """The options of the strategy that have a value, by the names of its arguments."""
        values = {name: getattr(self, name) for name in STRATEGY_OPTIONS[self.strategy]}
        return {name.removeprefix("adapter_"): value for name, value in values.items() if value is not None}

    def __post_init__(self) -> None:
        """Refuses fields that do not go together."""
        super().__post_init__()
        for name in {name for names in STRATEGY_OPTIONS.values() for name in names} - {"rank"}:
            if getattr(self, name) is not None and name not in STRATEGY_OPTIONS[self.strategy]:
                self.refuse(name, f"none with the strategy {self.strategy!r}")
        if self.architecture in _EQUAL_WIDTHS and len(set(self.hidden)) != 1:
            self.refuse("hidden", f"one or more equal widths with the architecture {self.architecture!r}")
        if self.head_norm == "spectral" and self.initialization == "bias-hyperinit":
            self.refuse(
                "head_norm",
                "weight or none with the initialization 'bias-hyperinit', whose heads start at zero",
            )


@dataclass(frozen=True)
class HypernetworkConfig(GenerationConfig):
    """The hypernetwork of a policy: what it generates, what it sees, and how it learns."""

    trunk: Literal["shared", "separate"] = option("shared", one_of(("shared", "separate")))
    """one hypernetwork for actor and critic, or one each; off policy there is one for the actor, and one
    for all critics or one each; with a memory there is one LSTM, which the critic trains, or one each"""
    inputs: tuple[Input, ...] = option(("context",), NAMES)
    """what the hypernetwork sees: context, state (weights follow the observation), embedding (learned, of the
    nearest training task), noise (drawn for each task and rollout); or memory alone, the output of the LSTM
    of a recurrent policy; or latent alone, what policy.inference puts in the context's place"""
    embedding_dim: int | None = option(None, _SIZE.or_none())
    """size of a training task's learned embedding; none: 8"""
    noise_dim: int | None = option(None, _SIZE.or_none())
    """how many numbers are drawn as noise, or how many members there are (index.kind members); none: 8"""
    index: IndexConfig = option(
        IndexConfig(), nested(IndexConfig, "a dictionary of its fields, such as {'prior_scale': 3.0}")
    )
    """what noise is off policy, where it is drawn for each episode: the index of one of many networks"""
    context_dropout: float = option(0.0, finite(0, below=1))
    """probability that a feature of the context is hidden for a training episode"""
    max_grad_norm: float | None = option(None, finite(above=0).or_none())
    """the hypernetwork's own gradient is clipped to this norm, after the algorithm's"""
    lr_scale: LrScale = option(
        LrScale(),
        nested(LrScale, "a dictionary of rates by 'generator', 'heads' and 'shared', such as {'heads': 0.1}"),
    )
    """learning rates as multiples of the algorithm's"""
    training_contexts: Sequence[Sequence[float]] = option((), _DESCRIPTORS, in_file=False)
    """descriptors of the training tasks, to which embeddings belong; in Python alone"""

    def __post_init__(self) -> None:
        """Refuses fields that do not go together."""
        super().__post_init__()
        for name, kind in (("lr_scale", LrScale), ("index", IndexConfig)):
            object.__setattr__(self, name, kind.nested(name, getattr(self, name)))
        for index, name in enumerate(self.inputs):
            one_of(get_args(Input)).check(("inputs", index), name)
        if not self.inputs or len(set(self.inputs)) < len(self.inputs):
            self.refuse("inputs", "one or more inputs, each once")
        for alone in ("memory", "latent"):
            if alone in self.inputs and len(self.inputs) > 1:
                self.refuse("inputs", f"nothing beside {alone!r}")
        for field_name, needed, unset in (
            ("embedding_dim", "embedding", "none"),
            ("noise_dim", "noise", "none"),
            ("magnitude_invariant", "context", "false"),
            ("context_dropout", "context", "0"),
        ):
            if getattr(self, field_name) and needed not in self.inputs:
                self.refuse(field_name, f"{unset} unless inputs hold {needed!r}")
        self._check_index()

    def _check_index(self) -> None:
        """Refuses fields that do not go with the index."""
        index = self.index
        for name, found, default in index.changed() if "noise" not in self.inputs else ():
            raise ArgumentError(("index", name), found, f"{default!r} unless inputs hold 'noise'")
        if index.kind == "members" and self.index_dim < 2:
            self.refuse("noise_dim", "at least 2 with index.kind 'members', which it counts")

        if index.separate and (index.kind != "members" or self.inputs != ("noise",)):
            raise ArgumentError(
                ("index", "separate"), True, "false unless kind is 'members' and inputs [noise]"
            )
        if index.separate and (self.strategy != "full" or self.generate != "all"):
            self.refuse("strategy", "full, with generate 'all', where index.separate is true")

    @property
    def index_dim(self) -> int:
        """How many numbers noise has, or how many members there are."""
        return self.noise_dim or DEFAULT_DIM

    def generation(self, **changes: Any) -> dict[str, Any]:
        """The fields of :class:`GenerationConfig` as keyword arguments, some of them changed."""
        return {each.name: getattr(self, each.name) for each in fields(GenerationConfig)} | changes

    def with_strategy(self, strategy: Strategy, rank: int) -> Self:
        """The same configuration with another strategy; options that it has not are left out."""
        names = {name for names in STRATEGY_OPTIONS.values() for name in names if name != "rank"}
        unset: dict[str, Any] = dict.fromkeys(names.difference(STRATEGY_OPTIONS[strategy]))
        return replace(self, **unset, strategy=strategy, rank=rank)

    def generates(self, network: str) -> bool:
        """Whether a layer of that network is generated."""
        return self.generate == "all" or any(name.split(".")[0] == network for name in self.generate)

    @property
    def separate_head(self) -> bool:
        """Whether the heads have a learning rate of their own."""
        return self.lr_scale.heads != self.lr_scale.generator

    @property
    def plain_optimizer(self) -> bool:
        """Whether all parameters are treated alike."""
        return self.max_grad_norm is None and self.lr_scale == LrScale()
