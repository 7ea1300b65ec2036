"""A family of tasks: a base environment, its features, its splits."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import gymnasium as gym

from hyperrl.arguments import STEPS, Constraint, is_instance, to_int, validate_arguments
from hyperrl.errors import UserError, check_known
from hyperrl.recipes import ALL_SPLITS, Context, EnvironmentOptions, FamilyRecipe, load_family
from hyperrl.tasks.adapter import BaseAdapter, close_base
from hyperrl.tasks.base_modules import import_base
from hyperrl.tasks.carriers import Carriers
from hyperrl.tasks.contexts import ContextSpace
from hyperrl.tasks.dynamics import Dynamics
from hyperrl.tasks.env import ContextualEnv
from hyperrl.tasks.family_variants import FamilyVariants
from hyperrl.tasks.oracle import best_return
from hyperrl.tasks.registration import batchable, make_registered, registered_limit, time_limit
from hyperrl.tasks.reward_terms import with_one_reward
from hyperrl.tasks.sampler import FixedTask, TaskSampler, TaskSource
from hyperrl.tasks.schedules import Schedules, step_contexts
from hyperrl.tasks.splits import tasks_of
from hyperrl.tasks.variants import VariantEnv
from hyperrl.tasks.vector import FamilyVectorEnv, ProcessEnv, make_batched, make_side_by_side
from hyperrl.tasks.wrapped import Record, WrappedEnv, with_wrappers
from hyperrl.tasks.wrappers import check_wrappers


class Family(FamilyVariants):
    """Makes environments of a family, one or many at a time, and lists its tasks.

    Attributes:
        recipe: what the family's file says.
        name: the recipe's name.
        space: the features.
        carriers: how they reach the simulator.
        options: what an agent has chosen of its environments.
    """

    def __init__(
        self,
        recipe: FamilyRecipe,
        make_base: Callable[..., gym.Env[Any, Any]] | None = None,
        options: EnvironmentOptions | None = None,
    ) -> None:
        """Take a recipe.

        Args:
            recipe: the family.
            make_base: makes the base environment, given `render_mode` where one is asked for; by default
                `gymnasium.make(recipe.base, **recipe.kwargs)`.
            options: what an agent has chosen; by default nothing.
        """
        self.recipe, self.name, self.options = recipe, recipe.name, options or EnvironmentOptions()
        self.space = ContextSpace(recipe.features)
        self.carriers = Carriers(recipe.features, recipe.derived)
        self._make_base = make_base
        self._tasks: dict[str, list[Context]] = {}

    def __repr__(self) -> str:
        """The family's name and features: `Family('ode': c0)`."""
        return f"Family({self.name!r}: {', '.join(self.space.names)})"

    @classmethod
    @validate_arguments(
        {"name_or_path": Constraint("a name, or the path of a YAML file", is_instance(str, Path))}
    )
    def load(cls, name_or_path: str | Path) -> "Family":
        """Read a family of the suite by name, or a file by path; raises UserError where it is wrong."""
        return cls(load_family(str(name_or_path)))

    def tasks(self, split: str) -> list[Context]:
        """Tasks of "train", "validation", "interpolation", "extrapolation" or "rim" (which may be empty).

        Raises:
            UserError: an unknown split, or splits that overlap.
        """
        check_known(self.name, "split", [split], ALL_SPLITS)
        if split not in self._tasks:
            earlier = {name: self.tasks(name) for name in ALL_SPLITS[: ALL_SPLITS.index(split)]}
            self._tasks[split] = tasks_of(self.recipe, self.space, split, earlier)
        return list(self._tasks[split])

    @cached_property
    def _trained(self) -> set[Context]:
        return set(self.tasks("train"))

    def flag(self, context: Mapping[str, float]) -> str:
        """Tell what a context is: "train" (a training task), "interpolation" (inside) or "extrapolation"."""
        task = self.space.complete(context)
        if task in self._trained:
            return "train"
        return "interpolation" if task.inside else "extrapolation"

    def make(
        self, split: str = "train", render_mode: str | None = None, sampler: TaskSampler | None = None
    ) -> ContextualEnv:
        """Make one environment, whose every episode plays the next task of `sampler`.

        Args:
            split: whose tasks are drawn uniformly where no sampler is given; `reset(seed=...)` then seeds
                the draw.
            render_mode: of the base environment.
            sampler: hands out tasks, perhaps to other environments too.

        Raises:
            UserError: the base environment cannot be made, or lacks a feature's attribute.
        """
        tasks = sampler if sampler is not None else TaskSampler(self._tasks_to_draw(split))
        return self._single(tasks, render_mode=render_mode, owns_tasks=sampler is None)

    def make_vec(
        self,
        num_envs: int,
        *,
        sampler: TaskSampler | None = None,
        contexts: Sequence[Mapping[str, float]] | None = None,
        options: Mapping[str, Any] | None = None,
        subprocesses: int = 0,
        threads: int | None = None,
    ) -> FamilyVectorEnv:
        """Make a vector environment that resets in the same step (`AutoresetMode.SAME_STEP`).

        Batched dynamics are used where they exist; the transitions are the same either way.

        Args:
            num_envs: how many environments.
            sampler: every reset takes its next task; by default a uniform one over the training tasks.
            contexts: one per environment, which always plays it; excludes `sampler`.
            options: reset options, handed to every reset.
            subprocesses: where no batched dynamics exist, so many processes share the environments; 0: this
                one plays them all.
            threads: in which this process advances simulations of Gymnasium's MuJoCo environments; by default
                one for each of its cores, 0: none, environments step one after the other.

        Raises:
            UserError: the numbers of contexts and environments differ, or as `make`.
        """
        num_envs = to_int("num_envs", num_envs, STEPS)
        if contexts is not None and (sampler is not None or len(contexts) != num_envs):
            raise UserError(
                f"{num_envs} environments need {num_envs} contexts and no sampler; found {len(contexts)}"
            )
        owned = TaskSampler(self._tasks_to_draw("train")) if sampler is None and contexts is None else None
        dynamics = self.dynamics()
        if dynamics is not None:
            return make_batched(
                self.options.frame_stack,
                dynamics, self.space, self.carriers, num_envs, self.max_steps,
                sampler=sampler or owned, owns_sampler=owned is not None, contexts=contexts, options=options,
                schedules=self.schedules,
            )  # fmt: skip
        completed = [self.space.complete(context) for context in contexts or ()]

        def source(index: int) -> TaskSource:
            return sampler or owned or FixedTask(completed, index)

        sources = [source(index) for index in range(num_envs)]
        make = partial(self._single, options=options, record_episodes=True)
        if subprocesses:
            if self._make_base is None:
                import_base(self.recipe)  # what the processes send may be of its classes
            check_wrappers(self.options.wrappers, self.name)
            return ProcessEnv(make, sources, subprocesses, owned, dict(options or {}))
        return make_side_by_side([partial(make, each) for each in sources], owned, threads)

    def _other(self, recipe: FamilyRecipe, options: EnvironmentOptions | None = None) -> Self:
        return type(self)(recipe, self._make_base, options or self.options)

    def _tasks_to_draw(self, split: str) -> list[Context]:
        tasks = self.tasks(split)
        if not tasks:
            raise UserError(f"{self.name}: the split {split!r} has no tasks")
        return tasks

    def dynamics(self) -> Dynamics | None:
        """Find the batched dynamics whose parameters all features set; None where there are none."""
        whole = not self.recipe.observe and not self.recipe.flatten
        known = self._make_base is None and not self.options.wrappers
        if not known or not whole or not registered_limit(self.recipe):
            return None
        return self.carriers.batched(batchable(self.recipe))

    @property
    def batched(self) -> bool:
        """Whether environments advance together as arrays, else one after the other."""
        return self.dynamics() is not None

    @property
    def max_steps(self) -> int:
        """Steps after which an episode is truncated; 0 where there is no limit."""
        known = self._make_base is None and not self.options.wrappers
        limit = registered_limit(self.recipe) if known else 0
        return limit or self._probed[2]

    @cached_property
    def schedules(self) -> Schedules | None:
        """How features change within an episode; None: they stay. Raises as `Schedules`."""
        if not any(feature.schedule for feature in self.space.features.values()):
            return None
        return Schedules(self.space, self.max_steps)

    def _single(
        self, tasks: TaskSource, render_mode: str | None = None, scheduled: bool = True, **kwargs: Any
    ) -> ContextualEnv:
        arguments = self.carriers.arguments(self.space.default)
        make: Callable[..., gym.Env[Any, Any]] = partial(self.make_base, render_mode)
        contextual: Callable[..., ContextualEnv] = ContextualEnv
        if self.options.wrappers:
            record = Record()
            make = with_wrappers(make, self.options.wrappers, record, self.name)
            contextual = partial(WrappedEnv, record=record)
        base = VariantEnv(make, arguments) if arguments else make()
        try:
            return contextual(
                base, self.space, self.carriers, tasks, frame_stack=self.options.frame_stack,
                schedules=self.schedules if scheduled else None, **kwargs,
            )  # fmt: skip
        except BaseException:
            close_base(base)
            raise

    def make_default(self) -> ContextualEnv:
        """Make one environment that plays the context of defaults; raises as `make`."""
        return self._single(FixedTask([self.space.default], 0))

    def try_out(self) -> None:
        """Reset one environment and take one step, so that a base that fails at once is reported early.

        Raises:
            BaseEnvironmentError: as a reset and a step raise it.
            UserError: as `make`.
        """
        with closing(self.make_default()) as env:
            env.reset(seed=0)
            env.action_space.seed(0)
            env.step(env.sample_action())

    def make_base(
        self, render_mode: str | None = None, arguments: Mapping[str, Any] | None = None
    ) -> gym.Env[Any, Any]:
        """Make the base environment, at its own defaults but for the recipe's and these keyword arguments.

        Raises:
            UserError: unknown id, unknown module, missing dependency, wrong keyword arguments.
        """
        kwargs = {**(arguments or {}), **({} if render_mode is None else {"render_mode": render_mode})}
        env = make_registered(self.recipe, kwargs) if self._make_base is None else self._make_base(**kwargs)
        return with_one_reward(env, [term for each in self.recipe.features.values() for term in each.terms])

    def make_default_base(self) -> gym.Env[Any, Any]:
        """Make the base environment of the context of defaults, to which no task is brought."""
        return self.make_base(arguments=self.carriers.arguments(self.space.default))

    def oracle(self, context: Mapping[str, float], seeds: Sequence[int] = (0,)) -> float | None:
        """The oracle: best known undiscounted return of an evaluation episode; None where none is known.

        Args:
            context: the task.
            seeds: of the resets, where features change within an episode: the mean over these courses.
        """
        if self.recipe.oracle is None:
            return None
        courses = step_contexts(self.schedules, self.space.complete(context), self.max_steps, seeds)
        return best_return(self.recipe, self.carriers, courses)

    @property
    def observation_space(self) -> gym.Space[Any]:
        """Observation space of one environment."""
        return self._probed[0]

    @property
    def action_space(self) -> gym.Space[Any]:
        """Action space of one environment."""
        return self.adapter.action_space

    @property
    def adapter(self) -> BaseAdapter:
        """Adapter between the base environment's values and those of the family's environments."""
        return self._probed[1]

    @cached_property
    def _probed(self) -> tuple[gym.Space[Any], BaseAdapter, int]:
        """Space, adapter and time limit of one environment, which is made for this alone."""
        with closing(self._single(FixedTask([self.space.default], 0), scheduled=False)) as env:
            return env.observation_space, env.adapter, time_limit(env.env)
