#!/usr/bin/env bash
# mujoco 3.3.0 (4.0.0 too)
#
# Expected: a body twice as heavy falls as fast as before; body_mass is read at every step.
# Seen:     a body alone on a free or slide joint falls at 2 g until mj_setConst is called: its weight is
#           read from body_mass, and its inertia from dof_M0, which the compiler computed. A body with
#           children falls as it should, so that a test with one does not show it.
#
# Output:
#   twice as heavy, alone on its joint: -19.62
#   twice as heavy, after mj_setConst:  -9.81
#   twice as heavy, with a child body:  -9.81
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mujoco==3.3.0 numpy==2.4.6
venv/bin/python - <<'END'
import mujoco

BODY = """<mujoco><worldbody><body pos='0 0 50'><joint type='slide' axis='0 0 1'/><geom size='.1'/>{child}</body>
</worldbody></mujoco>"""
CHILD = "<body pos='0 0 .3'><joint type='hinge'/><geom size='.05'/></body>"


def acceleration(child, constants):
    model = mujoco.MjModel.from_xml_string(BODY.format(child=child))
    model.body_mass[1] *= 2
    model.body_inertia[1] *= 2
    if constants:
        mujoco.mj_setConst(model, mujoco.MjData(model))
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data)
    return round(float(data.qacc[0]), 2)


alone, derived, parent = acceleration("", False), acceleration("", True), acceleration(CHILD, False)
print("twice as heavy, alone on its joint:", alone)
print("twice as heavy, after mj_setConst: ", derived)
print("twice as heavy, with a child body: ", parent)
if not ((alone, derived, parent) == (-19.62, -9.81, -9.81)):
    raise SystemExit("the behavior has changed")
END
