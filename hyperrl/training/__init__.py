"""Training: the SB3 algorithm of a recipe, its callbacks, and batched environments as SB3's VecEnv."""

from hyperrl.evaluation.progress import Progress
from hyperrl.training.build import build_model
from hyperrl.training.distillation import distill
from hyperrl.training.loading import load_model
from hyperrl.training.run import resume, train
from hyperrl.training.vec_env import BatchedVecEnv

__all__ = ["BatchedVecEnv", "Progress", "build_model", "distill", "load_model", "resume", "train"]
