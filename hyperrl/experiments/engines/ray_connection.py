"""Connects this process to a Ray cluster, or starts one."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hyperrl.errors import EngineError, UserError, user_syntax
from hyperrl.extras import load_extra, refuse_missing
from hyperrl.tasks.simulators.threads import available_cores

_ANSWER = 10.0
"""Seconds that a cluster has to answer at its address."""
_SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _SETTINGS
"""How a client begins to speak HTTP/2, as gRPC does; a server answers with settings, too (RFC 9113, 3.4)."""
_OBJECTS = 100 * 2**20
"""Bytes of Ray's object store on a cluster of this machine alone: nothing large goes through it."""


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """The module `ray`, connected to a cluster for as long as the block runs."""
    option = user_syntax("ray_address", "--ray-address")
    refuse_missing("ray", user_syntax("engine 'ray'", "--engine ray"))
    if address is None:  # a cluster for this process alone needs no token, which Ray would write at home
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    with _own_signals():
        load_extra("ray")
    import ray

    if ray.is_initialized():
        if address is not None:
            raise UserError(
                f"{option}: found {address!r}; allowed: None, as this process is connected to Ray already"
            )
        yield ray
        return
    try:
        with _own_signals():
            if address is None:
                ray.init(
                    "local", num_cpus=available_cores(), num_gpus=0, object_store_memory=_OBJECTS,
                    include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR,
                )  # fmt: skip
            else:
                _check_answer(address)
                ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        if address is None:
            raise EngineError(f"Ray does not start on this machine: {brief(error)}") from error
        raise UserError(
            f"{option}: found {address!r}, where no Ray cluster answers ({brief(error)}); allowed: HOST:PORT"
            " of a cluster that this machine is a part of"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answer(address: str) -> None:
    """OSError or ValueError where no server of Ray's kind answers; Ray itself would try for many minutes."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ValueError("it is not of the form HOST:PORT")
    with socket.create_connection((host, int(port)), timeout=_ANSWER) as server:
        if os.environ.get("RAY_USE_TLS", "0") == "0":
            server.sendall(_GREETING)
            if server.recv(len(_SETTINGS))[3:4] != _SETTINGS[3:4]:
                raise ValueError("something else answers there")


@contextmanager
def _own_signals() -> Iterator[None]:
    """Put back the handlers of signals that Ray replaces when it is imported or connects."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def brief(error: BaseException) -> str:
    """The last line of an error that says something, without colors."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
