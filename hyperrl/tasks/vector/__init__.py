"""Many environments of a family at once: as arrays, in threads, one after the other, or in processes."""

from hyperrl.tasks.vector.batched import BatchedEnv
from hyperrl.tasks.vector.processes import ProcessEnv
from hyperrl.tasks.vector.sync import ContextualSyncEnv
from hyperrl.tasks.vector.threaded import ThreadedEnv, make_side_by_side

FamilyVectorEnv = BatchedEnv | ContextualSyncEnv
"""What `Family.make_vec` makes; a `ThreadedEnv` and a `ProcessEnv` are a `ContextualSyncEnv`."""

__all__ = [
    "BatchedEnv",
    "ContextualSyncEnv",
    "FamilyVectorEnv",
    "ProcessEnv",
    "ThreadedEnv",
    "make_side_by_side",
]
