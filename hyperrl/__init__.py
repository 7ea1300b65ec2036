"""HyperRL: context-conditioned hypernetworks that generate the weights of actors and critics.

Importing it registers every family of the suite with Gymnasium (`hyperrl/ode-v0`, ...) and loads no torch.
"""

# First of all: in the command's own process it handles signals from here on.
from hyperrl.startup import IS_COMMAND  # noqa: F401, I001

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hyperrl.errors import DivergenceError, UserError
from hyperrl.registration import register

if TYPE_CHECKING:
    from hyperrl.api import (
        bench,
        compare,
        distill,
        evaluate,
        export,
        front,
        load,
        report,
        resume,
        specialize,
        train,
        tune,
        watch,
    )
    from hyperrl.deploy import load_specialist
    from hyperrl.tasks import Family, contextualize

_LAZY = {
    **dict.fromkeys(
        (
            "train",
            "resume",
            "evaluate",
            "compare",
            "report",
            "load",
            "watch",
            "specialize",
            "export",
            "front",
            "bench",
            "tune",
            "distill",
        ),
        "hyperrl.api",
    ),
    "load_specialist": "hyperrl.deploy",
    **dict.fromkeys(("contextualize", "Family"), "hyperrl.tasks"),
}
"""The module of each name that is imported when it is first used."""

__all__ = [
    "DivergenceError",
    "Family",
    "UserError",
    "__version__",
    "bench",
    "compare",
    "contextualize",
    "distill",
    "evaluate",
    "export",
    "front",
    "load",
    "load_specialist",
    "report",
    "resume",
    "specialize",
    "train",
    "tune",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("hyperrl")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'hyperrl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, "__version__"})


register()
