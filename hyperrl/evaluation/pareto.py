"""Sets of points of several objectives, all of which are to be large: what is best, how good it is, its knee.

Non-dominated sets and hypervolumes are those of moocore (Lopez-Ibanez and others), an extra.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def nondominated(points: Floats) -> NDArray[np.bool_]:
    """Which points no other one dominates, (N,): none is as good in all objectives and better in one.

    Of equal points the first counts.

    Args:
        points: (N, objectives), each to be large.
    """
    import moocore

    best: NDArray[Any] = moocore.is_nondominated(points, maximise=True)
    return best.astype(np.bool_)


def hypervolume(points: Floats, reference: Floats) -> float:
    """The volume that points dominate above a reference, exactly.

    Zitzler and Thiele, "Multiobjective Evolutionary Algorithms: A Comparative Case Study and the Strength
    Pareto Approach", IEEE Transactions on Evolutionary Computation 1999. A point that is not above the
    reference in all objectives adds nothing.

    Args:
        points: (N, objectives), each to be large.
        reference: (objectives,).
    """
    import moocore

    return float(moocore.hypervolume(points, ref=reference, maximise=True))


def reference_below(points: Floats) -> Floats:
    """A reference (objectives,) below all points, by a tenth of each objective's range: ends count a little.

    Ishibuchi et al., "How to Specify a Reference Point in Hypervolume Calculation for Fair Performance
    Comparison", Evolutionary Computation 2018.

    Args:
        points: (N, objectives).
    """
    low: Floats = points.min(axis=0) - 0.1 * (points.max(axis=0) - points.min(axis=0))
    return low


def knee(points: Floats) -> int:
    """The number of the point that lies furthest above the plane through the best points of each objective.

    Das, "On Characterizing the 'Knee' of the Pareto Curve Based on Normal-Boundary Intersection", Structural
    Optimization 1999: where a little less of one objective begins to cost much of another. Objectives are
    first scaled to [0, 1] over the points, so that the plane is that of equal sums.

    Args:
        points: (N, objectives), non-dominated, each to be large.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    return int(scaled.sum(axis=1).argmax())
