"""The networks of an agent: what acts and judges, and what generates its weights.

Names are those of Stable-Baselines3's policies and of our own `HyperNetwork`, its strategies and its targets.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from hyperrl.errors import did_you_mean
from hyperrl.recipes.base import Flag, Model, Name, NonNegative, Number, Positive, Text, Width
from hyperrl.recipes.messages import FieldError

Activation = Literal["tanh", "relu", "elu", "gelu", "silu"]
Widths = Annotated[tuple[Width, ...], Field(max_length=32)]
Convolution = tuple[Width, Width, Width]
Input = Literal["context", "state", "embedding", "noise", "memory"]

STRATEGY_OPTIONS: dict[str, tuple[str, ...]] = {
    "chunked": ("chunk_size", "width"),
    "adapter": ("adapter_activation",),
    "mask": ("sparsity",),
}
"""The options, beside `rank`, that some strategies have."""

DEFAULT_RANK = 8
_RANKED = ("low-rank", "adapter")
_EQUAL_WIDTHS = ("residual", "transformer", "recurrent")
_INPUT_SIZES = {"embedding_dim": "embedding", "noise_dim": "noise"}


class Arch(Model):
    """Hidden widths of the actor (pi) and the critic (vf), where they differ."""

    pi: Widths = Field(description="widths of the actor's hidden layers")
    vf: Widths = Field(description="widths of the critic's hidden layers")


def _arch_kind(value: Any) -> str | None:
    if isinstance(value, (Mapping, Arch)):
        return "heads"
    return "layers" if isinstance(value, Sequence) and not isinstance(value, str) else None


NetArch = Annotated[
    Annotated[Widths, Tag("layers")] | Annotated[Arch, Tag("heads")],
    Discriminator(
        _arch_kind,
        custom_error_type="net_arch",
        custom_error_message="widths as [64, 64], or {pi: [64, 64], vf: [64, 64]}",
    ),
]


def _generate_kind(value: Any) -> str | None:
    if value == "all":
        return "all"
    return "names" if isinstance(value, Sequence) and not isinstance(value, str) else None


Generate = Annotated[
    Annotated[Literal["all"], Tag("all")]
    | Annotated[tuple[Text, ...], Field(min_length=1, max_length=1000), Tag("names")],
    Discriminator(
        _generate_kind,
        custom_error_type="generate",
        custom_error_message="all, or a list of layers such as [actor, critic.2]",
    ),
]


class LrScale(Model):
    """Learning rates of the hypernetwork's parts, as multiples of the algorithm's."""

    generator: NonNegative = Field(default=1.0, description="of the hypernetwork but for its heads")
    heads: NonNegative = Field(default=1.0, description="of its last layer, which makes the weights")
    shared: NonNegative = Field(default=1.0, description="of the target's parameters that all tasks share")


class Hypernetwork(Model):
    """The network that maps a task's descriptor to the weights of the actor and the critic."""

    strategy: Literal["low-rank", "full", "chunked", "adapter", "modulation", "mask"] = Field(
        default="low-rank", description="what is generated for each layer"
    )
    rank: Width = Field(
        default=DEFAULT_RANK,
        description="rank of the change of a layer's weights, and of its bias (low-rank); "
        "size of the bottleneck (adapter)",
    )
    chunk_size: Width | None = Field(default=None, description="weights in a chunk (chunked); none: 256")
    width: Width | None = Field(default=None, description="size of a chunk's embedding (chunked); none: 64")
    adapter_activation: Activation | None = Field(
        default=None, description="activation of the bottleneck (adapter); none: linear"
    )
    sparsity: Annotated[Number, Field(ge=0, lt=1)] | None = Field(
        default=None, description="part of each layer's weights that is zero (mask); none: 0.5"
    )
    generate: Generate = Field(
        default="all",
        description="layers that are generated, the others being shared: all, or [actor, critic.2]",
    )
    trunk: Literal["shared", "separate"] = Field(
        default="shared",
        description="one hypernetwork for actor and critic, or one each; SAC, TD3 and TQC have one for the "
        "actor, and one for all critics or one each; with a memory there is one LSTM, which the critic "
        "trains, or one each",
    )
    hidden: Widths = Field(default=(64,), description="widths of the hypernetwork's hidden layers")
    activation: Activation = Field(default="tanh", description="activation of the hypernetwork")
    architecture: Literal["linear", "mlp", "residual", "transformer", "recurrent"] = Field(
        default="mlp", description="the hypernetwork's own architecture (linear: hidden has no part)"
    )
    initialization: Literal["matched", "hyperfan-in", "hyperfan-out", "bias-hyperinit"] = Field(
        default="matched", description="how generated weights start"
    )
    magnitude_invariant: Flag = Field(
        default=False, description="the context's features are encoded as points on a circle"
    )
    head_norm: Literal["weight", "spectral"] | None = Field(
        default=None, description="normalization of the hypernetwork's last layer"
    )
    inputs: Annotated[tuple[Input, ...], Field(min_length=1)] = Field(
        default=("context",),
        description="what the hypernetwork sees: context, state (weights follow the observation), embedding "
        "(learned, of the nearest training task), noise (drawn for each task and rollout); or memory alone, "
        "the output of the LSTM of a recurrent policy",
    )
    embedding_dim: Width | None = Field(
        default=None, description="size of a training task's learned embedding; none: 8"
    )
    noise_dim: Width | None = Field(default=None, description="how many numbers are drawn as noise; none: 8")
    missing: Annotated[Number, Field(ge=0, lt=1)] = Field(
        default=0.0, description="probability that a feature of the context is missing in a training episode"
    )
    max_grad_norm: Positive | None = Field(
        default=None,
        description="the hypernetwork's own gradient is clipped to this norm, after the algorithm's",
    )
    lr_scale: LrScale = Field(default=LrScale(), description="learning rates as multiples of the algorithm's")

    def generates(self, network: str) -> bool:
        """Whether a layer of that network is generated."""
        return self.generate == "all" or any(name.split(".")[0] == network for name in self.generate)

    @model_validator(mode="after")
    def _options_are_the_strategys(self) -> Self:
        if self.strategy not in _RANKED and self.rank != DEFAULT_RANK:
            raise FieldError(
                path=("rank",), found=self.rank, allowed=f"none with the strategy {self.strategy!r}"
            )
        for strategy, names in STRATEGY_OPTIONS.items():
            for name in names:
                value = getattr(self, name)
                if value is not None and strategy != self.strategy:
                    raise FieldError(
                        path=(name,), found=value, allowed=f"none with the strategy {self.strategy!r}"
                    )
        return self

    @model_validator(mode="after")
    def _widths_fit_the_architecture(self) -> Self:
        if self.architecture in _EQUAL_WIDTHS and len(set(self.hidden)) != 1:
            raise FieldError(
                path=("hidden",),
                found=[*self.hidden],
                allowed=f"one or more equal widths with the architecture {self.architecture!r}",
            )
        return self

    @model_validator(mode="after")
    def _inputs_are_used(self) -> Self:
        if len(set(self.inputs)) < len(self.inputs):
            raise FieldError(path=("inputs",), found=[*self.inputs], allowed="each input once")
        if "memory" in self.inputs and len(self.inputs) > 1:
            raise FieldError(path=("inputs",), found=[*self.inputs], allowed="nothing beside 'memory'")
        for name, kind in _INPUT_SIZES.items():
            if getattr(self, name) is not None and kind not in self.inputs:
                raise FieldError(
                    path=(name,), found=getattr(self, name), allowed=f"none unless inputs hold {kind!r}"
                )
        if "context" not in self.inputs:
            if self.magnitude_invariant:
                raise FieldError(
                    path=("magnitude_invariant",), found=True, allowed="false unless inputs hold 'context'"
                )
            if self.missing:
                raise FieldError(
                    path=("missing",), found=self.missing, allowed="0 unless inputs hold 'context'"
                )
        return self

    @model_validator(mode="after")
    def _heads_can_grow(self) -> Self:
        if self.head_norm == "spectral" and self.initialization == "bias-hyperinit":
            raise FieldError(
                path=("head_norm",),
                found="spectral",
                allowed="weight or none with the initialization 'bias-hyperinit', whose heads start at zero",
            )
        return self


class _Policy(Model):
    net_arch: NetArch = Field(default=(64, 64), description="hidden widths of the target networks")
    activation_fn: Activation = Field(default="tanh", description="activation of the target networks")
    log_std_init: Number = Field(
        default=0.0, description="initial log standard deviation of continuous actions"
    )
    ortho_init: Flag = Field(
        default=True,
        description="initialize with SB3's orthogonal statistics (on policy, as in SB3; others never)",
    )
    critic_lr_scale: NonNegative = Field(
        default=1.0,
        description="learning rate of the critics as a multiple of the algorithm's (SAC, TD3, TQC)",
    )
    n_critics: Width | None = Field(default=None, description="number of critics (SAC, TD3, TQC); none: 2")
    n_quantiles: Width | None = Field(
        default=None, description="quantiles of a value (TQC, QR-DQN); none: 25, 200"
    )
    lstm_hidden_size: Width | None = Field(
        default=None, description="size of an LSTM's output (recurrent PPO); none: 256"
    )
    n_lstm_layers: Annotated[Width, Field(le=32)] | None = Field(
        default=None, description="layers of an LSTM (recurrent PPO); none: 1"
    )
    shared_lstm: Flag | None = Field(
        default=None,
        description="one LSTM for actor and critic, trained by the actor (recurrent PPO); none: no",
    )
    enable_critic_lstm: Flag | None = Field(
        default=None, description="the critic has an LSTM of its own (recurrent PPO); none: yes"
    )

    def foreign(self, arguments: Container[str]) -> list[str]:
        """The fields that were given, that some algorithms' policies take, and that are not among these."""
        optional = (name for name, field in _Policy.model_fields.items() if field.default is None)
        return [name for name in optional if getattr(self, name) is not None and name not in arguments]

    def common(self) -> dict[str, Any]:
        """The fields that policies of every kind have."""
        return self.model_dump(include=set(_Policy.model_fields))


class HyperPolicyRecipe(_Policy):
    """Actor and critic whose weights are generated from the task's descriptor."""

    kind: Literal["hyper"] = Field(default="hyper", description="weights generated by a hypernetwork")
    layer_norm: Flag = Field(
        default=False, description="layer normalization in the target networks' hidden layers"
    )
    residual: Flag = Field(
        default=False, description="hidden layers of the target networks add their input to their output"
    )
    convolutions: Annotated[tuple[Convolution, ...], Field(min_length=1, max_length=16)] | None = Field(
        default=None,
        description="generated convolutions ahead of the hidden layers, [channels, kernel, stride] each; "
        "for observations that are images",
    )
    effort_coef: NonNegative = Field(
        default=0.0,
        description="weight in the loss of the mean square of continuous actions, in units of their bounds",
    )
    hypernetwork: Hypernetwork = Field(default=Hypernetwork(), description="the network that generates them")

    @property
    def layers(self) -> dict[str, tuple[str, ...]]:
        """The names of the layers of the networks `actor` and `critic`."""
        arch = self.net_arch
        widths = (arch, arch) if isinstance(arch, tuple) else (arch.pi, arch.vf)
        return {
            network: self._layers_of(network, len(hidden))
            for network, hidden in zip(("actor", "critic"), widths, strict=True)
        }

    def _layers_of(self, network: str, depth: int) -> tuple[str, ...]:
        convolutions = self.convolutions or ()
        head = f"{network}.head" if convolutions else network
        names = [f"{network}.conv.{number}" for number in range(len(convolutions))]
        for number in range(depth + 1):
            names.append(f"{head}.{number}")
            if self.layer_norm and number < depth:
                names.append(f"{head}.norm.{number}")
        return tuple(names)

    @model_validator(mode="after")
    def _generated_layers_exist(self) -> Self:
        hyper, layers = self.hypernetwork, self.layers
        if hyper.generate == "all":
            return self
        every = [name for names in layers.values() for name in names]
        for index, name in enumerate(hyper.generate):
            if not any(layer == name or layer.startswith(f"{name}.") for layer in every):
                raise FieldError(
                    path=("hypernetwork", "generate", index),
                    reason=f"found {name!r}; no layer of these networks"
                    f"{did_you_mean(name, [*layers, *every])}",
                )
        for network in layers:
            if hyper.trunk == "separate" and not hyper.generates(network):
                raise FieldError(
                    path=("hypernetwork", "generate"),
                    found=[*hyper.generate],
                    allowed=f"a layer of the {network} too where trunk is 'separate'",
                )
        return self

    @model_validator(mode="after")
    def _state_is_no_image(self) -> Self:
        for kind in ("state", "memory"):
            if self.convolutions is not None and kind in self.hypernetwork.inputs:
                raise FieldError(
                    path=("hypernetwork", "inputs"),
                    found=[*self.hypernetwork.inputs],
                    allowed=f"no {kind!r} beside policy.convolutions",
                )
        return self


class ConcatPolicyRecipe(_Policy):
    """SB3's MultiInputPolicy: the descriptor is concatenated to the observation."""

    kind: Literal["concat"] = Field(
        default="concat", description="descriptor concatenated to the observation"
    )
    match_parameters: Name | None = Field(
        default=None,
        description="name of an agent whose number of parameters the hidden width is chosen to match",
    )


class BlindPolicyRecipe(_Policy):
    """SB3's MultiInputPolicy that never sees the descriptor."""

    kind: Literal["blind"] = Field(default="blind", description="the descriptor is never seen")


Policy = Annotated[HyperPolicyRecipe | ConcatPolicyRecipe | BlindPolicyRecipe, Field(discriminator="kind")]
