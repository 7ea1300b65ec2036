"""Reads recordings: CSV files, NPZ files, Minari data sets and arrays."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperrl.arguments import short_repr
from hyperrl.errors import UserError
from hyperrl.identify.minari_data import MINARI, read_minari
from hyperrl.identify.transitions import Log

MOST_BYTES = 2**30
"""A recording may have at most this size."""
_ENTRY = re.compile(r"(.+)\.(\d{1,6})", re.ASCII)
_TRUTH = {"true": 1.0, "false": 0.0}


def read_log(data: str | Path | Mapping[str, Any], names: Sequence[str]) -> Log:
    """The arrays of a recording.

    Args:
        data: a .csv or .npz file, `minari:NAME`, or arrays by name.
        names: the arrays that are read; others are left out.

    Raises:
        UserError: no such file, a damaged one or one of another kind, or a cell that is no number.
    """
    if isinstance(data, Mapping):
        others = [str(name) for name in data if name not in names]
        return Log("data", {name: _array(name, data[name]) for name in names if name in data}, others=others)
    if str(data).startswith(MINARI):
        return read_minari(str(data).removeprefix(MINARI), names)
    path = Path(data)
    source = f"data {str(path)!r}"
    readers = {".csv": _read_csv, ".npz": _read_npz}
    if path.suffix not in readers:
        raise UserError(f"{source}: found the ending {path.suffix!r}; allowed: .csv, .npz, {MINARI}NAME")
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise UserError(f"{source}: found a directory or a device; allowed: a file")
        if status.st_size > MOST_BYTES:
            raise UserError(f"{source}: found {status.st_size:,} bytes; allowed: at most {MOST_BYTES:,}")
        return readers[path.suffix](path, source, names)
    except OSError as error:
        raise UserError(f"{source}: {error.strerror or error}") from error


def _array(name: str, value: Any) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.ndim == 0 or array.dtype.kind not in "biuf":
        raise UserError(f"data: {name!r}: found {short_repr(value)}; allowed: an array of numbers")
    return array


def _read_npz(path: Path, source: str, names: Sequence[str]) -> Log:
    """The arrays of an NPZ file; nothing in it is unpickled."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(each.file_size for each in archive.infolist())
        if size > MOST_BYTES:
            raise UserError(f"{source}: found {size:,} bytes unpacked; allowed: at most {MOST_BYTES:,}")
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files if name in names}
            others = [name for name in content.files if name not in names]
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, KeyError, EOFError) as error:
        reason = "Python objects" if "allow_pickle" in str(error) else "no NPZ file, or a truncated one"
        raise UserError(f"{source}: found {reason}; allowed: arrays as numpy.savez writes them") from error
    for name, array in arrays.items():
        if array.ndim == 0:
            raise UserError(f"{source}: {name!r}: found a single value; allowed: a row for each step")
    return Log(source, arrays, others=others)


def _read_csv(path: Path, source: str, names: Sequence[str]) -> Log:
    """The columns of a CSV file: `obs.0`, `obs.1` and so on become the array `obs`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [cell.strip() for cell in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{source}: found {error}; allowed: text in UTF-8, cells between commas") from error
    for line, row in rows:
        if len(row) != len(header):
            found = f"{len(row)} cells"
            raise UserError(f"{source}: line {line}: found {found}; allowed: {len(header)}, as in line 1")
    arrays = {
        name: np.array(
            [[_cell(source, line, header[place], row[place]) for place in places] for line, row in rows],
            np.float64,
        ).reshape(len(rows), len(places))
        for name, places in _columns(header, source, names).items()
    }
    lines = [line for line, _ in rows]
    others = [name for name in header if name not in arrays and _ENTRY.sub(r"\1", name) not in arrays]
    return Log(source, arrays, lambda row: f"line {lines[row]}", others)


def _columns(header: Sequence[str], source: str, names: Sequence[str]) -> dict[str, list[int]]:
    """Where the columns of each array are, in the order of its entries."""
    found: dict[str, dict[int, int]] = {}
    for place, column in enumerate(header):
        match = _ENTRY.fullmatch(column)
        name, entry = (column, 0) if match is None else (match[1], int(match[2]))
        if name not in names:
            continue
        if entry in found.setdefault(name, {}):
            raise UserError(f"{source}: line 1: found a second column {column!r}; allowed: one")
        found[name][entry] = place
    for name, places in found.items():
        for entry in range(len(places)):
            if entry not in places:
                columns = ", ".join(header[place] for place in places.values())
                raise UserError(f"{source}: line 1: found {columns}; allowed: {name}.{entry} beside them")
    return {name: [places[entry] for entry in range(len(places))] for name, places in found.items()}


def _cell(source: str, line: int, column: str, text: str) -> float:
    text = text.strip()
    try:
        return _TRUTH[text.lower()] if text.lower() in _TRUTH else float(text)
    except ValueError:
        raise UserError(f"{source}: line {line}, {column}: found {text!r}; allowed: a number") from None
