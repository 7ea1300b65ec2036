"""The algorithms that an agent may learn by. Fields carry the argument names of SB3's classes."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hyperrl.recipes.base import (
    Count,
    Flag,
    Fraction,
    Model,
    NonNegative,
    Number,
    Positive,
    Rate,
    Whole,
    number,
)
from hyperrl.recipes.messages import FieldError

Actions = Literal["any", "continuous", "discrete"]


def _auto(value: object) -> object:
    return value if value == "auto" else number(value, allowed="a finite number, or auto")


class _Algorithm(Model):
    """What is asked of every algorithm.

    Attributes:
        extra: the extra of `pip install hyperrl[...]` that it needs.
        actions: the kind of actions that it is for.
        off_policy: whether it replays what earlier policies did.
        recurrent: whether its policy remembers by an LSTM.
        networks: what acts and judges; each has an optimizer of its own where `critic_lr_scale` is taken.
        policy_arguments: the fields that its policies take of those that not every policy has.
        hypernetwork: the fields that a hypernetwork must have with it.
    """

    extra: ClassVar[str | None] = None
    actions: ClassVar[Actions] = "any"
    off_policy: ClassVar[bool] = False
    recurrent: ClassVar[bool] = False
    networks: ClassVar[tuple[str, ...]] = ("actor", "critic")
    policy_arguments: ClassVar[tuple[str, ...]] = ()
    hypernetwork: ClassVar[Mapping[str, Any]] = {}
    gamma: Fraction = Field(default=0.99, description="discount factor")


class OnPolicy(_Algorithm):
    """What all that learn from their own rollouts alone have."""

    policy_arguments: ClassVar[tuple[str, ...]] = ("log_std_init", "ortho_init")
    use_sde: Flag = Field(
        default=False, description="generalized state-dependent exploration (continuous actions)"
    )
    sde_sample_freq: Annotated[Whole, Field(ge=-1, le=10**9)] = Field(
        default=-1, description="steps between new exploration noise; -1: once a rollout"
    )
    n_steps: Count = Field(default=2048, description="steps of each environment in a rollout")
    gae_lambda: Fraction = Field(default=0.95, description="lambda of generalized advantage estimation")
    normalize_advantage: Flag = Field(default=True, description="normalize advantages before each update")


class _OneLoss(OnPolicy):
    ent_coef: NonNegative = Field(default=0.0, description="weight of the entropy bonus")
    vf_coef: NonNegative = Field(default=0.5, description="weight of the value loss")
    max_grad_norm: Positive = Field(default=0.5, description="gradients are clipped to this norm")


class _Proximal(_OneLoss):
    learning_rate: Positive = Field(default=3e-4, description="Adam's step size")
    batch_size: Count = Field(default=64, description="transitions in a minibatch")
    n_epochs: Count = Field(default=10, description="passes over each rollout")
    clip_range: Positive = Field(default=0.2, description="clipping of the probability ratio")
    target_kl: Positive | None = Field(
        default=None, description="stop a rollout's update beyond this KL divergence"
    )


class PPO(_Proximal):
    """Arguments and defaults of stable_baselines3.PPO."""

    name: Literal["ppo"] = Field(default="ppo", description="Proximal Policy Optimization")


class RecurrentPPO(_Proximal):
    """Arguments and defaults of sb3_contrib.RecurrentPPO."""

    extra: ClassVar[str | None] = "contrib"
    recurrent: ClassVar[bool] = True
    hypernetwork: ClassVar[Mapping[str, Any]] = {"inputs": ("memory",)}
    policy_arguments: ClassVar[tuple[str, ...]] = (
        *OnPolicy.policy_arguments,
        "lstm_hidden_size",
        "n_lstm_layers",
        "shared_lstm",
        "enable_critic_lstm",
    )
    name: Literal["recurrent_ppo"] = Field(default="recurrent_ppo", description="PPO with an LSTM")
    n_steps: Count = Field(default=128, description="steps of each environment in a rollout")
    batch_size: Count = Field(default=128, description="transitions in a minibatch")


class TRPO(OnPolicy):
    """Arguments and defaults of sb3_contrib.TRPO."""

    extra: ClassVar[str | None] = "contrib"
    hypernetwork: ClassVar[Mapping[str, Any]] = {"trunk": "separate"}
    name: Literal["trpo"] = Field(default="trpo", description="Trust Region Policy Optimization")
    learning_rate: Positive = Field(default=1e-3, description="Adam's step size, for the critic alone")
    batch_size: Count = Field(default=128, description="transitions in a minibatch of the critic's")
    cg_max_steps: Count = Field(default=15, description="most iterations of conjugate gradients")
    cg_damping: NonNegative = Field(default=0.1, description="added to the Fisher matrix's diagonal")
    line_search_shrinking_factor: Annotated[Number, Field(gt=0, lt=1)] = Field(
        default=0.8, description="a step that breaks a bound is tried again at this part of its length"
    )
    line_search_max_iter: Count = Field(default=10, description="most lengths that are tried")
    n_critic_updates: Count = Field(default=10, description="passes of the critic over each rollout")
    target_kl: Positive = Field(default=0.01, description="bound on the KL divergence of a step")
    sub_sampling_factor: Count = Field(
        default=1, description="the actor learns from one in so many transitions"
    )


class A2C(_OneLoss):
    """Arguments and defaults of stable_baselines3.A2C."""

    name: Literal["a2c"] = Field(default="a2c", description="Advantage Actor-Critic")
    learning_rate: Positive = Field(default=7e-4, description="the optimizer's step size")
    n_steps: Count = Field(default=5, description="steps of each environment in a rollout")
    gae_lambda: Fraction = Field(default=1.0, description="lambda of generalized advantage estimation")
    rms_prop_eps: Positive = Field(default=1e-5, description="RMSprop's epsilon")
    use_rms_prop: Flag = Field(default=True, description="RMSprop; false: Adam")
    normalize_advantage: Flag = Field(default=False, description="normalize advantages in each rollout")


class _OffPolicy(_Algorithm):
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


class TQC(_MaximumEntropy):
    """Arguments and defaults of sb3_contrib.TQC."""

    extra: ClassVar[str | None] = "contrib"
    policy_arguments: ClassVar[tuple[str, ...]] = (*_MaximumEntropy.policy_arguments, "n_quantiles")
    name: Literal["tqc"] = Field(default="tqc", description="Truncated Quantile Critics")
    top_quantiles_to_drop_per_net: Annotated[Whole, Field(ge=0, le=65_536)] = Field(
        default=2, description="highest quantiles that the target leaves out, for each critic"
    )


class TD3(_Soft):
    """Arguments and defaults of stable_baselines3.TD3."""

    name: Literal["td3"] = Field(default="td3", description="Twin Delayed DDPG")
    learning_rate: Positive = Field(default=1e-3, description="Adam's step size")
    policy_delay: Count = Field(default=2, description="updates of the critics for one of the actor")
    target_policy_noise: NonNegative = Field(
        default=0.2, description="standard deviation of the noise on the target actor's actions"
    )
    target_noise_clip: NonNegative = Field(default=0.5, description="that noise is clipped to this size")


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


Algorithm = Annotated[
    PPO | A2C | TRPO | RecurrentPPO | SAC | TD3 | TQC | DQN | QRDQN, Field(discriminator="name")
]
ALGORITHMS = (PPO, A2C, TRPO, RecurrentPPO, SAC, TD3, TQC, DQN, QRDQN)
"""All algorithms that a recipe may name."""
