"""A module that stands for Ray: tasks run in this process, one after the other, while they are waited for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


class RayError(Exception):
    """As Ray raises it."""


class RayTaskError(RayError):
    """What a task raised."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"Traceback\n  in a task\n{type(cause).__name__}: {cause}")
        self.cause = cause


class WorkerCrashedError(RayError):
    """A worker was lost too often."""


class TaskCancelledError(RayError):
    """A task was cancelled."""


class Reference:
    """What will come of a call."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call, self.is_done, self.value, self.error = call, False, None, None

    def finish(self) -> None:
        if self.is_done:
            return
        self.is_done = True
        try:
            self.value = self.call()
        except RayError as error:
            self.error = error
        except Exception as error:
            self.error = RayTaskError(error)

    error: RayError | None
    value: Any


class Handle:
    """An actor, whose methods are called at once."""

    def __init__(self, instance: Any) -> None:
        self._instance = instance

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._instance, name)
        return SimpleNamespace(remote=lambda *arguments: Reference(lambda: method(*arguments)))


class Remote:
    """A class or a function that was handed to Ray."""

    def __init__(self, ray: FakeRay, target: Any) -> None:
        self.ray, self.target = ray, target

    def options(self, **options: Any) -> Remote:
        self.ray.options.append(options)
        return self

    def remote(self, *arguments: Any) -> Any:
        if isinstance(self.target, type):
            return Handle(self.target(*arguments))
        return Reference(lambda: self.target(*arguments))


@dataclass
class FakeRay:
    """What of Ray 2.60 is called."""

    cores: tuple[float, ...] = (2.0, 1.0)
    is_connected: bool = False
    refuses: Exception | None = None
    begun: list[Any] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    cancelled: list[Reference] = field(default_factory=list)
    shutdowns: int = 0

    def init(self, address: str, **settings: Any) -> None:
        self.begun.append((address, settings))
        if self.refuses is not None:
            raise self.refuses

    def shutdown(self) -> None:
        self.shutdowns += 1

    def remote(self, target: Any) -> Remote:
        return Remote(self, target)

    def get(self, reference: Reference) -> Any:
        reference.finish()
        if reference.error is not None:
            raise reference.error
        return reference.value

    def wait(self, references: Sequence[Reference], timeout: float) -> tuple[list[Reference], None]:
        self.waits.append(len(references))
        references[0].finish()
        return [references[0]], None

    def cancel(self, reference: Reference) -> None:
        self.cancelled.append(reference)
        reference.is_done, reference.error = True, TaskCancelledError()

    def nodes(self) -> list[dict[str, Any]]:
        here = [{"Alive": True, "Resources": {"CPU": cores}} for cores in self.cores]
        return [*here, {"Alive": True, "Resources": {}}, {"Alive": False, "Resources": {"CPU": 99.0}}]

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Have `import ray` give this."""
        affinity = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: (node, soft))
        errors = SimpleNamespace(
            RayError=RayError, RayTaskError=RayTaskError, TaskCancelledError=TaskCancelledError
        )
        context = SimpleNamespace(get_node_id=lambda: "this machine")
        content: dict[str, Any] = {
            "ray": {
                **{name: getattr(self, name) for name in dir(self) if not name.startswith("_")},
                "is_initialized": lambda: self.is_connected,
                "get_runtime_context": lambda: context,
                "exceptions": errors,
            },
            "ray.util": {},
            "ray.util.scheduling_strategies": vars(affinity),
        }
        for name, members in content.items():
            module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None, origin="a fake")
            vars(module).update(members)
            patch.setitem(sys.modules, name, module)
