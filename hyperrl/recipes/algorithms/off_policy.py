"""The algorithms that replay what earlier policies did."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hyperrl.recipes.algorithms.base import INPUTS, Actions, AnyAlgorithm, Refusals
from hyperrl.recipes.base import (
    Count,
    Flag,
    Fraction,
    NonNegative,
    Number,
    Positive,
    Rate,
    Whole,
    number,
)
from hyperrl.recipes.messages import FieldError
from hyperrl.recipes.policy import Policy


def _auto(value: object) -> object:
    return value if value == "auto" else number(value, allowed="a finite number, or auto")


class _OffPolicy(AnyAlgorithm):
    off_policy: ClassVar[bool] = True
    actions: ClassVar[Actions] = "continuous"
    buffer_size: Count = Field(default=1_000_000, description="transitions that are replayed")
    learning_starts: Annotated[Whole, Field(ge=0, le=10**12)] = Field(
        default=100, description="environment steps before learning starts, by random actions"
    )
    batch_size: Count = Field(default=256, description="transitions in a minibatch")
    gradient_steps: Annotated[Whole, Field(ge=-1, le=10**9)] = Field(
        default=1, description="updates after each collection; -1: as many as it took environment steps"
    )

    @model_validator(mode="after")
    def _something_is_learned(self) -> Self:
        if self.gradient_steps == 0:
            raise FieldError(path=("gradient_steps",), found=0, allowed="-1, or at least 1")
        return self

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """What does not go with replay, too."""
        yield from super().refusals(policy, n_envs)
        if policy.kind != "hyper":
            return
        on = f"with the algorithm {self.name!r}"
        if "noise" in policy.hypernetwork.inputs:
            yield INPUTS, f"no 'noise' {on}, which learns from what other networks did"
        if policy.convolutions is not None and "actor" in self.networks:
            yield ("policy", "convolutions"), f"none {on}, whose critics see actions beside the image"
        for network in self.networks:
            if not policy.hypernetwork.generates(network):
                allowed = f"a layer of the {network} too {on}, where it has a hypernetwork of its own"
                yield ("policy", "hypernetwork", "generate"), allowed


class _Soft(_OffPolicy):
    policy_arguments: ClassVar[tuple[str, ...]] = ("critic_lr_scale", "n_critics")
    tau: Rate = Field(default=0.005, description="part of the way that targets follow at each update")
    train_freq: Count = Field(default=1, description="steps of each environment between updates")
    action_noise: Positive | None = Field(
        default=None,
        description="standard deviation of normal noise on actions in units of their bounds; none: no noise",
    )


class _MaximumEntropy(_Soft):
    policy_arguments: ClassVar[tuple[str, ...]] = (*_Soft.policy_arguments, "log_std_init")
    learning_rate: Positive = Field(default=3e-4, description="Adam's step size")
    ent_coef: Annotated[NonNegative | Literal["auto"], BeforeValidator(_auto)] = Field(
        default="auto", description="weight of the entropy bonus; auto: learned"
    )
    target_entropy: Annotated[Number | Literal["auto"], BeforeValidator(_auto)] = Field(
        default="auto", description="entropy that ent_coef is learned for; auto: minus the number of actions"
    )
    target_update_interval: Count = Field(default=1, description="updates between those of the targets")
    use_sde: Flag = Field(default=False, description="generalized state-dependent exploration")
    sde_sample_freq: Annotated[Whole, Field(ge=-1, le=10**9)] = Field(
        default=-1, description="steps between new exploration noise; -1: once a collection"
    )
    use_sde_at_warmup: Flag = Field(
        default=False, description="explore by gSDE, not at random, before learning starts"
    )


class SAC(_MaximumEntropy):
    """Arguments and defaults of stable_baselines3.SAC."""

    name: Literal["sac"] = Field(default="sac", description="Soft Actor-Critic")


class TD3(_Soft):
    """Arguments and defaults of stable_baselines3.TD3."""

    name: Literal["td3"] = Field(default="td3", description="Twin Delayed DDPG")
    learning_rate: Positive = Field(default=1e-3, description="Adam's step size")
    policy_delay: Count = Field(default=2, description="updates of the critics for one of the actor")
    target_policy_noise: NonNegative = Field(
        default=0.2, description="standard deviation of the noise on the target actor's actions"
    )
    target_noise_clip: NonNegative = Field(default=0.5, description="that noise is clipped to this size")


class TQC(_MaximumEntropy):
    """Arguments and defaults of sb3_contrib.TQC."""

    extra: ClassVar[str | None] = "contrib"
    start_is_checked: ClassVar[bool] = False
    policy_arguments: ClassVar[tuple[str, ...]] = (*_MaximumEntropy.policy_arguments, "n_quantiles")
    name: Literal["tqc"] = Field(default="tqc", description="Truncated Quantile Critics")
    top_quantiles_to_drop_per_net: Annotated[Whole, Field(ge=0, le=65_536)] = Field(
        default=2, description="highest quantiles that the target leaves out, for each critic"
    )

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Critics of whose quantiles the target leaves out all, too."""
        yield from super().refusals(policy, n_envs)
        quantiles = policy.n_quantiles or 25
        if self.top_quantiles_to_drop_per_net >= quantiles:
            yield ("algorithm", "top_quantiles_to_drop_per_net"), f"less than policy.n_quantiles, {quantiles}"


class _Greedy(_OffPolicy):
    actions: ClassVar[Actions] = "discrete"
    networks: ClassVar[tuple[str, ...]] = ("critic",)
    batch_size: Count = Field(default=32, description="transitions in a minibatch")
    tau: Rate = Field(default=1.0, description="part of the way that the target follows; 1: a copy")
    train_freq: Count = Field(default=4, description="steps of each environment between updates")
    target_update_interval: Count = Field(
        default=10_000, description="environment steps between updates of the target"
    )
    exploration_initial_eps: Fraction = Field(
        default=1.0, description="probability of random actions at the start"
    )


class DQN(_Greedy):
    """Arguments and defaults of stable_baselines3.DQN."""

    name: Literal["dqn"] = Field(default="dqn", description="Deep Q-Network")
    learning_rate: Positive = Field(default=1e-4, description="Adam's step size")
    exploration_fraction: Rate = Field(default=0.1, description="part of training in which exploration falls")
    exploration_final_eps: Fraction = Field(default=0.05, description="probability of random actions after")
    max_grad_norm: Positive = Field(default=10, description="gradients are clipped to this norm")


class QRDQN(_Greedy):
    """Arguments and defaults of sb3_contrib.QRDQN."""

    extra: ClassVar[str | None] = "contrib"
    start_is_checked: ClassVar[bool] = False
    policy_arguments: ClassVar[tuple[str, ...]] = ("n_quantiles",)
    name: Literal["qrdqn"] = Field(default="qrdqn", description="DQN by quantile regression")
    learning_rate: Positive = Field(default=5e-5, description="Adam's step size")
    exploration_fraction: Rate = Field(
        default=0.005, description="part of training in which exploration falls"
    )
    exploration_final_eps: Fraction = Field(default=0.01, description="probability of random actions after")
    max_grad_norm: Positive | None = Field(
        default=None, description="gradients are clipped to this norm; none: they are not"
    )
