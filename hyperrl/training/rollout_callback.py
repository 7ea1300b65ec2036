"""The base class of the callbacks that act between rollouts."""

from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.policies.registry import view


class RolloutCallback(BaseCallback):
    """A callback that acts between rollouts: at single steps it does nothing and lets training go on."""

    def _init_callback(self) -> None:
        self._view = view(self.model)
        self._counted_steps = self.model.num_timesteps

    def _on_step(self) -> bool:
        return True

    def _crossed(self, *intervals: int) -> bool:
        """Whether training has passed a multiple of one of the intervals since the last call.

        Args:
            intervals: numbers of environment steps.
        """
        before, self._counted_steps = self._counted_steps, self.model.num_timesteps
        return any(self._counted_steps // every > before // every for every in intervals)
