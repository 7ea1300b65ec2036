"""Which task is this? Contexts from recorded transitions. It imports no torch."""

from hyperrl.identify.estimate import Estimate
from hyperrl.identify.files import read_log
from hyperrl.identify.inference import Settings
from hyperrl.identify.request import IdentifyRequest, identify_request
from hyperrl.identify.transitions import Transitions

__all__ = [
    "Estimate",
    "IdentifyRequest",
    "Settings",
    "Transitions",
    "identify_request",
    "read_log",
]
