#!/usr/bin/env bash
# ray 2.60.0
#
# Expected: a process that a Ray task starts by subprocess stops when it is sent SIGINT, as one started anywhere else.
# Seen:     where ray.init() starts Ray, SIGINT is blocked in its workers, and their children inherit that: the
#           signal stays pending for good, and a process that counts on it to save its work never hears of it.
#
# Output:
#   started here: SIGINT ends the process: True
#   started by a task: SIGINT ends the process: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ray==2.60.0
RAY_AUTH_MODE=disabled RAY_USAGE_STATS_ENABLED=0 RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0 venv/bin/python - <<'END'
import logging
import signal
import subprocess
import sys

import ray


def is_ended_by_sigint():
    code = "print('ready', flush=True); import time; time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        return False


ray.init("local", num_cpus=1, include_dashboard=False, logging_level=logging.ERROR)
found = [is_ended_by_sigint(), ray.get(ray.remote(is_ended_by_sigint).remote())]
ray.shutdown()
print(f"started here: SIGINT ends the process: {found[0]}")
print(f"started by a task: SIGINT ends the process: {found[1]}")
if found != [True, False]:
    raise SystemExit("the behavior has changed")
END
