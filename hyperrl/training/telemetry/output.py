"""Where telemetry goes: the outputs of a Stable-Baselines3 logger, and the TensorBoard writer among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stable_baselines3.common.logger import Logger
from torch.utils.tensorboard.writer import SummaryWriter

from hyperrl.training.rollout_callback import RolloutCallback


class Publisher(RolloutCallback):
    """Writes what other callbacks hand it, all values of one moment together, at the steps of that moment.

    Where Stable-Baselines3 writes its own log right after, the values join that row; else, before training,
    after it and between the rows of `log_interval`, they are written at once, and what the logger has
    gathered is left for its next row. It comes after all that use it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[str, float] = {}
        self._rollouts = 0

    def put(self, values: Mapping[str, float]) -> None:
        """Hand over values by tag."""
        self._waiting.update(values)

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
        values, self._waiting = self._waiting, {}
        return values

    def _write(self) -> None:
        values = self._take()
        if values:
            nowhere_left_out: dict[str, tuple[str, ...]] = dict.fromkeys(values, ())
            for output in self.logger.output_formats:
                output.write(values, nowhere_left_out, self.model.num_timesteps)


def writer_of(logger: Logger) -> SummaryWriter | None:
    """The TensorBoard writer that one of the logger's outputs holds, None where none does."""
    held = (getattr(output, "writer", None) for output in logger.output_formats)
    return next((writer for writer in held if isinstance(writer, SummaryWriter)), None)


def mean(values: Iterable[float]) -> float:
    """Arithmetic mean of at least one value."""
    listed = list(values)
    return sum(listed) / len(listed)
