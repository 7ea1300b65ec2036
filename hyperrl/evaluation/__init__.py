"""Zero-shot evaluation over batches of tasks, the statistics of its results, and figures of them."""

from hyperrl.evaluation import plan
from hyperrl.evaluation.policy import ModelPolicy, Policy
from hyperrl.evaluation.report import Evaluation, RunResult
from hyperrl.evaluation.statistics import iqm, stratified_bootstrap
from hyperrl.evaluation.summary import SplitSummary, summarize
from hyperrl.evaluation.zero_shot import TaskResult, evaluate_tasks

__all__ = [
    "Evaluation",
    "ModelPolicy",
    "Policy",
    "RunResult",
    "SplitSummary",
    "TaskResult",
    "evaluate_tasks",
    "iqm",
    "plan",
    "stratified_bootstrap",
    "summarize",
]
