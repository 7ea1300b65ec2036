"""A hyperparameter of the algorithm carries a feature: nothing of it reaches the simulator.

Training reads the values from the descriptors that an agent observes (`hyperrl.policies.hyperparameters`).
"""

from typing import ClassVar

from hyperrl.tasks.carriers.base import Carrier
from hyperrl.tasks.dynamics import Dynamics


class HyperparameterCarrier(Carrier):
    """Leaves the simulator as it is."""

    simulated: ClassVar[bool] = False

    def batched(self, dynamics: Dynamics) -> Dynamics | None:
        """The dynamics themselves."""
        return dynamics
