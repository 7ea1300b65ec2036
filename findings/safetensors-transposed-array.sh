#!/usr/bin/env bash
# safetensors 0.8.0 (its NumPy functions)
#
# Expected: what is saved comes back; an array that cannot be saved as it is is refused, as
#           safetensors.torch refuses a tensor that is not contiguous.
# Seen:     a transposed or strided array is stored in the order of its memory under the shape of
#           the view: it comes back with the right shape, other numbers in its places, and no error. Save
#           np.ascontiguousarray(array).
#
# Output:
#   as it is: given [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], back [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
#   transposed: given [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]], back [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
#   strided: given [[0.0, 2.0], [3.0, 5.0]], back [[0.0, 1.0], [2.0, 3.0]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
venv/bin/python - <<'END'
import numpy as np
from safetensors.numpy import load, save

whole = np.arange(6, dtype=np.float32).reshape(2, 3)
views = {"as it is": whole, "transposed": whole.T, "strided": whole[:, ::2]}
kept = {}
for name, view in views.items():
    back = load(save({"a": view}))["a"]
    kept[name] = back.shape == view.shape and bool((back == view).all())
    print(f"{name}: given {view.tolist()}, back {back.tolist()}")
if not (kept == {'as it is': True, 'transposed': False, 'strided': False}):
    raise SystemExit("the behavior has changed")
END
