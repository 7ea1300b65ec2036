"""The layers that each hypernetwork of a policy generates."""

from collections.abc import Sequence

from hyperrl.config import HypernetworkConfig as HypernetworkConfig


def tails(generate: Sequence[str], part: str) -> list[str]:
    """How the names of generated layers go on after a part of the policy; ``""`` names all of it.

    Raises:
        ValueError: No layer of that part is generated.
    """
    found = [name[len(part) :] for name in generate if name == part or name.startswith(f"{part}.")]
    if not found:
        raise ValueError(
            f"generate: found {list(generate)}; allowed: a layer of {part!r} too, which has a hypernetwork "
            "of its own"
        )
    return found
