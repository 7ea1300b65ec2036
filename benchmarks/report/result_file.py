"""Result files of benchmarks, as every section of the page reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hyperrl.errors import UserError


def read_result(path: Path, form: int, what: str = "result") -> dict[str, Any]:
    """What a JSON file of results holds.

    Args:
        path: the file.
        form: the only format that the benchmark writes.
        what: what messages call such a file.

    Raises:
        UserError: it is not JSON, or of another format.
    """
    try:
        data = json.loads(path.read_bytes())
    except ValueError as error:
        raise UserError(f"result {str(path)!r}: not JSON ({error})") from error
    if not isinstance(data, dict) or data.get("format") != form:
        raise UserError(f"result {str(path)!r}: not a {what} of format {form}")
    return data
