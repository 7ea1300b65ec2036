"""The run directory: reading, writing, checkpoints. Importing it imports no torch."""

from hyperrl.store.files import atomic_write, new_file, replacing, report_write_errors, try_writing
from hyperrl.store.listing import fault, runs_below
from hyperrl.store.locate import refuse_existing, resume_call
from hyperrl.store.run import Run
from hyperrl.store.safety import refuse_links
from hyperrl.store.spec import RunSpec, read_spec
from hyperrl.store.status import Resumed
from hyperrl.store.tree import pack, unpack
from hyperrl.store.trust import needed_imports

__all__ = [
    "Resumed",
    "Run",
    "RunSpec",
    "atomic_write",
    "fault",
    "needed_imports",
    "new_file",
    "pack",
    "read_spec",
    "refuse_existing",
    "refuse_links",
    "replacing",
    "report_write_errors",
    "resume_call",
    "runs_below",
    "try_writing",
    "unpack",
]
