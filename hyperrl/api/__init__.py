"""The commands as Python functions: train, distill, evaluate, identify, adapt, compare, report and others."""

from hyperrl.api.adaptation import adapt
from hyperrl.api.agents import export, load, specialize, watch
from hyperrl.api.context_tuning import tune_as_context
from hyperrl.api.distillation import distill
from hyperrl.api.evaluation import evaluate
from hyperrl.api.experiments import compare, report
from hyperrl.api.fronts import front
from hyperrl.api.identification import fit_forward_model, identify
from hyperrl.api.suites import bench
from hyperrl.api.training import default_run_dir, resume, train
from hyperrl.api.tuning import tune

__all__ = [
    "adapt",
    "bench",
    "compare",
    "default_run_dir",
    "distill",
    "evaluate",
    "export",
    "fit_forward_model",
    "front",
    "identify",
    "load",
    "report",
    "resume",
    "specialize",
    "train",
    "tune",
    "tune_as_context",
    "watch",
]
