"""Reads the values of options: whole numbers, `k=v,k=v` (or `@FILE`) and `k=lo:hi:n`."""

import math
from collections.abc import Callable, Sequence

from hyperrl import arguments
from hyperrl.arguments import Constraint
from hyperrl.errors import UserError


def whole(option: str, allowed: Constraint) -> Callable[[str], int]:
    """Return a parser of whole numbers (`1e5` is one); its UserError names the option and what is allowed."""

    def parse(text: str) -> int:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        return arguments.to_int(option, number if allowed.holds(number) else text, allowed)

    return parse


STEPS = whole("--steps", arguments.STEPS)
SEED = whole("--seed", arguments.SEED)
EPISODES = whole("--episodes", arguments.EPISODES)
KEEP = whole("--keep", arguments.KEEP)
POINTS = whole("--points", arguments.POINTS)
PARTICLES = whole("--particles", arguments.PARTICLES)
TRANSITIONS = whole("--transitions", arguments.TRANSITIONS)
JOBS = whole("--jobs", arguments.JOBS)
TRIALS = whole("--trials", arguments.TRIALS)
SEEDS = whole("--seeds", arguments.SEEDS)
UPDATES = whole("--updates", arguments.UPDATES)
WORST_BUDGET = whole("--worst-budget", arguments.WORST_BUDGET)


def context(text: str, option: str = "--context") -> dict[str, float]:
    """Parse the value of one `--context`.

    Args:
        text: `k=v,k=v`, at least one pair; every value is a finite number. Or `@FILE`, a file of
            `hyperrl identify --out`.
        option: the name of the option, for error messages.

    Raises:
        UserError: a pair without a name or a value, a value that is not a finite number, or a feature that
            occurs twice; a file that cannot be read or holds no context.
    """
    if text.startswith("@"):
        from hyperrl.recipes import read_context

        return read_context(text[1:], f"{option} {text!r}")
    values: dict[str, float] = {}
    for pair in text.split(","):
        name, _, value = (part.strip() for part in pair.partition("="))
        if not (name and value):
            raise UserError(
                f"{option} {text!r}: {pair.strip()!r} is not of the form FEATURE=NUMBER (say c0=2,c1=-1)"
            )
        if name in values:
            raise UserError(f"{option} {text!r}: {name!r} is given twice")
        values[name] = _finite(value, f"{option} {text!r}: {name}")
    return values


def sequence(texts: Sequence[str]) -> int | list[dict[str, float]]:
    """Parse the values of `--sequence`: tasks as of `--context`, or one number of tasks.

    Raises:
        UserError: a number beside other values, or whatever `context` raises.
    """
    counts = [text for text in texts if text.strip().isdecimal()]
    if counts and len(texts) > 1:
        raise UserError(
            f"--sequence {counts[0]}: found beside {len(texts) - 1} more; allowed: a number alone"
        )
    return int(counts[0]) if counts else [context(text, "--sequence") for text in texts]


def sweep(text: str) -> tuple[str, float, float, int]:
    """Parse the value of one `--sweep`: feature, lowest and highest value, and their number.

    `select_tasks` checks whether there is such a feature, and the range and the number.

    Args:
        text: `k=lo:hi:n`, of two finite numbers and a whole one.

    Raises:
        UserError: anything else.
    """
    name, _, span = (part.strip() for part in text.partition("="))
    bounds = span.split(":")
    if not name or len(bounds) != 3:
        raise UserError(f"--sweep {text!r} is not of the form FEATURE=LOW:HIGH:COUNT (say c0=-10:10:21)")
    low, high = (
        _finite(bounds[index], f"--sweep {text!r}: {end}") for index, end in enumerate(("LOW", "HIGH"))
    )
    count = bounds[2].strip()
    if not count.isdecimal():
        raise UserError(f"--sweep {text!r}: COUNT must be a whole number, not {count!r}")
    return name, low, high, int(count)


def schedules(texts: Sequence[str]) -> dict[str, str]:
    """Parse the values of `--schedule`, `FEATURE=SCHEDULE`, each feature once; UserError for anything else.

    `Family.with_schedules` checks whether there is such a feature and what it may do.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, _, schedule = (part.strip() for part in text.partition("="))
        if not (name and schedule):
            raise UserError(f"--schedule {text!r} is not of the form FEATURE=SCHEDULE (say sign=jump:50)")
        if name in found:
            raise UserError(f"--schedule {text!r}: {name!r} is given twice")
        found[name] = schedule
    return found


def numbers(text: str, option: str) -> list[float]:
    """Parse finite numbers with commas between them; UserError for anything else.

    Args:
        text: `0.05,0.1`, at least one number.
        option: the name of the option, for error messages.
    """
    return [_finite(each, f"{option} {text!r}: each part") for each in text.split(",")]


def shard(text: str) -> tuple[int, int]:
    """Parse the value of `--shard`, `i/n`: two whole numbers, i from 1 to n; UserError for anything else."""
    index, slash, count = text.partition("/")
    if slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count):
        return int(index), int(count)
    raise UserError(f"--shard: found {text!r}; allowed: i/n with i from 1 to n (say 1/8)")


def seconds(text: str) -> float:
    """Parse the value of `--timeout`: a number above 0; UserError for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UserError(f"--timeout: found {text!r}; allowed: a number of seconds above 0")
    return value


def _finite(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{where} must be a number, not {text.strip()!r}") from None
    if not math.isfinite(value):
        raise UserError(f"{where} must be finite, not {text.strip()}")
    return value
