"""An agent: an SB3 algorithm, a policy, and the budget they train with. Fields carry SB3's argument names."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hyperrl.recipes.base import (
    Count,
    Flag,
    Fraction,
    Model,
    Name,
    NonNegative,
    Positive,
    Text,
    Whole,
)
from hyperrl.recipes.messages import FieldError
from hyperrl.recipes.policy import Policy


class _Algorithm(Model):
    gamma: Fraction = Field(default=0.99, description="discount factor")
    ent_coef: NonNegative = Field(default=0.0, description="weight of the entropy bonus")
    vf_coef: NonNegative = Field(default=0.5, description="weight of the value loss")
    max_grad_norm: Positive = Field(default=0.5, description="gradients are clipped to this norm")
    use_sde: Flag = Field(
        default=False, description="generalised state-dependent exploration (continuous actions)"
    )
    sde_sample_freq: Annotated[Whole, Field(ge=-1, le=10**9)] = Field(
        default=-1, description="steps between new exploration noise; -1: once a rollout"
    )


class PPO(_Algorithm):
    """Arguments and defaults of stable_baselines3.PPO."""

    name: Literal["ppo"] = Field(default="ppo", description="Proximal Policy Optimisation")
    learning_rate: Positive = Field(default=3e-4, description="Adam's step size")
    n_steps: Count = Field(default=2048, description="steps of each environment in a rollout")
    batch_size: Count = Field(default=64, description="transitions in a minibatch")
    n_epochs: Count = Field(default=10, description="passes over each rollout")
    gae_lambda: Fraction = Field(default=0.95, description="lambda of generalised advantage estimation")
    clip_range: Positive = Field(default=0.2, description="clipping of the probability ratio")
    normalize_advantage: Flag = Field(default=True, description="normalise advantages in each minibatch")
    target_kl: Positive | None = Field(
        default=None, description="stop a rollout's update beyond this KL divergence"
    )


class A2C(_Algorithm):
    """Arguments and defaults of stable_baselines3.A2C."""

    name: Literal["a2c"] = Field(default="a2c", description="Advantage Actor-Critic")
    learning_rate: Positive = Field(default=7e-4, description="the optimiser's step size")
    n_steps: Count = Field(default=5, description="steps of each environment in a rollout")
    gae_lambda: Fraction = Field(default=1.0, description="lambda of generalised advantage estimation")
    rms_prop_eps: Positive = Field(default=1e-5, description="RMSprop's epsilon")
    use_rms_prop: Flag = Field(default=True, description="RMSprop; false: Adam")
    normalize_advantage: Flag = Field(default=False, description="normalise advantages in each rollout")


Algorithm = Annotated[PPO | A2C, Field(discriminator="name")]


class AgentRecipe(Model):
    """An agent of the suite, as `agents/*.yaml` writes it."""

    format: Literal[1] = Field(default=1, description="version of this file format")
    name: Name = Field(description="the agent's name; a file's stem where the file gives none")
    about: Text = Field(description="what it is, in words")
    algorithm: Algorithm = Field(description="the Stable-Baselines3 algorithm and its arguments")
    policy: Policy = Field(description="the networks that act and judge")
    steps: Count = Field(
        default=150_000, description="environment steps of training, all environments together"
    )
    n_envs: Annotated[Count, Field(le=65_536)] = Field(
        default=8, description="environments that run side by side"
    )
    threads: Annotated[Count, Field(le=1024)] = Field(default=1, description="threads that torch may use")
    sampler: Literal["uniform", "round-robin"] = Field(
        default="uniform", description="how each episode draws its task from the training tasks"
    )
    evaluate_every: Count = Field(
        default=10_000, description="environment steps between zero-shot evaluations"
    )
    checkpoint_every: Count = Field(default=20_000, description="environment steps between checkpoints")

    @model_validator(mode="after")
    def _advantages_can_be_normalised(self) -> Self:
        algorithm = self.algorithm
        if not algorithm.normalize_advantage:
            return self
        if algorithm.n_steps * self.n_envs == 1:
            raise FieldError(
                path=("algorithm", "n_steps"),
                found=1,
                allowed="n_steps * n_envs > 1 where advantages are normalised",
            )
        if isinstance(algorithm, PPO) and algorithm.batch_size == 1:
            raise FieldError(
                path=("algorithm", "batch_size"),
                found=1,
                allowed="at least 2 where advantages are normalised",
            )
        return self
