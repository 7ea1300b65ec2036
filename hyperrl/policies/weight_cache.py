"""Generated weights that are kept while a policy acts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from hyperrl.nets import Weights
from hyperrl.nets.fused import Chain, SideBySide

MATERIALIZE_AFTER = 8
"""Uses of the same parameters after which materializing weights has paid for itself."""

MATERIALIZED_ENTRIES = 2**17
"""Weights are materialized where all rows' matrices have at most this many entries."""

CACHED_ENTRIES = 2**21
"""All tasks' materialized weights are forgotten when they have more entries."""

Networks = dict[str, Weights]
"""The weights of each network by its name."""

Generate = Callable[[Tensor, bool], Networks]

Sources = Callable[[], Iterable[Tensor]]
"""Gives the parameters and buffers from which weights are generated."""


class OptimizerSteps:
    """Counts the steps of every optimizer of the process.

    A hook on one optimizer would be lost where a policy is copied or unpickled, and would not know of an
    optimizer that somebody else makes for the same parameters.
    """

    taken: ClassVar[int] = 0

    @classmethod
    def count(cls, *_: Any) -> None:
        """Counts one step."""
        cls.taken += 1


register_optimizer_step_post_hook(OptimizerSteps.count)


class WeightCache:
    """The weights of the tasks that a policy acts on, for as long as its parameters stay.

    While the rows' tasks stay too, their weights are handed out again. After some uses of the same
    parameters weights are materialized, once for each task that comes, however often it comes.

    Args:
        entries: Number of weights of one task.
        chains: The networks' layers, where materialized ones can act side by side; else empty.
    """

    def __init__(self, entries: int, chains: Mapping[str, Chain]) -> None:
        self._entries, self._chains = entries, chains
        self.drop()

    def drop(self) -> None:
        """Forgets all weights, so that the next use generates them anew."""
        self._copies: list[tuple[Tensor, Tensor]] | None = None
        self._checks = 0
        self._forget()

    def check(self) -> None:
        """Forgets all weights unless what they were generated from is still the same, bit for bit.

        The first two checks forget them in any case: copies to compare with are made after the second one, so
        that a step of an optimizer between two checks, as off policy, costs no copies. Weights that are kept
        are not materialized by uses of before, so that outputs equal those of weights generated anew.
        """
        if self._copies is not None and all(torch.equal(now, before) for now, before in self._copies):
            self._uses = 0
            return
        self._copies = None
        self._checks += 1
        self._forget()

    def _forget(self) -> None:
        self._steps = OptimizerSteps.taken
        self._uses = 0
        self._descriptors: Tensor | None = None
        self._weights: Networks | SideBySide = {}
        self._of_task: dict[bytes, Networks | SideBySide] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing is kept."""
        return self._descriptors is None

    def of(self, descriptors: Tensor, generate: Generate, sources: Sources) -> Networks | SideBySide:
        """The weights of each row.

        Args:
            descriptors: (row, descriptor), as a rule the same as at the last use.
            generate: Makes the weights of given rows; where told that they are distinct, row i is task i.
            sources: Gives what weights are generated from.
        """
        if self._steps != OptimizerSteps.taken:
            self.drop()
        if self._checks > 1 and self._copies is None:
            self._copies = [(source, source.detach().clone()) for source in sources()]
        self._uses += 1
        same = self._descriptors is not None and torch.equal(self._descriptors, descriptors)
        if not same or self._uses == MATERIALIZE_AFTER:
            self._descriptors = descriptors.clone()
            self._weights = self._materialize(descriptors, generate) or generate(descriptors, False)
        return self._weights

    def _materialize(self, descriptors: Tensor, generate: Generate) -> Networks | SideBySide | None:
        """The rows' materialized weights; None before these pay for themselves, or if they are too large."""
        if self._uses < MATERIALIZE_AFTER:
            return None
        keys = _row_bytes(descriptors)
        rows = dict(zip(keys, descriptors, strict=True))
        if len(rows) == 1:
            keys = keys[:1]
        if len(keys) * self._entries > MATERIALIZED_ENTRIES:
            return None
        if len(self._of_task) * self._entries > CACHED_ENTRIES:
            self._of_task.clear()
        missing = [key for key in rows if key not in self._of_task]
        if missing:
            new = generate(torch.stack([rows[key] for key in missing]), True)
            materialized = {name: weights.materialize() for name, weights in new.items()}
            together = SideBySide.of(self._chains, materialized) if self._chains else None
            for task, key in enumerate(missing):
                own = {name: weights.of_task(task) for name, weights in materialized.items()}
                self._of_task[key] = own if together is None else together.of_task(task)
        return _joined([self._of_task[key] for key in keys])


def _joined(tasks: Sequence[Any]) -> Networks | SideBySide:
    """The weights of several tasks, all of which are of one kind."""
    first, *others = tasks
    if isinstance(first, SideBySide):
        return first.join(others)
    return {name: Weights.join([each[name] for each in tasks]) for name in first}


def _row_bytes(rows: Tensor) -> list[bytes]:
    """A key for each row, the same for rows that are equal bit for bit."""
    size = rows.shape[1] * rows.element_size()
    if size == 0:
        return [b""] * len(rows)
    together = rows.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return [together[start : start + size] for start in range(0, len(together), size)]
