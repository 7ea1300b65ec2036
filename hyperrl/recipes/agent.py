"""An agent: an SB3 algorithm, a policy, and the budget they train with. Fields carry SB3's argument names."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hyperrl.recipes.algorithms import PPO, TQC, TRPO, Algorithm, OnPolicy, RecurrentPPO
from hyperrl.recipes.base import Count, Model, Name, Text, Whole
from hyperrl.recipes.curriculum import Curriculum, Sampler
from hyperrl.recipes.messages import FieldError
from hyperrl.recipes.policy import Arch, HyperPolicyRecipe, Policy

RENAMED_FIELDS = {"policy.hypernetwork.initialisation": "initialization"}
"""Fields of format 1 by their path, and what format 2 names them."""


def _format(value: object) -> object:
    if value == 1:
        renamed = ", ".join(f"{path} is named {name}" for path, name in RENAMED_FIELDS.items())
        raise FieldError(found=1, allowed=f"2, in which {renamed}")
    return value


class AgentRecipe(Model):
    """An agent of the suite, as `agents/*.yaml` writes it."""

    format: Annotated[Literal[2], BeforeValidator(_format)] = Field(
        default=2, description="version of this file format"
    )
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
    def _advantages_can_be_normalized(self) -> Self:
        algorithm = self.algorithm
        if not isinstance(algorithm, OnPolicy) or not algorithm.normalize_advantage:
            return self
        rollout = algorithm.n_steps * self.n_envs
        if rollout <= getattr(algorithm, "sub_sampling_factor", 1):
            allowed = "n_steps * n_envs > 1 where advantages are normalized"
            raise self.refusal("algorithm", "n_steps", allowed=allowed)
        if not isinstance(algorithm, PPO | RecurrentPPO):
            return self
        if algorithm.batch_size == 1 or (algorithm.recurrent and rollout % algorithm.batch_size == 1):
            allowed = "at least 2 where advantages are normalized"
            if algorithm.recurrent:
                allowed += ", and no single transition left over of n_steps * n_envs"
            raise self.refusal("algorithm", "batch_size", allowed=allowed)
        return self

    @model_validator(mode="after")
    def _options_are_the_samplers(self) -> Self:
        self.curriculum.check(self.sampler)
        return self

    @model_validator(mode="after")
    def _policy_fits_the_algorithm(self) -> Self:
        algorithm, policy = self.algorithm, self.policy
        for name in policy.foreign(algorithm.policy_arguments):
            allowed = f"none with the algorithm {algorithm.name!r}, whose policies have no such argument"
            raise self.refusal("policy", name, allowed=allowed)
        if policy.critic_lr_scale != 1 and "critic_lr_scale" not in algorithm.policy_arguments:
            allowed = f"1 with the algorithm {algorithm.name!r}, which has one learning rate"
            raise self.refusal("policy", "critic_lr_scale", allowed=allowed)
        if len(algorithm.networks) == 1 and isinstance(policy.net_arch, Arch):
            allowed = f"widths as [64, 64] with the algorithm {algorithm.name!r}, which has one network"
            raise self.refusal("policy", "net_arch", allowed=allowed)
        quantiles = policy.n_quantiles or 25
        if isinstance(algorithm, TQC) and algorithm.top_quantiles_to_drop_per_net >= quantiles:
            allowed = f"less than policy.n_quantiles, {quantiles}"
            raise self.refusal("algorithm", "top_quantiles_to_drop_per_net", allowed=allowed)
        if isinstance(policy, HyperPolicyRecipe):
            self._generated_networks_fit(policy)
        elif policy.shared_lstm and policy.enable_critic_lstm is not False:
            allowed = "false where policy.shared_lstm is true"
            raise self.refusal("policy", "enable_critic_lstm", allowed=allowed)
        return self

    def _generated_networks_fit(self, policy: HyperPolicyRecipe) -> None:
        inputs, algorithm = policy.hypernetwork.inputs, self.algorithm
        if algorithm.recurrent and "memory" not in inputs:
            allowed = f"[memory] with the algorithm {algorithm.name!r}, to which contexts are hidden"
            raise self.refusal("policy", "hypernetwork", "inputs", allowed=allowed)
        if "memory" in inputs and not algorithm.recurrent:
            allowed = f"no 'memory' with the algorithm {algorithm.name!r}, which has none"
            raise self.refusal("policy", "hypernetwork", "inputs", allowed=allowed)
        if algorithm.recurrent:
            for name in ("shared_lstm", "enable_critic_lstm"):
                if getattr(policy, name) is not None:
                    allowed = "none with generated networks, whose hypernetwork.trunk says it"
                    raise self.refusal("policy", name, allowed=allowed)
        if isinstance(algorithm, TRPO):
            self._refuse_beside_trust_regions(policy)
        if algorithm.off_policy:
            self._refuse_on_policy_choices(policy)

    def _refuse_beside_trust_regions(self, policy: HyperPolicyRecipe) -> None:
        if policy.hypernetwork.trunk == "shared":
            allowed = "separate with the algorithm 'trpo', whose critic may not move what the actor uses"
            raise self.refusal("policy", "hypernetwork", "trunk", allowed=allowed)
        if policy.effort_coef:
            allowed = "0 with the algorithm 'trpo', whose steps minimize no loss"
            raise self.refusal("policy", "effort_coef", allowed=allowed)

    def _refuse_on_policy_choices(self, policy: HyperPolicyRecipe) -> None:
        algorithm = self.algorithm
        on = f"with the algorithm {algorithm.name!r}"
        if "noise" in policy.hypernetwork.inputs:
            allowed = f"no 'noise' {on}, which learns from what other networks did"
            raise self.refusal("policy", "hypernetwork", "inputs", allowed=allowed)
        if policy.convolutions is not None and "actor" in algorithm.networks:
            allowed = f"none {on}, whose critics see actions beside the image"
            raise self.refusal("policy", "convolutions", allowed=allowed)
        for network in algorithm.networks:
            if not policy.hypernetwork.generates(network):
                allowed = f"a layer of the {network} too {on}, where it has a hypernetwork of its own"
                raise self.refusal("policy", "hypernetwork", "generate", allowed=allowed)
