"""The oracle of the families for which it is known: the greatest return of an episode."""

from collections.abc import Mapping, Sequence

import numpy as np

from hyperrl.recipes import Context, FamilyRecipe
from hyperrl.tasks.carriers import Carriers
from hyperrl.tasks.dynamics.deep_sea import MOVE_COST
from hyperrl.tasks.dynamics.ode import STEP_SECONDS, reward_of
from hyperrl.tasks.registration import batchable


def best_return(
    recipe: FamilyRecipe, carriers: Carriers, courses: Sequence[Sequence[Context]]
) -> float | None:
    """Greatest undiscounted return of evaluation episodes, their mean; None where it is not known.

    Args:
        recipe: the family's.
        carriers: the family's.
        courses: of each episode, the context in which each step is taken.
    """
    if recipe.oracle == "deep-sea":
        return 1 - MOVE_COST if all(len(set(course)) == 1 for course in courses) else None
    start, dynamics = recipe.evaluation.options.get("x"), batchable(recipe)
    if start is None or dynamics is None:
        return None
    defaults = dynamics.parameters
    attributes = {
        context: {**defaults, **carriers.parameters(context, defaults.__getitem__)}
        for context in {context for course in courses for context in course}
    }
    returns = [ode_return([attributes[context] for context in course], start=start) for course in courses]
    return sum(returns) / len(returns)


def fastest_rise(c0: float, c1: float, force: float) -> float:
    """Greatest value of x' = Re(c0 z + c1 z^2), z = force (a0 + i a1), over |a0|, |a1| <= 1.

    In reals x' = force c0 a0 + force^2 c1 (a0^2 - a1^2). For c1 >= 0 the best is a1 = 0 and |a0| = 1; for
    c1 < 0 it is |a1| = 1 and the top of a downward parabola in a0, at c0 / (2 force |c1|), or the nearer
    end.
    """
    linear, square = force * abs(c0), force * force * abs(c1)
    if c1 >= 0:
        return linear + square
    best = 1.0 if linear >= 2 * square else linear / (2 * square)
    return linear * best + square * (1 - best * best)


def ode_return(attributes: Sequence[Mapping[str, float]], *, start: float) -> float:
    """Greatest undiscounted return of an `ode` episode.

    The speeds that actions can give at a step do not depend on x and form an interval around 0 (the action
    set is connected and holds 0). So no policy can have |x| after a step below max(0, d - v), where d is the
    least |x| before it and v is the fastest step toward 0, and moving at v with an exact landing reaches that
    bound at every step at once. The reward never rises with |x|: this is optimal, with coefficients that
    change from step to step too.

    The bound is followed step by step in the environment's own arithmetic, which decides on which side of a
    reward's threshold a distance of, say, 0.05 falls.

    Args:
        attributes: `force`, `c0` and perhaps `c1` of the environment at each step.
        start: x at the start.
    """
    toward = -1.0 if start > 0 else 1.0
    distances = np.empty(len(attributes))
    distance = abs(start)
    for step, present in enumerate(attributes):
        c0, c1, force = present["c0"], present.get("c1", 0.0), present["force"]
        distance = max(0.0, distance - STEP_SECONDS * fastest_rise(toward * c0, toward * c1, force))
        distances[step] = distance
    return float(reward_of(distances).sum())
