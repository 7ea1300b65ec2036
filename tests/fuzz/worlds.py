"""Base environments of all kinds, right and wrong, that hypothesis puts together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from hypothesis import strategies as st

ID = "hyperrl-tests/World-v0"
BOX = spaces.Box(-2, 2, (2,), np.float32)
IMAGE = spaces.Box(0, 255, (8, 8, 3), np.uint8)

OBSERVED: dict[str, spaces.Space[Any]] = {
    "box": BOX,
    "wide box": spaces.Box(-np.inf, np.inf, (3,), np.float64),
    "matrix": spaces.Box(0, 1, (2, 3), np.float32),
    "half": spaces.Box(-1, 1, (2,), np.float16),
    "whole box": spaces.Box(-5, 9, (2,), np.int32),
    "bytes": spaces.Box(0, 255, (4,), np.uint8),
    "image": IMAGE,
    "large image": spaces.Box(0, 255, (36, 40, 1), np.uint8),
    "discrete": spaces.Discrete(5),
    "from 2": spaces.Discrete(3, start=2),
    "from -4": spaces.Discrete(3, start=-4),
    "small discrete": spaces.Discrete(5, dtype=np.int32),
    "several": spaces.MultiDiscrete([3, 2]),
    "several shifted": spaces.MultiDiscrete([3, 2], start=np.array([1, -7])),
    "buttons": spaces.MultiBinary(3),
    "button matrix": spaces.MultiBinary((2, 2)),
    "dictionary": spaces.Dict(a=BOX, b=spaces.Discrete(3, start=1), c=spaces.MultiBinary(2), d=IMAGE),
    "one key": spaces.Dict({"type of ground": spaces.Discrete(3)}),
}
NOT_OBSERVED: dict[str, spaces.Space[Any]] = {
    "missing": spaces.Text(1),
    "dotted": spaces.Dict({"arm.x": BOX}),
    "taken": spaces.Dict({"update": BOX}),
    "nested": spaces.Dict(a=spaces.Dict(b=BOX)),
    "context": spaces.Dict(context=BOX),
    "nothing": spaces.Dict({}),
    "long double": spaces.Box(-1, 1, (2,), np.longdouble),
    "swapped": spaces.Box(-1, 1, (2,), np.dtype(">f4")),
    "tuple": spaces.Tuple((BOX, BOX)),
    "text": spaces.Text(4),
    "sequence": spaces.Sequence(BOX),
    "several matrix": spaces.MultiDiscrete(np.array([[2, 2], [3, 3]])),
    "empty": spaces.Box(-1, 1, (0,), np.float32),
    "number": spaces.Box(-1, 1, (), np.float32),
    "one of": spaces.OneOf((BOX, spaces.Discrete(2))),
}
ACTED: dict[str, spaces.Space[Any]] = {
    "box": spaces.Box(-1, 1, (1,), np.float32),
    "box of doubles": spaces.Box(np.array([-1.0, 0.0]), np.array([3.0, 0.5]), dtype=np.float64),
    "matrix": spaces.Box(-1, 1, (2, 2), np.float32),
    "discrete": spaces.Discrete(3),
    "from 1": spaces.Discrete(3, start=1),
    "from -1": spaces.Discrete(2, start=-1),
    "several": spaces.MultiDiscrete([3, 2], start=np.array([0, 4])),
    "buttons": spaces.MultiBinary(2),
}
NOT_ACTED: dict[str, spaces.Space[Any]] = {
    "missing": spaces.Text(1),
    "unbounded": spaces.Box(-np.inf, 1, (1,), np.float32),
    "immense": spaces.Box(-3e38, 3e38, (1,), np.float32),
    "narrow": spaces.Box(np.array([-1, 0], np.float32), np.array([1, 0], np.float32)),
    "whole box": spaces.Box(-1, 3, (1,), np.int64),
    "number": spaces.Box(-1, 1, (), np.float32),
    "empty": spaces.Box(-1, 1, (0,), np.float32),
    "dictionary": spaces.Dict(a=spaces.Discrete(2)),
    "tuple": spaces.Tuple((spaces.Discrete(2), BOX)),
    "several matrix": spaces.MultiDiscrete(np.array([[2, 2], [3, 3]])),
    "button matrix": spaces.MultiBinary((2, 2)),
    "text": spaces.Text(4),
}

Change = Callable[[Any], Any]


def _each(change: Change) -> Change:
    """The change of every part of an observation."""
    return lambda seen: {k: change(v) for k, v in seen.items()} if isinstance(seen, dict) else change(seen)


HANDED: dict[str, Change] = {
    "as it is": lambda seen: seen,
    "lists": _each(lambda part: part.tolist() if hasattr(part, "tolist") else part),
    "doubles": _each(lambda part: np.asarray(part, np.float64)),
    "column by column": _each(lambda part: np.array(part, order="F")),
}
WRONGLY_HANDED: dict[str, Change] = {
    "one axis more": _each(lambda part: np.asarray(part)[None]),
    "twice as long": _each(lambda part: np.concatenate([np.ravel(part)] * 2)),
    "none": lambda seen: None,
    "text": lambda seen: "far away",
    "objects": _each(lambda part: np.array([object()])),
}
REWARDS: dict[str, Change] = {
    "float": float,
    "single": np.float32,
    "array of one": lambda reward: np.array([reward]),
    "no axis": np.array,
    "whole": lambda reward: int(4 * reward),
}
WRONG_REWARDS: dict[str, Change] = {
    "two": lambda reward: np.array([reward, reward]),
    "none": lambda reward: None,
    "text": str,
    "not finite": lambda reward: np.nan,
    "list of none": lambda reward: [],
}
ENDS: dict[str, Change] = {"bool": bool, "numpy": np.bool_, "int": int, "array": lambda end: np.array([end])}
WRONG_ENDS: dict[str, Change] = {
    "none": lambda end: None,
    "text": str,
    "two": lambda end: np.array([end, end]),
}


class Odd:
    """What cannot be printed, compared or copied."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no equal")

    def __deepcopy__(self, memo: Any) -> Any:
        raise RuntimeError("no copy")

    __hash__ = None  # type: ignore[assignment]


INFOS: dict[str, Callable[[int], Any]] = {
    "empty": lambda t: {},
    "growing": lambda t: {"path": np.zeros(t)},
    "ours": lambda t: {"task": "walk", "context": t, "episode": {"r": "x", "l": None}},
    "gymnasium's": lambda t: {"final_obs": 1, "final_info": {"a": 1}, "_task": 1, "_final_info": "x"},
    "sb3's": lambda t: {"terminal_observation": None, "TimeLimit.truncated": "?", "is_success": "yes"},
    "success": lambda t: {"is_success": np.bool_(t % 2)},
    "mixed": lambda t: {"a": t if t % 2 else "text", 3: None, "b": {"c": [t] * t}},
    "odd": lambda t: {"odd": Odd(), "call": lambda: t},
    "coming and going": lambda t: {"late": t} if t > 2 else {},
}
WRONG_INFOS: dict[str, Callable[[int], Any]] = {"none": lambda t: None, "list": lambda t: [t]}


class SpeechlessError(Exception):
    """Says nothing, and fails at that."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class LongError(Exception):
    """Wants two arguments, and says much on many lines."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one}\n{other}\r\n" * 500)


FAILURES: dict[str, Callable[[], BaseException]] = {
    "value": lambda: ValueError("found \x1b[31m nothing"),
    "key": lambda: KeyError(3),
    "assertion": AssertionError,
    "runtime": lambda: RuntimeError("numbers do not add up"),
    "operating system": lambda: OSError(28, "No space left on device"),
    "memory": MemoryError,
    "end of iteration": StopIteration,
    "exit": lambda: SystemExit(0),
    "speechless": SpeechlessError,
    "long": lambda: LongError("much", "more"),
    "not implemented": NotImplementedError,
    "import": lambda: ImportError("no module named x"),
    "recursion": RecursionError,
}


@dataclass(frozen=True)
class World:
    """What a base environment is like, by the names in the tables above."""

    observed: str
    acted: str
    handed: str = "as it is"
    owned: bool = False
    reward: str = "float"
    end: str = "bool"
    info: str = "empty"
    api: str = "new"
    length: int = 4
    truncates: bool = False
    fails: str | None = None
    when: str = "step"
    after: int = 0

    @property
    def right(self) -> bool:
        """Whether nothing is wrong with it."""
        doubles = self.handed == "doubles" and self.observed in ("whole box", "bytes", "image")
        tables = (
            (OBSERVED, self.observed), (ACTED, self.acted), (HANDED, self.handed), (REWARDS, self.reward),
            (ENDS, self.end), (INFOS, self.info),
        )  # fmt: skip
        known = all(name in table for table, name in tables)
        fails = self.fails is not None and self.when != "close"
        return known and self.api == "new" and not fails and not doubles

    @property
    def agents(self) -> tuple[str, ...]:
        """Agents whose algorithms are for its actions."""
        any_actions = ("hyper-ppo", "concat-ppo", "blind-ppo")
        space = (ACTED | NOT_ACTED)[self.acted]
        if isinstance(space, spaces.Discrete):
            return (*any_actions, "hyper-dqn", "concat-dqn")
        return (*any_actions, "hyper-sac", "concat-td3") if isinstance(space, spaces.Box) else any_actions


class Played(gym.Env[Any, Any]):
    """The environment of a world; each instance plays that which is current when it is made."""

    current = World("box", "box")
    calls = 0

    def __init__(self) -> None:
        self.world, self.gain = Played.current, 1.0
        if self.world.observed != "missing":
            self.observation_space = (OBSERVED | NOT_OBSERVED)[self.world.observed]
        if self.world.acted != "missing":
            self.action_space = (ACTED | NOT_ACTED)[self.world.acted]
        self._fail("make")
        self._own: Any = None

    def _fail(self, when: str) -> None:
        if self.world.fails is None or self.world.when != when:
            return
        Played.calls += 1
        if Played.calls > self.world.after:
            raise FAILURES[self.world.fails]()

    def _seen(self) -> Any:
        self.observation_space.seed(self.t)
        seen = (HANDED | WRONGLY_HANDED)[self.world.handed](self.observation_space.sample())
        if not self.world.owned or not isinstance(seen, np.ndarray):
            return seen
        if self._own is None:
            self._own = seen
        self._own[...] = seen
        return self._own

    def _info(self) -> Any:
        return (INFOS | WRONG_INFOS)[self.world.info](self.t)

    def close(self) -> None:
        self._fail("close")

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t = 0
        self._fail("reset")
        return self._seen() if self.world.api == "old" else (self._seen(), self._info())

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), f"the action {action!r}"
        self.t += 1
        self._fail("step")
        if isinstance(action, np.ndarray):
            action[...] = action.flat[0]
        reward = (REWARDS | WRONG_REWARDS)[self.world.reward](self.gain * (1.0 + self.t))
        end, go_on = (
            (ENDS | WRONG_ENDS)[self.world.end](each) for each in (self.t >= self.world.length, False)
        )
        if self.world.api == "old":
            return self._seen(), reward, end, self._info()
        ends = (go_on, end) if self.world.truncates else (end, go_on)
        return self._seen(), reward, *ends, self._info()


def _mostly(right: dict[str, Any], wrong: dict[str, Any], share: int = 12) -> st.SearchStrategy[str]:
    """Mostly a right one: of `share` draws about one is wrong."""
    return st.integers(0, share).flatmap(lambda die: st.sampled_from(list(right if die else wrong)))


worlds = st.builds(
    World,
    observed=_mostly(OBSERVED, NOT_OBSERVED, 8),
    acted=_mostly(ACTED, NOT_ACTED, 8),
    handed=_mostly(HANDED, WRONGLY_HANDED),
    owned=st.booleans(),
    reward=_mostly(REWARDS, WRONG_REWARDS),
    end=_mostly(ENDS, WRONG_ENDS),
    info=_mostly(INFOS, WRONG_INFOS),
    api=st.sampled_from(["new"] * 15 + ["old"]),
    length=st.integers(1, 6),
    truncates=st.booleans(),
    fails=st.one_of(*[st.none()] * 4, st.sampled_from(list(FAILURES))),
    when=st.sampled_from(["make", "reset", "step", "step", "close"]),
    after=st.sampled_from([0, 1, 3, 10, 200, 2000]),
)

gym.register(ID, entry_point=f"{__name__}:Played")
