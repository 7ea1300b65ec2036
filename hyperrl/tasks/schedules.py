"""Tasks that change within an episode: the course of a context, step by step."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context, Feature
from hyperrl.recipes.feature_schedules import Drift, Jump
from hyperrl.tasks.contexts import ContextSpace

Floats = NDArray[np.float64]

_STREAM = 1
"""Sets the random numbers of courses apart from those of the base environment, under the same seed."""


def schedule_rng(seed: int | None) -> np.random.Generator:
    """The generator of an environment's courses, seeded as its reset is."""
    return np.random.default_rng(None if seed is None else np.random.SeedSequence(seed, spawn_key=(_STREAM,)))


class Course:
    """How a context changes within one episode.

    After t steps the context is `at(t)`: the observation tells it, and the next step is taken in it.

    Attributes:
        start: the context at the reset.
        draws: (features with a schedule, 2), the random numbers that it follows from, in [0, 1).
        jumps: the steps after which a feature jumps, in rising order.
    """

    def __init__(
        self, start: Context, draws: Floats, values: Mapping[str, "Value"], jumps: Sequence[int], still: int
    ) -> None:
        """Take the values of features as functions of the step; from `still` on there are only jumps."""
        self.start, self.draws, self.jumps = start, draws, tuple(sorted(set(jumps)))
        self._values, self._still = values, still

    def moves(self, step: int) -> bool:
        """Whether the context after so many steps may differ from that after one step less."""
        return step < self._still or step in self.jumps

    def at(self, step: int) -> Context:
        """The context after so many steps."""
        return self.start | {name: value(step) for name, value in self._values.items()}


Value = Callable[[int], float]


class Schedules:
    """The features of a family that change within an episode, and how.

    Attributes:
        features: those features by name.
    """

    def __init__(self, space: ContextSpace, longest: int) -> None:
        """Take the features.

        Args:
            space: of the family.
            longest: steps after which an episode is truncated; 0: there is no limit.

        Raises:
            UserError: a schedule that needs a limit where there is none, or a jump after the last step.
        """
        self.features = {n: f for n, f in space.features.items() if f.schedule is not None}
        self._longest = longest
        for name, feature in self.features.items():
            schedule, allowed = feature.schedule, None
            if isinstance(schedule, Jump) and schedule.at is None and longest < 2:
                allowed = "a step, as jump:50, where episodes have no time limit"
            elif isinstance(schedule, Drift) and schedule.steps is None and not longest:
                allowed = "a number of steps, as drift:100, where episodes have no time limit"
            elif isinstance(schedule, Jump) and schedule.at is not None and 0 < longest <= schedule.at:
                allowed = f"a step before the last, at most {longest - 1}"
            if allowed is not None:
                raise UserError(f"feature {name!r}: schedule: found {schedule}; allowed: {allowed}")

    @property
    def texts(self) -> dict[str, str]:
        """The schedules by feature as text, such as {"sign": "jump:50"}."""
        return {name: str(feature.schedule) for name, feature in self.features.items()}

    def begin(self, start: Context, rng: np.random.Generator) -> Course:
        """Draw the course of an episode."""
        return self.course(start, rng.random((len(self.features), 2)))

    def course(self, start: Context, draws: Floats) -> Course:
        """The course that follows from random numbers, (features, 2) in [0, 1)."""
        values: dict[str, Value] = {}
        jumps, still = [], 0
        for (name, feature), (when, where) in zip(self.features.items(), draws.tolist(), strict=True):
            schedule, present = feature.schedule, start[name]
            if isinstance(schedule, Jump):
                at = 1 + int(when * (self._longest - 1)) if schedule.at is None else schedule.at
                values[name] = _jump(present, another(feature, present, where), at)
                jumps.append(at)
            elif isinstance(schedule, Drift):
                steps = schedule.steps or self._longest
                values[name] = _drift(present, another(feature, present, where), steps)
                still = max(still, steps + 1)
            elif schedule is not None:
                values[name] = _swing(present, schedule.amplitude, schedule.period, feature.train)
                still = np.iinfo(np.int64).max
        return Course(start, draws, values, jumps, int(still))


def another(feature: Feature, present: float, draw: float) -> float:
    """Another value of a feature, of those within its training range.

    Args:
        feature: the feature.
        present: the value that it has; it stays where there is no other.
        draw: in [0, 1), chooses.
    """
    low, high = feature.train
    if feature.values is None:
        return low + draw * (high - low)
    others = [value for value in feature.values if low <= value <= high and value != present]
    return others[int(draw * len(others))] if others else present


def _jump(before: float, after: float, at: int) -> Value:
    return lambda step: after if step >= at else before


def _drift(start: float, end: float, steps: int) -> Value:
    return lambda step: start + (end - start) * min(step / steps, 1.0)


def _swing(center: float, amplitude: float, period: float, train: tuple[float, float]) -> Value:
    low, high = min(train[0], center), max(train[1], center)
    return lambda step: min(max(center + amplitude * math.sin(2 * math.pi * step / period), low), high)


def step_contexts(
    schedules: Schedules | None, start: Context, steps: int, seeds: Sequence[int]
) -> list[list[Context]]:
    """The contexts in which the steps of episodes are taken.

    Args:
        schedules: of the family; None: the context stays, in one episode for all.
        start: at the reset.
        steps: of an episode.
        seeds: of the resets, one for each episode.
    """
    if schedules is None:
        return [[start] * steps]
    courses = [schedules.begin(start, schedule_rng(seed)) for seed in seeds]
    return [[course.at(step) for step in range(steps)] for course in courses]


class Courses:
    """The courses of several environments; without schedules nothing moves.

    Args:
        schedules: of the family; None: none.
        space: its features.
        count: number of environments.
    """

    def __init__(self, schedules: Schedules | None, space: ContextSpace, count: int) -> None:
        self._schedules, self._space = schedules, space
        self._rngs = [] if schedules is None else [schedule_rng(None) for _ in range(count)]
        self._courses: list[Course | None] = [None] * count

    @property
    def active(self) -> bool:
        """Whether anything changes within an episode."""
        return self._schedules is not None

    def seed(self, env: int, seed: int | None) -> None:
        """Seed the courses of an environment, as its reset is."""
        if self._schedules is not None:
            self._rngs[env] = schedule_rng(seed)

    def begin(self, env: int, start: Context) -> None:
        """Draw the course of an environment's next episode."""
        if self._schedules is not None:
            self._courses[env] = self._schedules.begin(start, self._rngs[env])

    def moved(self, env: int, step: int) -> Context | None:
        """The context of an environment after so many steps; None where the latest step changed nothing."""
        course = self._courses[env]
        return course.at(step) if course is not None and course.moves(step) else None

    def all_moved(self, steps: NDArray[np.int64]) -> dict[int, Context]:
        """The contexts of the environments that may have changed in the latest step, by their numbers.

        Args:
            steps: (N,), that each of them has taken so far.
        """
        if self._schedules is None:
            return {}
        found = {env: self.moved(env, step) for env, step in enumerate(steps.tolist())}
        return {env: context for env, context in found.items() if context is not None}

    def get_state(self) -> dict[str, Any]:
        """All that a continuation needs: arrays and JSON data; empty without schedules, or before a reset."""
        courses = [course for course in self._courses if course is not None]
        if not courses:
            return {}
        return {
            "starts": self._space.values([course.start for course in courses]),
            "draws": np.stack([course.draws for course in courses]),
            "course_rngs": [rng.bit_generator.state for rng in self._rngs],
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue exactly where `get_state` was called."""
        if self._schedules is None:
            return
        starts = self._space.contexts(np.asarray(state["starts"], np.float64))
        draws = np.asarray(state["draws"], np.float64)
        self._courses = [self._schedules.course(*each) for each in zip(starts, draws, strict=True)]
        for rng, saved in zip(self._rngs, state["course_rngs"], strict=True):
            rng.bit_generator.state = saved
