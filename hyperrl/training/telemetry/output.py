"""Writes telemetry to the outputs of a Stable-Baselines3 logger, and finds the TensorBoard writer of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stable_baselines3.common.logger import Logger
from torch.utils.tensorboard.writer import SummaryWriter

from hyperrl.training.rollout_callback import RolloutCallback


class Publisher(RolloutCallback):
    """Writes the values of other callbacks, all those of one moment together, at the steps of that moment.

    Where Stable-Baselines3 writes its own log right after, the values join that row. Otherwise (before
    training, after it, and between the rows of `log_interval`) they are written at once, and the logger's own
    values stay for its next row. It comes after all callbacks that use it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, float] = {}
        self._rollouts = 0

    def put(self, values: Mapping[str, float]) -> None:
        """Add values by tag."""
        self._values.update(values)

    def _on_training_start(self) -> None:
        self._rollouts = 0
        self._write()

    def _on_rollout_end(self) -> None:
        self._rollouts += 1
        interval = self.locals.get("log_interval")
        if interval is None or self._rollouts % interval:
            self._write()
            return
        for tag, value in self._take().items():
            self.logger.record(tag, value)

    def _on_training_end(self) -> None:
        self._write()

    def _take(self) -> dict[str, float]:
        values, self._values = self._values, {}
        return values

    def _write(self) -> None:
        values = self._take()
        if values:
            in_all_outputs: dict[str, tuple[str, ...]] = dict.fromkeys(values, ())
            for output in self.logger.output_formats:
                output.write(values, in_all_outputs, self.model.num_timesteps)


def writer_of(logger: Logger) -> SummaryWriter | None:
    """The TensorBoard writer among the logger's outputs, None where there is none."""
    writers = (getattr(output, "writer", None) for output in logger.output_formats)
    return next((writer for writer in writers if isinstance(writer, SummaryWriter)), None)


def mean(values: Iterable[float]) -> float:
    """Arithmetic mean of at least one value."""
    numbers = list(values)
    return sum(numbers) / len(numbers)
