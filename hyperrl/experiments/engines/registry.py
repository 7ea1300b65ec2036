"""The engines by name, and how one is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from hyperrl.errors import UserError, check_known, user_syntax
from hyperrl.experiments.engines.base import Engine, Settings
from hyperrl.experiments.engines.processes import ProcessEngine
from hyperrl.experiments.engines.ray_cluster import RayEngine
from hyperrl.experiments.jobs import Job

ENGINES: Mapping[str, Callable[[Sequence[Job], Settings], AbstractContextManager[Engine]]] = {
    "processes": ProcessEngine.opened,
    "ray": RayEngine.opened,
}
"""What opens an engine, by its name; packages that one needs are imported when it is opened."""


@contextmanager
def open_engine(name: str, jobs: Sequence[Job], settings: Settings) -> Iterator[Engine]:
    """An engine, for as long as the block runs.

    Args:
        name: one of `ENGINES`.
        jobs: the runs that it is to make.
        settings: what it is opened with.

    Raises:
        UserError: an unknown name, an extra that is missing, a setting that does not fit, or a run that takes
            more cores than there are.
    """
    check_known(user_syntax("engine", "--engine"), "engine", [name], ENGINES)
    if settings.ray_address is not None and name != "ray":
        option, needed = (
            user_syntax("ray_address", "--ray-address"),
            user_syntax("engine='ray'", "--engine ray"),
        )
        raise UserError(f"{option}: found {settings.ray_address!r}; allowed: with {needed} alone")
    with ENGINES[name](jobs, settings) as engine:
        yield engine
