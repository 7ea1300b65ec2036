"""Many environments of a family at once: as arrays, one after the other, or in processes of their own."""

from hyperrl.tasks.vector.batched import BatchedEnv
from hyperrl.tasks.vector.processes import ProcessEnv
from hyperrl.tasks.vector.sync import ContextualSyncEnv

FamilyVectorEnv = BatchedEnv | ContextualSyncEnv
"""What `Family.make_vec` makes; a `ProcessEnv` is a `ContextualSyncEnv`."""

__all__ = ["BatchedEnv", "ContextualSyncEnv", "FamilyVectorEnv", "ProcessEnv"]
