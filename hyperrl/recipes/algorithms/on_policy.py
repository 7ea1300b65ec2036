"""On-policy algorithms, which learn from their latest rollout alone."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from hyperrl.recipes.algorithms.base import INPUTS, AnyAlgorithm, Refusals
from hyperrl.recipes.base import Count, Flag, Fraction, NonNegative, Number, Positive, Whole
from hyperrl.recipes.messages import FieldError
from hyperrl.recipes.policy import Policy
from hyperrl.recipes.schedules import Scheduled


class _StateDependent(AnyAlgorithm):
    use_sde: Flag = False
    """generalized state-dependent exploration (continuous actions)"""
    sde_sample_freq: Annotated[Whole, Field(ge=-1, le=10**9)] = -1
    """steps between new exploration noise; -1: once a rollout"""


class OnPolicy(AnyAlgorithm):
    """Base of on-policy algorithms."""

    policy_arguments: ClassVar[tuple[str, ...]] = ("log_std_init", "ortho_init")
    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **AnyAlgorithm.search,
        "algorithm.n_steps": {"choices": [64, 128, 256, 512]},
        "algorithm.gae_lambda": {"low": 0.8, "high": 1.0},
    }
    n_steps: Count = 2048
    """steps of each environment in a rollout"""
    gae_lambda: Fraction = 0.95
    """lambda of generalized advantage estimation"""
    normalize_advantage: Flag = True
    """normalize advantages before each update"""

    @model_validator(mode="before")
    @classmethod
    def _no_hindsight(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("her") is not None:
            raise FieldError(
                path=("her",), found=data["her"], allowed="none on policy, where no transition is replayed"
            )
        return data

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Fields that contradict the algorithm; a rollout of one advantage cannot be normalized."""
        yield from super().refusals(policy, n_envs)
        if self.normalize_advantage and self.n_steps * n_envs <= self._one_advantage:
            yield ("algorithm", "n_steps"), "n_steps * n_envs > 1 where advantages are normalized"

    @property
    def _one_advantage(self) -> int:
        """Transitions of a rollout that give one advantage."""
        return 1


class _OneLoss(OnPolicy):
    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **OnPolicy.search,
        "algorithm.ent_coef": {"choices": [0.0, 0.0003, 0.001, 0.003, 0.01]},
        "algorithm.max_grad_norm": {"low": 0.3, "high": 5.0, "log": True},
    }
    ent_coef: NonNegative = 0.0
    """weight of the entropy bonus"""
    vf_coef: NonNegative = 0.5
    """weight of the value loss"""
    max_grad_norm: Positive = 0.5
    """gradients are clipped to this norm"""


class _Proximal(_OneLoss):
    scheduled: ClassVar[tuple[str, ...]] = ("learning_rate", "clip_range", "clip_range_vf")
    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **_OneLoss.search,
        "algorithm.batch_size": {"choices": [64, 128, 256, 512]},
        "algorithm.n_epochs": {"choices": [5, 10, 20]},
        "algorithm.clip_range": {"choices": [0.1, 0.2, 0.3]},
    }
    learning_rate: Scheduled = 3e-4
    """Adam's step size"""
    batch_size: Count = 64
    """transitions in a minibatch"""
    n_epochs: Count = 10
    """passes over each rollout"""
    clip_range: Scheduled = 0.2
    """clipping of the probability ratio"""
    clip_range_vf: Scheduled | None = None
    """clipping of changes of the value, in units of returns; none: they are not clipped"""
    target_kl: Positive | None = None
    """stop a rollout's update beyond this KL divergence"""

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Fields that contradict the algorithm; a minibatch of one advantage cannot be normalized."""
        yield from super().refusals(policy, n_envs)
        rest = self.n_steps * n_envs % self.batch_size
        if self.normalize_advantage and (self.batch_size == 1 or (self.recurrent and rest == 1)):
            allowed = "at least 2 where advantages are normalized"
            if self.recurrent:
                allowed += ", and no single transition left over of n_steps * n_envs"
            yield ("algorithm", "batch_size"), allowed


class PPO(_Proximal, _StateDependent):
    """Arguments and defaults of stable_baselines3.PPO."""

    distills: ClassVar[bool] = True
    name: Literal["ppo"] = "ppo"
    """Proximal Policy Optimization"""


class A2C(_OneLoss, _StateDependent):
    """Arguments and defaults of stable_baselines3.A2C."""

    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **_OneLoss.search,
        "algorithm.n_steps": {"choices": [5, 8, 16, 32, 64]},
    }
    distills: ClassVar[bool] = True
    name: Literal["a2c"] = "a2c"
    """Advantage Actor-Critic"""
    learning_rate: Scheduled = 7e-4
    """the optimizer's step size"""
    n_steps: Count = 5
    """steps of each environment in a rollout"""
    gae_lambda: Fraction = 1.0
    """lambda of generalized advantage estimation"""
    rms_prop_eps: Positive = 1e-5
    """RMSprop's epsilon"""
    use_rms_prop: Flag = True
    """RMSprop; false: Adam"""
    normalize_advantage: Flag = False
    """normalize advantages in each rollout"""


class TRPO(OnPolicy, _StateDependent):
    """Arguments and defaults of sb3_contrib.TRPO."""

    extra: ClassVar[str | None] = "contrib"
    hypernetwork: ClassVar[Mapping[str, Any]] = {"trunk": "separate"}
    search: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **OnPolicy.search,
        "algorithm.target_kl": {"low": 1e-3, "high": 0.1, "log": True},
        "algorithm.n_critic_updates": {"choices": [5, 10, 20]},
    }
    name: Literal["trpo"] = "trpo"
    """Trust Region Policy Optimization"""
    learning_rate: Scheduled = 1e-3
    """Adam's step size, for the critic alone"""
    batch_size: Count = 128
    """transitions in a minibatch of the critic's"""
    cg_max_steps: Count = 15
    """most iterations of conjugate gradients"""
    cg_damping: NonNegative = 0.1
    """added to the Fisher matrix's diagonal"""
    line_search_shrinking_factor: Annotated[Number, Field(gt=0, lt=1)] = 0.8
    """a step that breaks a bound is tried again at this part of its length"""
    line_search_max_iter: Count = 10
    """most lengths that are tried"""
    n_critic_updates: Count = 10
    """passes of the critic over each rollout"""
    target_kl: Positive = 0.01
    """bound on the KL divergence of a step"""
    sub_sampling_factor: Count = 1
    """the actor learns from one in so many transitions"""

    @property
    def _one_advantage(self) -> int:
        return self.sub_sampling_factor

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Fields that contradict the algorithm, those that contradict a trust region among them."""
        yield from super().refusals(policy, n_envs)
        if policy.kind == "hyper" and policy.hypernetwork.trunk == "shared":
            allowed = "separate with the algorithm 'trpo', whose critic may not move what the actor uses"
            yield ("policy", "hypernetwork", "trunk"), allowed
        if policy.kind == "hyper" and policy.effort_coef:
            yield ("policy", "effort_coef"), "0 with the algorithm 'trpo', whose steps minimize no loss"


class RecurrentPPO(_Proximal, _StateDependent):
    """Arguments and defaults of sb3_contrib.RecurrentPPO."""

    extra: ClassVar[str | None] = "contrib"
    start_is_checked: ClassVar[bool] = False
    recurrent: ClassVar[bool] = True
    hypernetwork: ClassVar[Mapping[str, Any]] = {"inputs": ("memory",)}
    policy_arguments: ClassVar[tuple[str, ...]] = (
        *OnPolicy.policy_arguments,
        "lstm_hidden_size",
        "n_lstm_layers",
        "shared_lstm",
        "enable_critic_lstm",
    )
    name: Literal["recurrent_ppo"] = "recurrent_ppo"
    """PPO with an LSTM"""
    n_steps: Count = 128
    """steps of each environment in a rollout"""
    batch_size: Count = 128
    """transitions in a minibatch"""

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Fields that contradict the algorithm, those that contradict generation from a memory among them."""
        yield from super().refusals(policy, n_envs)
        if policy.kind != "hyper":
            return
        if "memory" not in policy.hypernetwork.inputs:
            yield INPUTS, f"[memory] with the algorithm {self.name!r}, to which contexts are hidden"
        for name in ("shared_lstm", "enable_critic_lstm"):
            if getattr(policy, name) is not None:
                yield ("policy", name), "none with generated networks, whose hypernetwork.trunk says it"


class MaskablePPO(_Proximal):
    """Arguments and defaults of sb3_contrib.MaskablePPO."""

    extra: ClassVar[str | None] = "contrib"
    policy_arguments: ClassVar[tuple[str, ...]] = ("ortho_init",)
    name: Literal["maskable_ppo"] = "maskable_ppo"
    """PPO that takes no action which the environment masks"""
