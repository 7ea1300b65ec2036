"""A base environment whose task changes from episode to episode; its observation carries the descriptor."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import NOT_A_FAILURE, BaseEnvironmentError, UserError
from hyperrl.masks import ACTION_MASK, ACTION_MASKS, Masks
from hyperrl.recipes import CONTEXT, Context
from hyperrl.tasks.adapter import BaseAdapter, InterfaceError, close_base, failure_of
from hyperrl.tasks.base_attributes import BaseAttributes
from hyperrl.tasks.carriers import Carriers
from hyperrl.tasks.contexts import ContextSpace, assignment
from hyperrl.tasks.frame_stack import FrameStack
from hyperrl.tasks.sampler import TaskSampler, TaskSource
from hyperrl.tasks.schedules import Courses, Schedules
from hyperrl.tasks.spaces import contextual_space, draw_valid, is_valid, spaces_of
from hyperrl.tasks.variants import VariantEnv

CUSTOM_TASK = -1
"""Task index of a context that was given to `reset` and is none of the sampler's."""

_CALLERS_MISTAKES = (UserError, BaseEnvironmentError, *NOT_A_FAILURE)
"""Exceptions that come out of the base environment's methods and are not its failures."""


class ContextualEnv(BaseAttributes):
    """Plays a base environment, to which carriers bring the next task before every reset.

    Vector environments reset without options at an episode's end; the task therefore comes from `tasks` (a
    sampler that several environments may share), and `reset(options={"context": {...}})` overrules it for
    one episode. Features with a schedule change from there on. At every reset and step `info["context"]`
    holds the raw values and `info["task"]` the index into `tasks.contexts` (-1: given to reset). Whatever the
    base returns comes in through `adapter`.

    Attributes:
        adapter: copies, checks and shifts what the base returns.
        stack: how the base's observations are stacked.
        context: the present task.
        task: its index into the task source's contexts, -1 where it is none of them.
        courses: how the context changes within an episode.
    """

    _failing = "the base environment"

    def __init__(
        self,
        env: gym.Env[Any, Any],
        space: ContextSpace,
        carriers: Carriers,
        tasks: TaskSource,
        *,
        owns_tasks: bool = False,
        options: Mapping[str, Any] | None = None,
        record_episodes: bool = False,
        frame_stack: int = 1,
        schedules: Schedules | None = None,
    ) -> None:
        """Take the base environment, and bring the context of defaults to it.

        Args:
            env: the base environment.
            space: the features.
            carriers: how they reach the environment.
            tasks: hands out tasks; its contexts may leave features out.
            owns_tasks: `tasks` is a sampler of this environment alone, seeded by `reset(seed=...)`.
            options: reset options of the base environment, handed to every reset (those given to `reset` go
                first).
            record_episodes: report as the vector environments here do: {"episode": {"r", "l"}} in the last
                info, and task and context at resets and last steps alone. It stays off elsewhere because
                Gymnasium's RecordEpisodeStatistics refuses an info that has an episode.
            frame_stack: how many of the base's last observations are stacked.
            schedules: how features change within an episode; None: they stay.

        Raises:
            UserError: the unwrapped environment lacks an attribute, or does not let it be set; its spaces are
                not supported, or cannot be stacked.
            BaseEnvironmentError: its reset fails, where a feature needs one first.
        """
        self.env, self.space, self.tasks = env, space, tasks
        self._sampler = tasks if owns_tasks and isinstance(tasks, TaskSampler) else None
        self._options, self._record = dict(options or {}), record_episodes
        self.courses = Courses(schedules, space, 1)
        self._base_spaces = spaces_of(env)
        self.adapter = BaseAdapter(*self._base_spaces)
        self.stack = FrameStack(self.adapter.observation_space, frame_stack)
        self.observation_space: gym.spaces.Dict = contextual_space(self.stack.space, space.box)
        self.action_space = self.adapter.action_space
        self.metadata, self.render_mode = env.metadata, env.render_mode
        self._info: dict[str, Any] = {}
        self._masked = env.has_wrapper_attr(ACTION_MASKS)
        self.context, self._started = space.default, carriers.late
        if carriers.late:
            with self.naming_failures("its first reset"):
                env.reset()  # a goal may have no coordinates before it
        self.carriers = carriers.attached(self)
        self._acting, self._rewarding = map(self.carriers.overriding, ("action", "reward"))
        self._beginning = self.carriers.overriding("begin")
        self._observing = [carrier.observation for carrier in self.carriers.overriding("observation")]
        self._observing += [window.replace for window in self.stack.windows]
        self._begin(CUSTOM_TASK, space.default)

    @property
    def episode_return(self) -> float:
        """The present episode's return so far."""
        return self._return

    def _begin(self, task: int, context: Context) -> None:
        self.task, self._return, self._length = task, 0.0, 0
        if isinstance(self.env, VariantEnv):
            self.env.choose(self.carriers.arguments(context))
        self.stack.clear()
        for carrier in self._beginning:
            carrier.begin()
        self.apply(context)

    def apply(self, context: Mapping[str, float]) -> None:
        """Set a context from now on, in mid-episode too.

        Raises:
            UserError: a wrong context, or an attribute cannot be set to its value.
            BaseEnvironmentError: a property of the base raises another exception.
        """
        self.context = context = self.space.complete(context)
        self._descriptor: NDArray[np.float32] = self.space.descriptors([context])[0]
        for carrier in self.carriers:
            carrier.apply(context)

    def follow(self, step: int) -> NDArray[np.float32] | None:
        """Set the context that schedules have after so many steps; its descriptor, (D,), None: it stays."""
        if (context := self.courses.moved(0, step)) is None:
            return None
        self.apply(context)
        return self._descriptor

    def find_undone(self) -> str | None:
        """Tell what of the present context a reset has undone; None: nothing."""
        return next(filter(None, (carrier.find_undone() for carrier in self.carriers)), None)

    def _failure(self, error: BaseException, when: str) -> BaseEnvironmentError:
        """The error for an exception of the base, or for a value that it must not return."""
        return failure_of(error, f"task {assignment(self.context)}, {when}", self._failing)

    @contextmanager
    def naming_failures(self, when: str) -> Iterator[None]:
        """Raise BaseEnvironmentError for what the base raises in the block, with the task and `when`."""
        try:
            yield
        except BaseException as error:
            if self._is_callers_mistake(error):
                raise
            raise self._failure(error, when) from error

    def _is_callers_mistake(self, error: BaseException) -> bool:
        """Whether an exception that came out of the base is the caller's, as of a step before any reset."""
        return isinstance(
            error, _CALLERS_MISTAKES if self._started else (*_CALLERS_MISTAKES, gym.error.ResetNeeded)
        )

    def _refuse_other_spaces(self) -> None:
        """Refuse spaces that a reset has changed, as a task that changes sizes does."""
        names = ("observation_space", "action_space")
        for name, space, declared in zip(names, spaces_of(self.env), self._base_spaces, strict=True):
            if space is not declared and space != declared:
                raise InterfaceError(f"its {name} is {space}; allowed: the other tasks', {declared}")

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode of the next task, or of `options["context"]`, completed by defaults.

        Raises:
            UserError: an unknown feature or a value that is not finite.
        """
        merged = {**self._options, **(options or {})}
        context = merged.pop(CONTEXT, None)
        if seed is not None:
            self.courses.seed(0, seed)
            if self._sampler is not None:
                self._sampler.reseed(seed)
        if context is None:
            task = self.tasks.next()
            self._begin(task, self.space.complete(self.tasks.contexts[task]))
        else:
            self._begin(CUSTOM_TASK, self.space.complete(context))
        self.courses.begin(0, self.context)
        self._started = True
        with self.naming_failures("a reset"):
            observation, info = self.adapter.start(self.env.reset(seed=seed, options=merged or None))
            self._refuse_other_spaces()
            self._info = info
            self._masked = ACTION_MASK in info or self.env.has_wrapper_attr(ACTION_MASKS)
        if self.carriers.late:
            self.apply(self.context)
        for change in self._observing:
            observation = change(observation)
        observation[CONTEXT] = self._descriptor.copy()
        return observation, {**info, "task": self.task, CONTEXT: dict(self.context.raw)}

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Step the base environment; an episode's end is reported to the sampler.

        Raises:
            BaseEnvironmentError: the base raises an exception, or returns what its spaces or Gymnasium's
                interface do not allow.
        """
        for carrier in self._acting:
            action = carrier.action(action)
        try:
            returned = self.env.step(self.adapter.action(action))
            observation, reward, terminated, truncated, info = self.adapter.step(returned)
            self._info = info
            for carrier in self._rewarding:
                reward, info = carrier.reward(reward, info)
        except BaseException as error:
            if self._is_callers_mistake(error):
                raise
            raise self._failure(error, f"step {self._length + 1} of an episode") from error
        for change in self._observing:
            observation = change(observation)
        self._return += reward
        self._length += 1
        self.follow(self._length)
        observation[CONTEXT] = self._descriptor.copy()
        if terminated or truncated:
            info = self.end_episode(self.episode_return, self._length, info)
        elif not self._record:
            info["task"], info[CONTEXT] = self.task, dict(self.context.raw)
        return observation, reward, terminated, truncated, info

    @property
    def action_masks(self) -> Callable[[], Masks]:
        """The method that tells which choices of the next action are valid, as sb3-contrib asks for it.

        It returns (choices,), true where a choice is valid: one entry for each choice of a Discrete; those
        of a MultiDiscrete's parts one after the other; off and on of each button of a MultiBinary. The base
        environment says so by a method of this name, or else by `info["action_mask"]`.

        Raises:
            AttributeError: the base environment has no masks, or none before a first reset.
            BaseEnvironmentError: by the method; the base environment fails, or its mask is of another shape
                or leaves no choice.
        """
        if not self._masked:
            raise AttributeError(f"{type(self.base).__name__} has no action masks, or none before a reset")
        return self._action_masks

    def _action_masks(self) -> Masks:
        with self.naming_failures(f"the action mask of step {self._length + 1} of an episode"):
            if self.env.has_wrapper_attr(ACTION_MASKS):
                mask = self.adapter.mask(self.env.get_wrapper_attr(ACTION_MASKS)())
            elif ACTION_MASK in self._info:
                mask = self.adapter.mask(self._info[ACTION_MASK])
            else:
                raise InterfaceError(
                    f"its info has no {ACTION_MASK!r}; allowed: one in each, as at the reset"
                )
        for carrier in reversed(self._acting):
            mask = carrier.mask(mask)
        return mask

    def sample_action(self) -> Any:
        """A random action, by the action space's generator; a valid one where the base masks actions."""
        space = self.action_space
        return draw_valid(space, self._action_masks(), space.np_random) if self._masked else space.sample()

    def allows(self, action: Any) -> bool:
        """Whether the base masks no part of an action now."""
        return not self._masked or is_valid(self.action_space, self._action_masks(), action)

    def end_episode(self, total: float, length: int, info: dict[str, Any]) -> dict[str, Any]:
        """Report the return of the present episode, which has ended, to the sampler; its last info.

        Args:
            total: the episode's return.
            length: its steps.
            info: what the base's last info holds.
        """
        self.tasks.update(self.task, total)
        if self._record:
            # arrays in it may be the base's own, which its next reset writes
            info = {k: np.array(v) if isinstance(v, np.ndarray) else v for k, v in info.items()}
            info["episode"] = {"r": total, "l": length}
        info["task"], info[CONTEXT] = self.task, dict(self.context.raw)
        return info

    def render(self) -> Any:
        """Render the base environment; raises BaseEnvironmentError where it fails."""
        with self.naming_failures("a picture"):
            return self.env.render()

    def close(self) -> None:
        """Close the base environment, as `close_base` does; its memory is free once nobody holds it."""
        close_base(self.env)
        for carrier in self.carriers:
            carrier.detach()

    def __repr__(self) -> str:
        return f"<ContextualEnv({', '.join(self.space.names)}){self.env!r}>"
