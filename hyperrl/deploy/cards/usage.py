"""The lines of Python that run a file, for exactly its format; all but a run's need nothing of HyperRL's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hyperrl.deploy.cards.spaces import Tensor, example

if TYPE_CHECKING:
    from hyperrl.recipes.environment import EnvironmentOptions


def torch_lines(file: str, parts: Sequence[Tensor]) -> str:
    """Of a safetensors file."""
    return (
        "import numpy as np\n"
        "import hyperrl\n\n"
        f"act = hyperrl.load_specialist({file!r})  # acts in NumPy; needs no torch\n"
        f"action = act({example([*parts])})  # or n observations, with n as first axis\n"
    )


def onnx_lines(file: str, parts: Sequence[Tensor], context: Mapping[str, float] | None = None) -> str:
    """Of an ONNX file; one with a context takes the task's values as an input too."""
    entries = [f"    {part.name!r}: {part.example(batch=True)},\n" for part in parts]
    if context is not None:
        values = ", ".join(f"{value:g}" for value in context.values())
        entries.append(f"    'context': np.array([[{values}]], np.float32),  # {', '.join(context)}\n")
    return (
        "import numpy as np\n"
        "import onnxruntime\n\n"
        f"session = onnxruntime.InferenceSession({file!r})\n"
        "inputs = {  # a batch of one; any size is allowed\n"
        f"{''.join(entries)}"
        "}\n"
        "(actions,) = session.run(['action'], inputs)\n"
    )


def sb3_lines(file: str, parts: Sequence[Tensor], algorithm: type, statistics: str | None) -> str:
    """Of a zip of Stable-Baselines3's, or of sb3-contrib's; `statistics` is the pickle beside it."""
    package = algorithm.__module__.partition(".")[0]
    observation = example([*parts])
    lines = [
        *["import pickle\n"] * (statistics is not None),
        "import numpy as np",
        f"from {package} import {algorithm.__name__}\n",
        f"model = {algorithm.__name__}.load({file!r})  # opening it unpickles it: trust where it comes from",
    ]
    if statistics is not None:
        lines += [
            f"with open({statistics!r}, 'rb') as saved:",
            "    normalize = pickle.load(saved).normalize_obs",
            f"action, _ = model.predict(normalize({observation}), deterministic=True)",
        ]
    else:
        lines.append(f"action, _ = model.predict({observation}, deterministic=True)")
    return "\n".join(lines) + "\n"


def run_lines(
    parts: Sequence[Tensor], context: Mapping[str, float], *, memory: bool, own_family: bool
) -> str:
    """Of a whole run."""
    task = ", ".join(f"{name!r}: {value:g}" for name, value in context.items())
    more = ", family=family" if own_family else ""
    return (
        "import numpy as np\n"
        "import hyperrl\n\n"
        f"agent = hyperrl.load('.'{more})  # the folder of this card\n"
        f"{'agent.reset()  # at the start of each episode' + chr(10) if memory else ''}"
        f"action = agent.act({example([*parts])}, {{{task}}})\n"
    )


def wrapping_lines(options: EnvironmentOptions, inputs: int, statistics: str | None) -> Iterator[str]:
    """The lines that wrap an environment for a model of Stable-Baselines3, the innermost first.

    Args:
        options: the wrappers and the frame stack that the agent learned with.
        inputs: how many parts an observation has.
        statistics: the file of a `VecNormalize`, if there is one.
    """
    if options.wrappers:
        yield "# below: " + ", ".join(map(str, options.wrappers))
    if options.frame_stack > 1 and inputs == 1:
        yield f"env = VecFrameStack(env, {options.frame_stack})"
    if statistics is not None:
        yield f"env = VecNormalize.load({statistics!r}, env)"
        yield "env.training = env.norm_reward = False  # to act; leave both to learn on"
