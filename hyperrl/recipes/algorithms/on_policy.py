"""The algorithms that learn from their own rollouts alone."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from hyperrl.recipes.algorithms.base import INPUTS, AnyAlgorithm, Refusals
from hyperrl.recipes.base import Count, Flag, Fraction, NonNegative, Number, Positive, Whole
from hyperrl.recipes.policy import Policy


class OnPolicy(AnyAlgorithm):
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

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Rollouts of which advantages cannot be normalized, too."""
        yield from super().refusals(policy, n_envs)
        if self.normalize_advantage and self.n_steps * n_envs <= self._one_advantage:
            yield ("algorithm", "n_steps"), "n_steps * n_envs > 1 where advantages are normalized"

    @property
    def _one_advantage(self) -> int:
        """Transitions of a rollout that give one advantage."""
        return 1


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

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """Minibatches of which advantages cannot be normalized, too."""
        yield from super().refusals(policy, n_envs)
        rest = self.n_steps * n_envs % self.batch_size
        if self.normalize_advantage and (self.batch_size == 1 or (self.recurrent and rest == 1)):
            allowed = "at least 2 where advantages are normalized"
            if self.recurrent:
                allowed += ", and no single transition left over of n_steps * n_envs"
            yield ("algorithm", "batch_size"), allowed


class PPO(_Proximal):
    """Arguments and defaults of stable_baselines3.PPO."""

    name: Literal["ppo"] = Field(default="ppo", description="Proximal Policy Optimization")


class A2C(_OneLoss):
    """Arguments and defaults of stable_baselines3.A2C."""

    name: Literal["a2c"] = Field(default="a2c", description="Advantage Actor-Critic")
    learning_rate: Positive = Field(default=7e-4, description="the optimizer's step size")
    n_steps: Count = Field(default=5, description="steps of each environment in a rollout")
    gae_lambda: Fraction = Field(default=1.0, description="lambda of generalized advantage estimation")
    rms_prop_eps: Positive = Field(default=1e-5, description="RMSprop's epsilon")
    use_rms_prop: Flag = Field(default=True, description="RMSprop; false: Adam")
    normalize_advantage: Flag = Field(default=False, description="normalize advantages in each rollout")


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

    @property
    def _one_advantage(self) -> int:
        return self.sub_sampling_factor

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """What does not go with a trust region, too."""
        yield from super().refusals(policy, n_envs)
        if policy.kind == "hyper" and policy.hypernetwork.trunk == "shared":
            allowed = "separate with the algorithm 'trpo', whose critic may not move what the actor uses"
            yield ("policy", "hypernetwork", "trunk"), allowed
        if policy.kind == "hyper" and policy.effort_coef:
            yield ("policy", "effort_coef"), "0 with the algorithm 'trpo', whose steps minimize no loss"


class RecurrentPPO(_Proximal):
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
    name: Literal["recurrent_ppo"] = Field(default="recurrent_ppo", description="PPO with an LSTM")
    n_steps: Count = Field(default=128, description="steps of each environment in a rollout")
    batch_size: Count = Field(default=128, description="transitions in a minibatch")

    def refusals(self, policy: Policy, n_envs: int) -> Refusals:
        """What contradicts a memory that weights are generated from, too."""
        yield from super().refusals(policy, n_envs)
        if policy.kind != "hyper":
            return
        if "memory" not in policy.hypernetwork.inputs:
            yield INPUTS, f"[memory] with the algorithm {self.name!r}, to which contexts are hidden"
        for name in ("shared_lstm", "enable_critic_lstm"):
            if getattr(policy, name) is not None:
                yield ("policy", name), "none with generated networks, whose hypernetwork.trunk says it"
