"""An agent: an SB3 algorithm, a policy, and the budget they train with. Fields carry SB3's argument names."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from hyperrl.config import HypernetworkConfig
from hyperrl.recipes.algorithms import Algorithm
from hyperrl.recipes.base import Count, Envs, Fraction, Model, Name, Text, Whole
from hyperrl.recipes.curriculum import SAMPLER_OPTIONS, Curriculum, Sampler
from hyperrl.recipes.environment import EnvironmentOptions
from hyperrl.recipes.inference import Inference
from hyperrl.recipes.messages import FieldError
from hyperrl.recipes.normalize import OFF, Normalize
from hyperrl.recipes.policy import Arch, Policy
from hyperrl.recipes.search import Categorical, Space, Span, check_space, fitting
from hyperrl.recipes.sequence import SequenceLearning
from hyperrl.recipes.wrappers import Wrappers

RENAMED_FIELDS = {
    "policy.hypernetwork.initialisation": "initialization",
    "policy.hypernetwork.missing": "context_dropout",
}
"""Fields of format 1 by their path, and what format 2 names them."""


def _format(value: object) -> object:
    if value == 1:
        renamed = ", ".join(f"{path} is named {name}" for path, name in RENAMED_FIELDS.items())
        raise FieldError(found=1, allowed=f"2, in which {renamed}")
    return value


def _noise_kind(value: object) -> str:
    return "features" if isinstance(value, Mapping) else "number"


ContextNoise = Annotated[
    Annotated[Fraction, Tag("number")] | Annotated[dict[Name, Fraction], Tag("features")],
    Discriminator(_noise_kind),
]


class AgentRecipe(Model):
    """An agent of the suite, as `agents/*.yaml` writes it."""

    format: Annotated[Literal[2], BeforeValidator(_format)] = 2
    """version of this file format"""
    name: Name
    """the agent's name; a file's stem where the file gives none"""
    about: Text
    """what it is, in words"""
    algorithm: Algorithm
    """the Stable-Baselines3 algorithm and its arguments"""
    policy: Policy
    """the actor's and the critic's networks"""
    normalize: Normalize = Normalize(**OFF)
    """running normalization of observations and rewards: true, false, or a mapping"""
    steps: Count = 150_000
    """environment steps of training, all environments together"""
    n_envs: Envs = 8
    """environments that run side by side"""
    subprocesses: Annotated[Whole, Field(ge=0, le=1024)] = 0
    """processes that share the environments of a family without batched dynamics; 0: none"""
    simulation_threads: Annotated[Whole, Field(ge=0, le=1024)] | None = None
    """threads that advance simulations of Gymnasium's MuJoCo environments where there are no subprocesses;
    null: one for each core; 0: none, the environments step one after the other"""
    threads: Annotated[Count, Field(le=1024)] = 1
    """threads that torch may use"""
    wrappers: Wrappers = ()
    """wrappers directly around the base environment, the first innermost, below frame_stack and context: of
    gymnasium.wrappers by name, or your own as module:Class or file.py:Class; {NAME: {argument: value}}"""
    frame_stack: Annotated[Count, Field(le=1000)] = 1
    """how many of the base environment's last observations are stacked, arrays along their last axis and
    images along their channels; zeros stand before an episode's start; 1: none are"""
    sampler: Sampler = "uniform"
    """how each episode draws its task from the training tasks"""
    curriculum: Curriculum = Curriculum()
    """options of the samplers plr, cvar and adversarial"""
    context_noise: ContextNoise = 0.0
    """how far the context that networks see in training is off, drawn anew for each episode: at most by this
    part of a feature's training range, to either side; a feature with `values` takes another one with this
    probability; a number, or {FEATURE: number}"""
    observation_noise: Fraction = 0.0
    """how far each number that networks observe in training is off, drawn anew for each step: at most by this
    part of its standard deviation under random actions, to either side"""
    sequence: SequenceLearning = SequenceLearning()
    """how tasks that arrive one after another are learned (`train --sequence`)"""
    evaluate_every: Count = 10_000
    """environment steps between zero-shot evaluations"""
    checkpoint_every: Count = 20_000
    """environment steps between checkpoints"""
    search: Space = Field(default_factory=dict)
    """what `hyperrl tune` varies: {FIELD: {low, high, log, step}} or {FIELD: {choices: [...]}}, with FIELD as
    --set takes it; none: what suits the algorithm and the kind of policy"""
    tuned_on: Name | None = None
    """family that its fields were tuned on, whose `training` they have already and does not replace them"""

    def without_context(self) -> Self:
        """The same agent with plain networks of the same hidden sizes, which never see the context.

        What acts on contexts, such as a sampler of tasks that are hard, has its default, and so has the
        search space.
        """
        data = self.model_dump(exclude={"sampler", "curriculum", "context_noise", "sequence", "search"})
        data["policy"] = {**self.policy.common(), "kind": "blind"}
        return type(self).parse(data, self.name)

    @property
    def environment_options(self) -> EnvironmentOptions:
        """How its environments differ from a family's own."""
        return EnvironmentOptions(self.frame_stack, self.wrappers)

    @property
    def inference(self) -> Inference | None:
        """How it infers the context; None where it observes the context, or does without."""
        return None if self.policy.kind == "blind" else self.policy.inference

    @property
    def observes_context(self) -> bool:
        """Whether what it does depends on the context that it is given."""
        if self.policy.kind == "blind" or self.inference is not None:
            return False
        return self.policy.kind != "hyper" or "context" in self.policy.hypernetwork.inputs

    @property
    def indexed(self) -> HypernetworkConfig | None:
        """Its hypernetwork, where it learns off policy by an index of one of many networks; else None."""
        if self.policy.kind != "hyper" or not self.algorithm.off_policy:
            return None
        return self.policy.hypernetwork if "noise" in self.policy.hypernetwork.inputs else None

    @property
    def remembers(self) -> bool:
        """Whether it acts on more than the present observation and the context."""
        return self.algorithm.recurrent or self.inference is not None

    @property
    def search_space(self) -> Mapping[str, Span | Categorical]:
        """What `hyperrl tune` varies: its own space, or what suits its algorithm and its kind of policy."""
        default = {**self.algorithm.search, **self.policy.default_search}
        return self.search or fitting(default, self)

    @model_validator(mode="before")
    @classmethod
    def _no_renamed_fields(cls, data: Any) -> Any:
        for path, name in RENAMED_FIELDS.items():
            *groups, old = path.split(".")
            group = data
            for each in groups:
                group = group.get(each) if isinstance(group, Mapping) else None
            if isinstance(group, Mapping) and old in group:
                raise FieldError(path=(*groups, old), reason=f"is named {name!r} since format 2")
        return data

    @model_validator(mode="after")
    def _options_are_the_samplers(self) -> Self:
        for name in self.curriculum.options:
            if name not in SAMPLER_OPTIONS.get(self.sampler, ()):
                raise self.refusal("curriculum", name, allowed=f"none with the sampler {self.sampler!r}")
        return self

    @model_validator(mode="after")
    def _noise_is_seen(self) -> Self:
        if self.context_noise and self.policy.kind == "blind":
            raise self.refusal("context_noise", allowed="0 with policy.kind 'blind', which sees no context")
        if self.context_noise and self.inference is not None:
            raise self.refusal("context_noise", allowed="0 with policy.inference, which hides the context")
        if self.observation_noise and self.inference is not None:
            allowed = "0 with policy.inference, which reads the context from observations"
            raise self.refusal("observation_noise", allowed=allowed)
        if self.observation_noise and self.algorithm.relabels_goals:
            raise self.refusal("observation_noise", allowed="0 with algorithm.her, which reads goals reached")
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
        for path, allowed in algorithm.refusals(policy, self.n_envs):
            raise self.refusal(*path, allowed=allowed)
        if policy.kind != "hyper" and policy.shared_lstm and policy.enable_critic_lstm is not False:
            allowed = "false where policy.shared_lstm is true"
            raise self.refusal("policy", "enable_critic_lstm", allowed=allowed)
        return self

    @model_validator(mode="after")
    def _search_space_fits(self) -> Self:
        check_space(self.search, self)
        return self
