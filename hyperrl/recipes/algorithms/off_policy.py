"""Off-policy algorithms, which learn from a replay buffer."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hyperrl.config import MAX_WIDTH
from hyperrl.recipes.algorithms.base import INDEX, AnyAlgorithm, Refusals
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
from hyperrl.recipes.policy import HyperPolicyRecipe, Policy
from hyperrl.recipes.schedules import Scheduled


def _auto(value: object) -> object:
    return value if value == "auto" else number(value, allowed="a finite number, or auto")


GoalSelectionStrategy = Literal["future", "final", "episode"]


class Hindsight(Model):
    """Hindsight experience replay, with the arguments and defaults of stable_baselines3.HerReplayBuffer."""

    n_sampled_goal: Annotated[Count, Field(le=1000)] = 4
    """relabeled transitions for each one as it was"""
    goal_selection_strategy: GoalSelectionStrategy = "future"
    """which achieved goal of the same episode becomes the desired one: of a step from the transition on
    (future), of the last step (final), of any step (episode)"""


class _OffPolicy(AnyAlgorithm):
    off_policy: ClassVar[bool] = True
    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **AnyAlgorithm.search,
        "algorithm.batch_size": {"choices": [64, 128, 256, 512]},
    }
    buffer_size: Count = 1_000_000
    """transitions that are replayed"""
    learning_starts: Annotated[Whole, Field(ge=0, le=10**12)] = 100
    """environment steps before learning starts, by random actions"""
    batch_size: Count = 256
    """transitions in a minibatch"""
    gradient_steps: Annotated[Whole, Field(ge=-1, le=10**9)] = 1
    """updates after each collection; -1: as many as it took environment steps"""
    n_steps: Annotated[Count, Field(le=10_000)] = 1
    """steps whose rewards a target sums before it bootstraps (n-step returns)"""
    her: Hindsight | None = None
    """hindsight experience replay, in families with goals: {} for its defaults; none: without"""

    @model_validator(mode="before")
    @classmethod
    def _hindsight_is_a_field(cls, data: Any) -> Any:
        """RL Zoo chooses a class of buffers where this choice is a field."""
        for name in ("replay_buffer_class", "replay_buffer_kwargs"):
            if isinstance(data, Mapping) and name in data:
                form = "her: {n_sampled_goal: 4, goal_selection_strategy: future}"
                reason = f"unknown field; hindsight experience replay is '{form}'"
                raise FieldError(path=(name,), reason=reason, unknown=True)
        return data

    @model_validator(mode="after")
    def _something_is_learned(self) -> Self:
        if self.gradient_steps == 0:
            raise FieldError(path=("gradient_steps",), found=0, allowed="-1, or at least 1")
        return self

    @property
    def relabels_goals(self) -> bool:
        """Whether it relabels goals in hindsight."""
        return self.her is not None

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Fields that contradict the algorithm, those that contradict replay among them."""
        yield from super().refusals(policy, n_envs)
        if self.n_steps > (stored := max(self.buffer_size // n_envs, 1)):
            yield ("algorithm", "n_steps"), f"at most buffer_size / n_envs, {stored}"
        if self.her is not None and self.n_steps > 1:
            yield ("algorithm", "n_steps"), "1 with algorithm.her, which relabels single steps"
        if policy.kind != "hyper":
            return
        on = f"with the algorithm {self.name!r}"
        if "noise" in policy.hypernetwork.inputs:
            yield from self._index_refusals(policy)
        if policy.convolutions is not None and "actor" in self.networks:
            yield ("policy", "convolutions"), f"none {on}, whose critics see actions beside the image"
        for network in self.networks:
            if not policy.hypernetwork.generates(network):
                allowed = f"a layer of the {network} too {on}, where it has a hypernetwork of its own"
                yield ("policy", "hypernetwork", "generate"), allowed

    def _index_refusals(self, policy: HyperPolicyRecipe) -> Refusals:
        """Fields that do not go with an index."""
        on, index = f"with the algorithm {self.name!r}", policy.hypernetwork.index
        if self.her is not None:
            yield ("algorithm", "her"), "none beside 'noise' in policy.hypernetwork.inputs"
        if index.act == "vote" and self.actions != "discrete":
            yield (*INDEX, "act"), f"thompson, mean {on}, whose actions are no choices to vote for"
        if policy.layer_norm or policy.residual or policy.convolutions:
            if index.prior_scale:
                yield (*INDEX, "prior_scale"), "0 beside policy.layer_norm, residual and convolutions"
            if index.kind == "members":
                yield (*INDEX, "kind"), "another beside policy.layer_norm, residual and convolutions"


class _Continuous(_OffPolicy):
    policy_arguments: ClassVar[tuple[str, ...]] = ("critic_lr_scale", "n_critics")
    train_freq: Count = 1
    """steps of each environment between updates"""
    action_noise: Positive | None = None
    """standard deviation of normal noise on actions in units of their bounds; none: no noise"""

    @model_validator(mode="before")
    @classmethod
    def _noise_is_one_number(cls, data: Any) -> Any:
        """RL Zoo names a kind of noise and its size in two fields."""
        for name in ("noise_type", "noise_std"):
            if isinstance(data, Mapping) and name in data:
                reason = (
                    "unknown field; normal noise on actions is 'action_noise: 0.1', its standard deviation"
                )
                raise FieldError(path=(name,), reason=reason, unknown=True)
        return data


class _Entropic(_Continuous):
    policy_arguments: ClassVar[tuple[str, ...]] = (*_Continuous.policy_arguments, "log_std_init")
    learning_rate: Scheduled = 3e-4
    """Adam's step size"""
    ent_coef: Annotated[NonNegative | Literal["auto"], BeforeValidator(_auto)] = "auto"
    """weight of the entropy bonus; auto: learned"""
    target_entropy: Annotated[Number | Literal["auto"], BeforeValidator(_auto)] = "auto"
    """entropy that ent_coef is learned for; auto: minus the number of actions"""
    use_sde: Flag = False
    """generalized state-dependent exploration"""
    sde_sample_freq: Annotated[Whole, Field(ge=-1, le=10**9)] = -1
    """steps between new exploration noise; -1: once a collection"""
    use_sde_at_warmup: Flag = False
    """explore by gSDE, not at random, before learning starts"""


class _MaximumEntropy(_Entropic):
    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **_Entropic.search,
        "algorithm.tau": {"low": 1e-3, "high": 0.1, "log": True},
    }
    tau: Rate = 0.005
    """part of the way that targets follow at each update"""
    target_update_interval: Count = 1
    """updates between those of the targets"""


class SAC(_MaximumEntropy):
    """Arguments and defaults of stable_baselines3.SAC."""

    distills: ClassVar[bool] = True
    name: Literal["sac"] = "sac"
    """Soft Actor-Critic"""


class TD3(_Continuous):
    """Arguments and defaults of stable_baselines3.TD3."""

    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **_Continuous.search,
        "algorithm.tau": {"low": 1e-3, "high": 0.1, "log": True},
        "algorithm.action_noise": {"low": 0.01, "high": 0.5, "log": True},
        "algorithm.policy_delay": {"choices": [1, 2, 4]},
    }
    distills: ClassVar[bool] = True
    name: Literal["td3"] = "td3"
    """Twin Delayed DDPG"""
    tau: Rate = 0.005
    """part of the way that targets follow at each update"""
    learning_rate: Scheduled = 1e-3
    """Adam's step size"""
    policy_delay: Count = 2
    """updates of the critics for one of the actor"""
    target_policy_noise: NonNegative = 0.2
    """standard deviation of the noise on the target actor's actions"""
    target_noise_clip: NonNegative = 0.5
    """that noise is clipped to this size"""


class TQC(_MaximumEntropy):
    """Arguments and defaults of sb3_contrib.TQC."""

    extra: ClassVar[str | None] = "contrib"
    start_is_checked: ClassVar[bool] = False
    policy_arguments: ClassVar[tuple[str, ...]] = (*_MaximumEntropy.policy_arguments, "n_quantiles")
    name: Literal["tqc"] = "tqc"
    """Truncated Quantile Critics"""
    top_quantiles_to_drop_per_net: Annotated[Whole, Field(ge=0, le=MAX_WIDTH)] = 2
    """highest quantiles that the target leaves out, for each critic"""

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Fields that contradict the algorithm; the target must not leave out all quantiles."""
        yield from super().refusals(policy, n_envs)
        quantiles = policy.n_quantiles or 25
        if self.top_quantiles_to_drop_per_net >= quantiles:
            yield ("algorithm", "top_quantiles_to_drop_per_net"), f"less than policy.n_quantiles, {quantiles}"


class CrossQ(_Entropic):
    """Arguments and defaults of sb3_contrib.CrossQ."""

    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **_Entropic.search,
        "algorithm.policy_delay": {"choices": [1, 2, 3, 4]},
    }
    extra: ClassVar[str | None] = "contrib"
    start_is_checked: ClassVar[bool] = False
    name: Literal["crossq"] = "crossq"
    """SAC with batch renormalization in place of targets"""
    learning_rate: Scheduled = 1e-3
    """Adam's step size"""
    policy_delay: Count = 3
    """updates of the critics for one of the actor"""

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Fields that contradict the algorithm; batch renormalization replaces other kinds of layers."""
        yield from super().refusals(policy, n_envs)
        for name in ("layer_norm", "residual"):
            if policy.kind == "hyper" and getattr(policy, name):
                yield ("policy", name), f"false with the algorithm {self.name!r}, which renormalizes batches"


class _Greedy(_OffPolicy):
    networks: ClassVar[tuple[str, ...]] = ("critic",)
    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **_OffPolicy.search,
        "algorithm.exploration_fraction": {"low": 0.05, "high": 0.5},
        "algorithm.exploration_final_eps": {"low": 0.01, "high": 0.2},
        "algorithm.target_update_interval": {"choices": [1, 8, 64, 1000]},
    }
    batch_size: Count = 32
    """transitions in a minibatch"""
    tau: Rate = 1.0
    """part of the way that the target follows; 1: a copy"""
    train_freq: Count = 4
    """steps of each environment between updates"""
    target_update_interval: Count = 10_000
    """environment steps between updates of the target"""
    exploration_initial_eps: Fraction = 1.0
    """probability of random actions at the start"""


class DQN(_Greedy):
    """Arguments and defaults of stable_baselines3.DQN."""

    name: Literal["dqn"] = "dqn"
    """Deep Q-Network"""
    learning_rate: Scheduled = 1e-4
    """Adam's step size"""
    exploration_fraction: Rate = 0.1
    """part of training in which exploration falls"""
    exploration_final_eps: Fraction = 0.05
    """probability of random actions after"""
    max_grad_norm: Positive = 10
    """gradients are clipped to this norm"""


class QRDQN(_Greedy):
    """Arguments and defaults of sb3_contrib.QRDQN."""

    extra: ClassVar[str | None] = "contrib"
    start_is_checked: ClassVar[bool] = False
    policy_arguments: ClassVar[tuple[str, ...]] = ("n_quantiles",)
    name: Literal["qrdqn"] = "qrdqn"
    """DQN by quantile regression"""
    learning_rate: Scheduled = 5e-5
    """Adam's step size"""
    exploration_fraction: Rate = 0.005
    """part of training in which exploration falls"""
    exploration_final_eps: Fraction = 0.01
    """probability of random actions after"""
    max_grad_norm: Positive | None = None
    """gradients are clipped to this norm; none: they are not"""
