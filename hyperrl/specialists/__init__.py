"""Specialists: what acts on one task, as a plain network in a file of its own. Importing it imports no torch."""

from hyperrl.specialists.files import load_specialist
from hyperrl.specialists.plan import Plan, Specialist

__all__ = ["Plan", "Specialist", "load_specialist"]
