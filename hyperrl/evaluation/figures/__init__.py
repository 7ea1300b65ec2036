"""Figures of results: matplotlib `Figure` objects on the Agg canvas, no pyplot, no global state."""

from hyperrl.evaluation.figures.adaptation import return_by_episode
from hyperrl.evaluation.figures.context import return_over_context
from hyperrl.evaluation.figures.context_error import return_over_error, return_over_noise
from hyperrl.evaluation.figures.heatmap import draw_returns, heatmap, plane
from hyperrl.evaluation.figures.learning import learning_curves
from hyperrl.evaluation.figures.over_time import reward_over_time
from hyperrl.evaluation.figures.uncertainty import draw_uncertainty
from hyperrl.evaluation.figures.worst_tasks import draw_worst_tasks

__all__ = [
    "draw_returns",
    "draw_uncertainty",
    "draw_worst_tasks",
    "heatmap",
    "learning_curves",
    "plane",
    "return_by_episode",
    "return_over_context",
    "return_over_error",
    "return_over_noise",
    "reward_over_time",
]
