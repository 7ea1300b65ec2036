"""Specialists: what acts on one task, as plain networks in files. Importing it needs no torch."""

from hyperrl.deploy.files import load_specialist
from hyperrl.deploy.plan import Plan, Specialist

__all__ = ["Plan", "Specialist", "load_specialist"]
