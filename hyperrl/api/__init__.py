"""The commands as Python functions: train, resume, evaluate, watch, load, specialize, export."""

from hyperrl.api.agents import export, load, specialize, watch
from hyperrl.api.evaluation import evaluate
from hyperrl.api.training import default_run_dir, resume, train

__all__ = [
    "default_run_dir",
    "evaluate",
    "export",
    "load",
    "resume",
    "specialize",
    "train",
    "watch",
]
