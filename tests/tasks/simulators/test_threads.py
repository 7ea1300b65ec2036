"""Simulations side by side: the same numbers with any number of threads, and no thread left behind."""

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.tasks.simulators.threads import CORES, Simulations, available_cores

mujoco = pytest.importorskip("mujoco")

BALL = (
    "<mujoco><worldbody><geom type='plane' size='9 9 1'/><body pos='0 0 1'><freejoint/>"
    "<geom size='0.1'/></body></worldbody></mujoco>"
)


def balls(count: int) -> list[tuple[Any, Any]]:
    """Balls that are thrown to different sides; the last is the heaviest."""
    simulations = []
    for index in range(count):
        model = mujoco.MjModel.from_xml_string(BALL)
        model.body_mass[1] *= 1 + index
        data = mujoco.MjData(model)
        data.qvel[:] = np.linspace(-1, 1, 6) * index
        simulations.append((model, data))
    return simulations


def states(simulations: list[tuple[Any, Any]]) -> NDArray[np.float64]:
    return np.array([[data.time, *data.qpos, *data.qvel] for _, data in simulations])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_each_simulation_advances_as_by_itself(threads: int) -> None:
    """Several steps at once, each its own number of them: balls fall, bounce and roll."""
    alone, together = balls(11), balls(11)
    counts = [1 + row % 4 for row in range(11)]
    simulations = Simulations(together, threads)
    for _ in range(300):
        assert simulations.step(counts) == {}
        for (model, data), count in zip(alone, counts, strict=True):
            mujoco.mj_step(model, data, count)
    np.testing.assert_array_equal(states(together), states(alone))
    assert states(together)[:, 3].max() < 0.2
    simulations.close()


def test_forces_are_computed_where_they_are_asked_for() -> None:
    plain, felt = balls(4), balls(4)
    for rows, forces in ((plain, False), (felt, True)):
        simulations = Simulations(rows, 2, forces=forces)
        simulations.step([300] * 4)
        simulations.close()
    np.testing.assert_array_equal(states(plain), states(felt))
    assert not any(data.cfrc_ext.any() for _, data in plain)
    weights = [data.cfrc_ext[1, 5] / (model.body_mass[1] * 9.81) for model, data in felt]
    np.testing.assert_allclose(weights, 1.0, rtol=0.2)


def test_an_error_is_that_of_its_simulation() -> None:
    rows = balls(6)
    rows[4][0].opt.integrator = 99
    simulations = Simulations(rows, 2)
    errors = simulations.step([1] * 6)
    assert list(errors) == [4]
    assert "integrator" in str(errors[4])
    assert [data.time > 0 for _, data in rows] == [True, True, True, True, False, True]
    simulations.close()


def test_threads_start_with_the_first_step_and_end() -> None:
    before = set(threading.enumerate())
    simulations = Simulations(balls(8), 4)
    assert simulations.threads == 4
    assert set(threading.enumerate()) <= before
    simulations.step([1] * 8)
    helpers = set(threading.enumerate()) - before
    assert helpers == set(simulations._helpers)
    assert len(helpers) == 3
    simulations.close()
    for helper in helpers:
        helper.join(10)
        assert not helper.is_alive()
    forgotten = Simulations(balls(8), 2)
    forgotten.step([1] * 8)
    (helper,) = forgotten._helpers
    del forgotten
    helper.join(10)
    assert not helper.is_alive()


@pytest.mark.parametrize("before", [0, 1])
def test_a_step_after_the_end_is_the_callers_alone(before: int) -> None:
    rows = balls(6)
    simulations = Simulations(rows, 3)
    for _ in range(before):
        simulations.step([1] * 6)
    simulations.close()
    done: list[dict[int, Exception]] = []
    stepping = threading.Thread(target=lambda: done.append(simulations.step([2] * 6)), daemon=True)
    stepping.start()
    stepping.join(timeout=10)
    assert done == [{}]
    assert all(data.time == pytest.approx((before + 2) * model.opt.timestep) for model, data in rows)


def test_the_default_is_a_thread_for_each_core_and_two_simulations_for_a_thread() -> None:
    assert Simulations(balls(1)).threads == 1
    assert Simulations(balls(5), 8).threads == 2
    assert Simulations(balls(40)).threads == min(20, available_cores())


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not place processes")
def test_cores_that_the_process_may_not_use_do_not_count() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert available_cores() == Simulations(balls(40)).threads == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_a_step_waits_for_what_an_interrupted_one_has_left_to_others() -> None:
    """Ctrl-C, while the caller waits for another thread that is in the midst of a simulation."""
    rows = balls(4)
    simulations = Simulations(rows, 2)
    main, finished = threading.get_ident(), threading.Event()

    def step(model: Any, data: Any, count: int) -> None:
        time.sleep(0.02)  # each thread gets some
        if threading.get_ident() != main and not finished.is_set():
            time.sleep(0.2)
            signal.pthread_kill(main, signal.SIGINT)
            time.sleep(0.2)
            finished.set()
        mujoco.mj_step(model, data, count)

    simulations._step = step
    with pytest.raises(KeyboardInterrupt):
        simulations.step([1] * 4)
    assert not finished.is_set()
    simulations._step = mujoco.mj_step
    assert simulations.step([1] * 4) == {}
    assert finished.is_set()
    np.testing.assert_allclose([data.time for _, data in rows], 0.004)
    simulations.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_process_has_threads_of_its_own() -> None:
    rows = balls(6)
    simulations = Simulations(rows, 2)
    simulations.step([1] * 6)
    child = os.fork()
    if not child:
        simulations.step([1] * 6)
        os._exit(0 if all(data.time > 0.003 for _, data in rows) else 1)
    for _ in range(200):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        pytest.fail("the child waits for threads that it does not have")
    assert status == 0
    simulations.close()


@pytest.mark.parametrize(("granted", "cores"), [("3", 3), ("1", 1), ("0", None), ("many", None), ("", None)])
def test_a_variable_of_the_environment_says_how_many_cores_are_ours(
    granted: str, cores: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CORES, raising=False)
    default = available_cores()
    monkeypatch.setenv(CORES, granted)
    assert available_cores() == (cores or default)
