"""What the README takes from elsewhere: `python -m tests.project.tables [FILE]`.

The tables of agents and families come from the recipes. FILE holds what `make demo` printed.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from hyperrl.recipes import Feature, load_agent, load_family, shipped

README = Path(__file__).parents[2] / "README.md"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _sentence(text: str) -> str:
    """The first sentence of a recipe's description, safe in a table's cell."""
    first, stop, _ = " ".join(text.split()).partition(". ")
    return (first + stop.rstrip()).replace("|", r"\|")


def _span(feature: Feature) -> str:
    if feature.encoding == "circle":
        return "(a circle)"
    if feature.values is not None:
        return "{" + ", ".join(f"{value:g}" for value in feature.values) + "}"
    low, high = feature.train
    return f"{low:g} to {high:g}"


def agents() -> str:
    recipes = [load_agent(name) for name in shipped("agents")]
    rows = [[f"`{each.name}`", each.algorithm.name.upper(), _sentence(each.about)] for each in recipes]
    return _table(["agent", "algorithm", "what it is"], rows)


def families() -> str:
    rows = []
    for name in shipped("envs"):
        family = load_family(name)
        features = ", ".join(f"{key} {_span(feature)}" for key, feature in family.features.items())
        rows.append([f"`{name}`", _sentence(family.about), features])
    return _table(["family", "what it is", "features and their training ranges"], rows)


def demo(printed: str) -> str:
    """The end of what `make demo` prints: tables of splits and worst tasks, and where the figure is."""
    blocks = printed.rstrip().split("\n\n")
    title = "\n".join(blocks[-5].splitlines()[-2:])
    figure = blocks[-1].splitlines()[0]
    return "\n\n".join([f"```text\n{title}", blocks[-4], blocks[-3], "...", f"{figure}\n```"])


def written(text: str, printed: str | None = None) -> str:
    """The text with all between its markers brought up to date; the demo's part where its output is given."""
    parts = {"agents": agents(), "families": families()}
    if printed is not None:
        parts["demo"] = demo(printed)
    for name, part in parts.items():
        begin, end = f"<!-- {name}:begin -->\n", f"\n<!-- {name}:end -->"
        assert text.count(begin) == text.count(end) == 1, f"README.md needs one pair of {name} markers"
        before, _, rest = text.partition(begin)
        text = before + begin + part + end + rest.partition(end)[2]
    return text


if __name__ == "__main__":
    output = Path(sys.argv[1]).read_text() if len(sys.argv) > 1 else None
    README.write_text(written(README.read_text(), output))
