#!/usr/bin/env bash
# mujoco 3.3.0 (4.0.0 too), mujoco.rollout
#
# Expected: a row whose simulation diverges goes on as `mj_step` does, which starts it anew and steps on, or
#           says which row diverged.
# Seen:     the row is filled with one state, its time too, from the first warning on, and nothing is raised;
#           that state is the start, so that it is finite and plausible. Here a spring is too stiff for the
#           time step: the row that is at rest is right, the one that is pushed is not. Compare the time in the
#           last state with what it should be.
#
# Output:
#   WARNING: Nan, Inf or huge value in QACC at DOF 0. The simulation is unstable. Time = 0.6900.
#
#   time and position after 500 steps: [[5.0, 0.0], [0.01, 0.0]]
#   steps of the second row that are its last state: 431
#   everything is finite: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mujoco==3.3.0 numpy==2.4.6
venv/bin/python - <<'END'
import mujoco
import numpy as np
from mujoco import rollout

SPRING = """<mujoco><option timestep='.01'/><worldbody><body>
<joint name='j' type='slide' axis='1 0 0' stiffness='41000'/><geom size='.1' mass='1'/></body></worldbody>
<actuator><motor joint='j'/></actuator></mujoco>"""
model = mujoco.MjModel.from_xml_string(SPRING)
forces = np.zeros((2, 500, 1))
forces[1] = 1.0
states, _ = rollout.rollout(model, mujoco.MjData(model), np.zeros((2, 3)), forces)
print("time and position after 500 steps:", states[:, -1, :2].round(3).tolist())
same = int((states[1] == states[1, -1]).all(axis=1).sum())
print("steps of the second row that are its last state:", same)
print("everything is finite:", bool(np.isfinite(states).all()))
if not (np.isfinite(states).all() and states[0, -1, 0] > 4.99 and states[1, -1, 0] < 0.02 and same > 400):
    raise SystemExit("the behavior has changed")
END
