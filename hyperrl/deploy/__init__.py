"""Specialists, plain networks that act on one task, and generalists, as files. It imports no torch."""

from hyperrl.deploy.files import load_specialist
from hyperrl.deploy.plan import Plan, Specialist

__all__ = ["Plan", "Specialist", "load_specialist"]
