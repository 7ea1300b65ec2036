#!/usr/bin/env bash
# mujoco 3.3.0 (4.0.0 mends both in mj_setConst)
#
# Expected: a geom whose geom_size is set anew collides at its new size; if anything is stale, mj_setConst
#           brings it up to date, or setting geom_rbound and geom_aabb as the compiler would.
# Seen:     a grown sphere sinks into a plane to its old radius, mj_setConst or not: geom_rbound is left as
#           it was. A lengthened capsule whose geom_rbound and geom_aabb are set too meets one wall and
#           passes through the same wall where the world has a second geom anywhere: then the tree of boxes
#           (bvh_aabb) is asked, and is stale.
#
# Output:
#   sphere grown to 0.2 m rests at 0.11 m; with geom_rbound set too at 0.20 m
#   arm compiled with 1.5 m falls to 0.25 rad; lengthened to 0.25, with a second geom 3 m away to 3.00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mujoco==3.3.0 numpy==2.4.6
venv/bin/python - <<'END'
import mujoco

BALL = """<mujoco><worldbody><geom type='plane' size='5 5 1'/><body pos='0 0 .3'><freejoint/>
<geom size='.1' mass='1'/></body></worldbody></mujoco>"""
ARM = """<mujoco><worldbody><geom type='box' pos='1.5 0 0' size='.2 .2 .1'/>{more}
<body pos='0 0 .5'><joint type='hinge' axis='0 1 0' damping='.1'/>
<geom type='capsule' fromto='0 0 0 {length} 0 0' size='.05' mass='1'/></body></worldbody></mujoco>"""
FAR = "<geom type='box' pos='1.5 3 0' size='.2 .2 .1'/>"


def play(model):
    """The last positions, and the largest first one on the way."""
    data, furthest = mujoco.MjData(model), 0.0
    for _ in range(3000):
        mujoco.mj_step(model, data)
        furthest = max(furthest, round(float(data.qpos[0]), 2))
    return data.qpos.round(2).tolist(), furthest


def ball(bound):
    model = mujoco.MjModel.from_xml_string(BALL)
    model.geom_size[1, 0] = 0.2
    if bound:
        model.geom_rbound[1] = 0.2
    mujoco.mj_setConst(model, mujoco.MjData(model))
    return play(model)[0][2]


def arm(more):
    model = mujoco.MjModel.from_xml_string(ARM.format(more=more, length=0.75))
    last = model.ngeom - 1
    model.geom_size[last, 1] *= 2
    model.geom_pos[last] *= 2
    model.body_ipos[1] *= 2
    model.geom_rbound[last] = model.geom_aabb[last, 5] = 0.8
    mujoco.mj_setConst(model, mujoco.MjData(model))
    return play(model)[1]


compiled = play(mujoco.MjModel.from_xml_string(ARM.format(more=FAR, length=1.5)))[1]
heights, angles = (ball(False), ball(True)), (compiled, arm(""), arm(FAR))
print("sphere grown to 0.2 m rests at %.2f m; with geom_rbound set too at %.2f m" % heights)
print("arm compiled with 1.5 m falls to %.2f rad; lengthened to %.2f, with a second geom 3 m away to %.2f" % angles)
if not (heights == (0.11, 0.2) and abs(angles[1] - angles[0]) < 0.05 and angles[2] > 1):
    raise SystemExit("the behavior has changed")
END
