"""Many environments of a family at once: as arrays, in threads, one after the other, or in processes."""

from hyperrl.tasks.vector.batched import BatchedEnv
from hyperrl.tasks.vector.processes import ProcessEnv
from hyperrl.tasks.vector.stacked import StackedBatchedEnv, make_batched
from hyperrl.tasks.vector.sync import ContextualSyncEnv
from hyperrl.tasks.vector.threaded import ThreadedEnv, make_side_by_side

FamilyVectorEnv = BatchedEnv | ContextualSyncEnv
"""What `Family.make_vec` makes; a `ThreadedEnv` and a `ProcessEnv` are a `ContextualSyncEnv`, a
`StackedBatchedEnv` is a `BatchedEnv`."""

__all__ = [
    "BatchedEnv",
    "ContextualSyncEnv",
    "FamilyVectorEnv",
    "ProcessEnv",
    "StackedBatchedEnv",
    "ThreadedEnv",
    "make_batched",
    "make_side_by_side",
]
