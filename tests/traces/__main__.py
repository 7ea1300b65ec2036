"""Records traces: `python -m tests.traces --reason "why numbers changed"`.

`--digests FILE` writes digests alone, to compare two commits bit for bit on one machine:
`python -m tests.traces --digests before.json`, a move, then `python -m tests.traces --against before.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hyperrl.recipes import is_missing, load_agent, load_family, shipped
from tests.traces.trace import trace_agent, trace_family

RECORDS = Path(__file__).parent / "records"
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
HEADING = "## Unreleased\n"


def traces(names: Collection[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every agent's and every family's trace, or of those named, by its record's path below `records/`."""
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(set(shipped("agents")) & set(names or shipped("agents"))):
            if not is_missing(load_agent(name).algorithm.extra):
                yield f"agents/{name}.json", trace_agent(name, Path(folder) / name)
    for name in sorted(set(shipped("envs")) & set(names or shipped("envs"))):
        if not is_missing(load_family(name).extra):
            yield f"families/{name}.json", trace_family(name)


def record(reason: str, names: list[str]) -> None:
    """Write the records anew (those named, or all), and the reason into the changelog."""
    for path, trace in traces(names):
        target = RECORDS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in trace.items() if name != "digest"}
        target.write_text(json.dumps(kept, separators=(",", ":")) + "\n")
        print(path)
    text = CHANGELOG.read_text()
    line = f"- Recorded traces were made anew: {reason}\n"
    assert HEADING in text
    CHANGELOG.write_text(text.replace(HEADING, f"{HEADING}\n{line}", 1).replace(f"{line}\n-", f"{line}-", 1))


def main() -> int:
    """Record, write digests, or compare with digests; 1 where some differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--reason", help="record anew; the reason goes into CHANGELOG.md")
    what.add_argument("--digests", type=Path, help="write digests into this file")
    what.add_argument("--against", type=Path, help="compare with digests of another commit on this machine")
    parser.add_argument("names", nargs="*", help="agents and families to record; all by default")
    given = parser.parse_args()
    if given.reason:
        record(given.reason, given.names)
        return 0
    found = {path: trace["digest"] for path, trace in traces()}
    if given.digests:
        given.digests.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    before = json.loads(given.against.read_text())
    for path in sorted(found.keys() - before.keys()):
        print(f"new: {path}")
    changed = sorted(path for path in before if before[path] != found.get(path))
    print("\n".join(f"differs: {path}" for path in changed) or f"all {len(before)} equal, bit for bit")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
