"""Zero-shot evaluation over batches of tasks, the statistics of its results, and figures of them."""

from hyperrl.evaluation import plan
from hyperrl.evaluation.policy import ModelPolicy, Policy
from hyperrl.evaluation.report import Evaluation, RunResult
from hyperrl.evaluation.sequence import SequenceReturns, read_sequence
from hyperrl.evaluation.statistics import iqm, stratified_bootstrap
from hyperrl.evaluation.summary import SplitSummary, summarize
from hyperrl.evaluation.zero_shot import TaskResult, evaluate_tasks

__all__ = [
    "Evaluation",
    "ModelPolicy",
    "Policy",
    "RunResult",
    "SequenceReturns",
    "SplitSummary",
    "TaskResult",
    "evaluate_tasks",
    "iqm",
    "plan",
    "read_sequence",
    "stratified_bootstrap",
    "summarize",
]
