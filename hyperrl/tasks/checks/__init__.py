"""What `hyperrl check` proves of a family by playing it."""

from hyperrl.tasks.checks.endless import refuse_endless
from hyperrl.tasks.checks.family import CheckRow, check_family

__all__ = ["CheckRow", "check_family", "refuse_endless"]
