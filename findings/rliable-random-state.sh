#!/usr/bin/env bash
# rliable 1.2.0, arch 7.2.0, numpy 2.2.6, pandas 2.3.3
#
# Expected: a random_state that is passed to rliable's estimates of intervals fixes their bootstrap draws.
# Seen:     the stratified bootstrap draws by NumPy's global generator: equal states give different intervals, and
#           numpy.random.seed alone fixes them.
#
# Output:
#   equal random_state: the intervals are equal: False
#   equal numpy.random.seed: the intervals are equal: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check rliable==1.2.0 arch==7.2.0 numpy==2.2.6 pandas==2.3.3
venv/bin/python -W ignore - <<'END'
import numpy as np
from rliable import library, metrics

scores = {"agent": np.random.default_rng(0).normal(size=(5, 8))}


def interval(**options):
    estimate = library.get_interval_estimates(
        scores, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=200, **options
    )
    return estimate[1]["agent"].ravel()


by_state = [interval(random_state=np.random.RandomState(7)) for _ in range(2)]
by_seed = []
for _ in range(2):
    np.random.seed(7)
    by_seed.append(interval())
found = [bool(np.array_equal(*pair)) for pair in (by_state, by_seed)]
print(f"equal random_state: the intervals are equal: {found[0]}")
print(f"equal numpy.random.seed: the intervals are equal: {found[1]}")
if found != [False, True]:
    raise SystemExit("the behavior has changed")
END
