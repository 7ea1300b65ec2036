"""Families that are made of one: with other tasks, other schedules, or an agent's environments."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from hyperrl.recipes import AgentRecipe, Context, EnvironmentOptions, FamilyRecipe
from hyperrl.tasks.contexts import ContextSpace
from hyperrl.tasks.rim import hold_out_rim
from hyperrl.tasks.sequence import TaskSequence, in_sequence
from hyperrl.tasks.splits import leave_out, only_tasks, train_on


class FamilyVariants:
    """What makes other families of one; they have the same base environment."""

    recipe: FamilyRecipe
    space: ContextSpace
    options: EnvironmentOptions

    def tasks(self, split: str) -> list[Context]:
        """See `Family.tasks`."""
        raise NotImplementedError

    def _other(self, recipe: FamilyRecipe, options: EnvironmentOptions | None = None) -> Self:
        """A family of another recipe over the same base environment."""
        raise NotImplementedError

    def leave_out(self, contexts: Sequence[Mapping[str, float]]) -> Self:
        """Hold training tasks out: the same family with them as its only tasks of interpolation.

        Args:
            contexts: one that names some features alone leaves out all training tasks that agree on those.

        Raises:
            UserError: an unknown feature, a context that no training task has, or none left to train on.
        """
        recipe = leave_out(self.recipe, self.space, contexts, self.tasks)
        return self._other(recipe)

    def on_tasks(self, contexts: Sequence[Mapping[str, float]]) -> Self:
        """Take some tasks alone: the same family with them to train on, and no others.

        Args:
            contexts: the tasks, anywhere within the declared ranges.

        Raises:
            UserError: an unknown feature, or a value beyond its declared range.
        """
        return self._other(only_tasks(self.recipe, self.space, contexts))

    def in_sequence(self, sequence: TaskSequence) -> Self:
        """Take tasks that arrive one after another: the same family with them to train on, and no others.

        Args:
            sequence: the tasks in their order, anywhere within the declared ranges; or how many of the
                training tasks, which are spread evenly over the order in which the family lists them.

        Raises:
            UserError: fewer than two tasks, a task that comes twice, or a wrong context.
        """
        return self._other(in_sequence(self.recipe, self.space, sequence, self.tasks))

    def train_on(self, contexts: Sequence[Mapping[str, float]]) -> Self:
        """Take other training tasks: the same family, whose other splits lose them.

        Raises:
            UserError: an unknown feature, a value that is not finite, or one outside its training range.
        """
        tasks = [self.space.complete(context) for context in contexts]
        return self._other(train_on(self.recipe, tasks, self.tasks))

    def for_agent(self, agent: AgentRecipe) -> Self:
        """The same family with environments as an agent's recipe has them, in place of another agent's."""
        options = agent.environment_options
        return self if options == self.options else self._other(self.recipe, options)

    def hold_out_rim(self, factor: float = 0.8, count: int = 16, seed: int = 4) -> Self:
        """Hold the rim of the training ranges out: the same family with narrower ones, and a split "rim".

        Args:
            factor: of the width of each linear feature's training range, which shrinks about its center.
            count: tasks of the rim, each with a feature between its narrower range and its old one.
            seed: of their sample.

        Raises:
            UserError: a number out of range, no feature that has a range to shrink, or a rim already.
        """
        recipe = hold_out_rim(self.recipe, self.space, self.tasks, factor=factor, count=count, seed=seed)
        return self._other(recipe)

    def with_schedules(self, schedules: Mapping[str, Any]) -> Self:
        """The same family with other schedules of some features, such as {"sign": "jump:50"}.

        Args:
            schedules: by feature, as a family's file has them; None, or "none": it stays.

        Raises:
            UserError: an unknown feature, or a schedule that its file would not be allowed.
        """
        recipe = self.recipe.with_schedules(schedules)
        return self if recipe == self.recipe else self._other(recipe)
