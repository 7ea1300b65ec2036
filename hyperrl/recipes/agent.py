"""An agent: an SB3 algorithm, a policy, and the budget they train with. Fields carry SB3's argument names."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hyperrl.recipes.base import (
    Count,
    Flag,
    Fraction,
    Model,
    Name,
    NonNegative,
    Number,
    Positive,
    Rate,
    Text,
    Whole,
    number,
)
from hyperrl.recipes.curriculum import Curriculum, Sampler
from hyperrl.recipes.messages import FieldError
from hyperrl.recipes.policy import Arch, HyperPolicy, Policy

Actions = Literal["any", "continuous", "discrete"]


def _auto(value: object) -> object:
    return value if value == "auto" else number(value, allowed="a finite number, or auto")


class _OnPolicy(Model):
    actions: ClassVar[Actions] = "any"
    off_policy: ClassVar[bool] = False
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


class PPO(_OnPolicy):
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


class A2C(_OnPolicy):
    """Arguments and defaults of stable_baselines3.A2C."""

    name: Literal["a2c"] = Field(default="a2c", description="Advantage Actor-Critic")
    learning_rate: Positive = Field(default=7e-4, description="the optimiser's step size")
    n_steps: Count = Field(default=5, description="steps of each environment in a rollout")
    gae_lambda: Fraction = Field(default=1.0, description="lambda of generalised advantage estimation")
    rms_prop_eps: Positive = Field(default=1e-5, description="RMSprop's epsilon")
    use_rms_prop: Flag = Field(default=True, description="RMSprop; false: Adam")
    normalize_advantage: Flag = Field(default=False, description="normalise advantages in each rollout")


class _OffPolicy(Model):
    off_policy: ClassVar[bool] = True
    actions: ClassVar[Actions] = "continuous"
    buffer_size: Count = Field(default=1_000_000, description="transitions that are replayed")
    learning_starts: Annotated[Whole, Field(ge=0, le=10**12)] = Field(
        default=100, description="environment steps before learning starts, by random actions"
    )
    batch_size: Count = Field(default=256, description="transitions in a minibatch")
    gamma: Fraction = Field(default=0.99, description="discount factor")
    gradient_steps: Annotated[Whole, Field(ge=-1, le=10**9)] = Field(
        default=1, description="updates after each collection; -1: as many as it took environment steps"
    )

    @model_validator(mode="after")
    def _something_is_learned(self) -> Self:
        if self.gradient_steps == 0:
            raise FieldError(path=("gradient_steps",), found=0, allowed="-1, or at least 1")
        return self


class _Soft(_OffPolicy):
    tau: Rate = Field(default=0.005, description="part of the way that targets follow at each update")
    train_freq: Count = Field(default=1, description="steps of each environment between updates")
    action_noise: Positive | None = Field(
        default=None,
        description="standard deviation of normal noise on actions in units of their bounds; none: no noise",
    )


class SAC(_Soft):
    """Arguments and defaults of stable_baselines3.SAC."""

    name: Literal["sac"] = Field(default="sac", description="Soft Actor-Critic")
    learning_rate: Positive = Field(default=3e-4, description="Adam's step size")
    ent_coef: Annotated[NonNegative | Literal["auto"], BeforeValidator(_auto)] = Field(
        default="auto", description="weight of the entropy bonus; auto: learned"
    )
    target_entropy: Annotated[Number | Literal["auto"], BeforeValidator(_auto)] = Field(
        default="auto", description="entropy that ent_coef is learned for; auto: minus the number of actions"
    )
    target_update_interval: Count = Field(default=1, description="updates between those of the targets")
    use_sde: Flag = Field(default=False, description="generalised state-dependent exploration")
    sde_sample_freq: Annotated[Whole, Field(ge=-1, le=10**9)] = Field(
        default=-1, description="steps between new exploration noise; -1: once a collection"
    )
    use_sde_at_warmup: Flag = Field(
        default=False, description="explore by gSDE, not at random, before learning starts"
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


class DQN(_OffPolicy):
    """Arguments and defaults of stable_baselines3.DQN."""

    actions: ClassVar[Actions] = "discrete"
    name: Literal["dqn"] = Field(default="dqn", description="Deep Q-Network")
    learning_rate: Positive = Field(default=1e-4, description="Adam's step size")
    batch_size: Count = Field(default=32, description="transitions in a minibatch")
    tau: Rate = Field(default=1.0, description="part of the way that the target follows; 1: a copy")
    train_freq: Count = Field(default=4, description="steps of each environment between updates")
    target_update_interval: Count = Field(
        default=10_000, description="environment steps between updates of the target"
    )
    exploration_fraction: Rate = Field(default=0.1, description="part of training in which exploration falls")
    exploration_initial_eps: Fraction = Field(
        default=1.0, description="probability of random actions at the start"
    )
    exploration_final_eps: Fraction = Field(default=0.05, description="probability of random actions after")
    max_grad_norm: Positive = Field(default=10, description="gradients are clipped to this norm")


Algorithm = Annotated[PPO | A2C | SAC | TD3 | DQN, Field(discriminator="name")]
ALGORITHMS: tuple[type[PPO | A2C | SAC | TD3 | DQN], ...] = (PPO, A2C, SAC, TD3, DQN)
"""All algorithms that a recipe may name."""


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
    subprocesses: Annotated[Whole, Field(ge=0, le=1024)] = Field(
        default=0,
        description="processes that share the environments of a family without batched dynamics; 0: none",
    )
    threads: Annotated[Count, Field(le=1024)] = Field(default=1, description="threads that torch may use")
    sampler: Sampler = Field(
        default="uniform", description="how each episode draws its task from the training tasks"
    )
    curriculum: Curriculum = Field(default=Curriculum(), description="options of the samplers plr and cvar")
    evaluate_every: Count = Field(
        default=10_000, description="environment steps between zero-shot evaluations"
    )
    checkpoint_every: Count = Field(default=20_000, description="environment steps between checkpoints")

    @model_validator(mode="after")
    def _advantages_can_be_normalised(self) -> Self:
        algorithm = self.algorithm
        if not isinstance(algorithm, PPO | A2C) or not algorithm.normalize_advantage:
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

    @model_validator(mode="after")
    def _options_are_the_samplers(self) -> Self:
        self.curriculum.check(self.sampler)
        return self

    @model_validator(mode="after")
    def _policy_fits_the_algorithm(self) -> Self:
        algorithm, policy = self.algorithm, self.policy
        if policy.critic_lr_scale != 1 and not isinstance(algorithm, SAC | TD3):
            raise FieldError(
                path=("policy", "critic_lr_scale"),
                found=policy.critic_lr_scale,
                allowed=f"1 with the algorithm {algorithm.name!r}, which has one learning rate",
            )
        if isinstance(algorithm, DQN) and isinstance(policy.net_arch, Arch):
            raise FieldError(
                path=("policy", "net_arch"),
                found=policy.net_arch.model_dump(),
                allowed="widths as [64, 64] with the algorithm 'dqn', which has one network",
            )
        if algorithm.off_policy and isinstance(policy, HyperPolicy):
            self._refuse_on_policy_choices(policy)
        return self

    def _refuse_on_policy_choices(self, policy: HyperPolicy) -> None:
        hyper, name = policy.hypernetwork, self.algorithm.name
        if "noise" in hyper.inputs:
            raise FieldError(
                path=("policy", "hypernetwork", "inputs"),
                found=[*hyper.inputs],
                allowed=f"no 'noise' with the algorithm {name!r}, which learns from what other networks did",
            )
        if policy.convolutions is not None and not isinstance(self.algorithm, DQN):
            raise FieldError(
                path=("policy", "convolutions"),
                found=[[*each] for each in policy.convolutions],
                allowed=f"none with the algorithm {name!r}, whose critics see actions beside the image",
            )
        networks = ("critic",) if isinstance(self.algorithm, DQN) else ("actor", "critic")
        for network in networks:
            if not hyper.generates(network):
                raise FieldError(
                    path=("policy", "hypernetwork", "generate"),
                    found=[*hyper.generate],
                    allowed=f"a layer of the {network} too with the algorithm {name!r}, where it has a "
                    "hypernetwork of its own",
                )
