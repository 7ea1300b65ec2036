"""The commands as Python functions: train, resume, evaluate, compare, watch, load, specialize, export."""

from hyperrl.api.agents import export, load, specialize, watch
from hyperrl.api.evaluation import evaluate
from hyperrl.api.experiments import compare
from hyperrl.api.training import default_run_dir, resume, train

__all__ = [
    "compare",
    "default_run_dir",
    "evaluate",
    "export",
    "load",
    "resume",
    "specialize",
    "train",
    "watch",
]
