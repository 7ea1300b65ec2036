"""What a stranger, a bad disk or a slip of the keyboard may do to a file."""

import json
import os
import pickle
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from hyperrl.store.checkpoint import decode, encode

SENTINEL = "EXECUTED"
HUGE = (
    "1e12",
    "999999999999999999999",
    "1" * 5000,
    "-1",
    "0",
    ".inf",
    ".nan",
    "1e308",
    "65536",
    "null",
    "[]",
)
TAGS = (
    f"!!python/object/apply:os.system ['touch {SENTINEL}']",
    f"!!python/object/new:subprocess.Popen [['touch', '{SENTINEL}']]",
    "!!python/name:os.system",
    "!!binary aGVsbG8=",
    "!include /etc/passwd",
    "&a [*a, *a]",
)
PATHS = ("../../outside", "/tmp/outside", "..", ".", "a/b", "\\\\host\\share", "~root", "x" * 5000, "\x00")
Mutation = Callable[[bytes, random.Random], bytes]


class Bomb:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {SENTINEL}",)


def flipped(data: bytes, drawn: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(drawn.choice((1, 1, 2, 8, 64))):
        if broken:
            broken[drawn.randrange(len(broken))] ^= 1 << drawn.randrange(8)
    return bytes(broken)


def truncated(data: bytes, drawn: random.Random) -> bytes:
    return data[: drawn.randrange(len(data) + 1)]


def spliced(data: bytes, drawn: random.Random) -> bytes:
    """A part twice, or elsewhere."""
    first, last = sorted(drawn.randrange(len(data) + 1) for _ in range(2))
    place = drawn.randrange(len(data) + 1)
    return data[:place] + data[first:last] + data[place:]


def other_value(data: bytes, drawn: random.Random) -> bytes:
    """One value of a YAML or JSON text is another's, immense, a tag or a path that leads out."""
    text = data.decode(errors="replace")
    values = list(re.finditer(r"(?<=[:\[,] )[^,\[\]{}\n]+", text))
    if not values:
        return data
    chosen = drawn.choice(values)
    others = [*HUGE, *TAGS, *(json.dumps(path) for path in PATHS), drawn.choice(values).group()]
    return (text[: chosen.start()] + drawn.choice(others) + text[chosen.end() :]).encode()


def other_key(data: bytes, drawn: random.Random) -> bytes:
    text = data.decode(errors="replace")
    keys = list(re.finditer(r"[A-Za-z_][\w-]*(?=:)", text))
    if not keys:
        return data
    chosen = drawn.choice(keys)
    other = drawn.choice([*(key.group() for key in keys), "__class__", "../x", "1", "<<", "? [a]"])
    return (text[: chosen.start()] + other + text[chosen.end() :]).encode()


def line_lost(data: bytes, drawn: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if lines:
        del lines[drawn.randrange(len(lines))]
    return b"".join(lines)


def yaml_bomb(data: bytes, drawn: random.Random) -> bytes:
    """Ten levels of ten aliases each, or nesting without end."""
    if drawn.random() < 0.5:
        return data + b"\nx: " + b"[" * 100_000
    levels = [b"a0: &a0 [lol]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]".encode() for n in range(1, 10)
    ]
    return b"\n".join([*levels, data])


def pickled(data: bytes, drawn: random.Random) -> bytes:
    return pickle.dumps(Bomb())


def immense_header(data: bytes, drawn: random.Random) -> bytes:
    """A safetensors file whose header claims 10^12 elements, or to be 10^18 bytes long."""
    if drawn.random() < 0.3:
        return (10**18).to_bytes(8, "little") + data[8:]
    size = drawn.choice((10**12, 2**63, 2**64 - 1))
    header = {"w": {"dtype": "F32", "shape": [size], "data_offsets": [0, 4 * size]}, "__metadata__": {}}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[-64:]


def forged(data: bytes, drawn: random.Random) -> bytes:
    """A checkpoint with a digest that is right, in which one value of the state is another or is missing."""
    tensors, meta = decode(data)
    places = list(_places(meta))
    for _ in range(drawn.choice((1, 1, 3))):
        holder, key = drawn.choice(places)
        try:
            if drawn.random() < 0.2:
                del holder[key]
            else:
                holder[key] = drawn.choice((None, [], {}, "x", -1, 2**70, 1e308, [[[]]], {"$tensor": "gone"}))
        except (KeyError, IndexError):
            continue
    if drawn.random() < 0.3 and tensors:
        name = drawn.choice(sorted(tensors))
        other = drawn.choice(
            (torch.zeros(0), torch.full((3, 5), torch.nan), torch.zeros(1, dtype=torch.bool))
        )
        tensors[name] = drawn.choice((other, tensors[drawn.choice(sorted(tensors))].clone()))
    return encode(tensors, meta)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every value of a tree of JSON, as what holds it and its key."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from _places(tree[key])


def nested(data: bytes, drawn: random.Random) -> bytes:
    return b'{"a":' * 100_000


def emptied(data: bytes, drawn: random.Random) -> bytes:
    return b""


TEXT: tuple[Mutation, ...] = (
    flipped, truncated, spliced, other_value, other_value, other_value, other_key, line_lost, yaml_bomb,
    pickled, emptied,
)  # fmt: skip
BINARY: tuple[Mutation, ...] = (
    flipped, truncated, spliced, pickled, immense_header, nested, emptied, forged, forged, forged,
)  # fmt: skip


def mutate(path: Path, drawn: random.Random) -> str:
    """Break one file in place; how."""
    binary = path.suffix == ".safetensors" or "tfevents" in path.name
    mutation = drawn.choice(BINARY if binary else TEXT)
    if mutation is forged and path.suffix != ".safetensors":
        mutation = flipped
    path.write_bytes(mutation(path.read_bytes(), drawn))
    return f"{path.name}: {mutation.__name__}"
