"""What `run.yaml` holds: enough to train the run again."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, create_model

from hyperrl.recipes import AgentRecipe, FamilyRecipe
from hyperrl.recipes.base import Model
from hyperrl.recipes.base_ids import BaseId
from hyperrl.recipes.code import CodeName
from hyperrl.recipes.yaml import dump_yaml, parse_yaml, read_yaml
from hyperrl.tasks.modules import digest, find_file, lasting_folder

SPEC = "run.yaml"
"""The file of a run that holds its spec."""
LIBRARIES = ("hyperrl", "torch", "stable-baselines3", "gymnasium", "numpy")


_LARGEST_SOURCE = 10_000_000


class SourceFile(Model):
    """A Python file that a run imports: that of its base environment, or of a wrapper.

    Attributes:
        path: absolute, on the machine that trained the run.
        sha256: of the file's content, in hexadecimal; what the file imports in its turn is not covered.
    """

    path: str
    sha256: str

    @classmethod
    def of(cls, code: CodeName) -> SourceFile | None:
        """The file as it is now; None where nothing is imported, or no file of at most 10 MB is found."""
        file = find_file(code)
        try:
            if file is None or file.stat().st_size > _LARGEST_SOURCE:
                return None
            return cls(path=str(file), sha256=digest(file))
        except OSError:
            return None


class Distilled(Model):
    """Where a run comes from that was distilled, and not trained in environments.

    Attributes:
        teachers: directories of the runs whose agents were imitated.
        episodes: that each teacher played of each of its tasks.
        updates: of the student.
    """

    teachers: tuple[str, ...] = Field(min_length=1)
    episodes: int = Field(gt=0)
    updates: int = Field(gt=0)


class RunSpec(Model):
    """A run's two recipes, fully resolved, with all that was chosen beside them.

    Attributes:
        agent: the agent with the family's training fields and the overrides already in it.
        overrides: the overrides as given, `field=value`.
        steps: environment steps planned; a run takes more, to the end of a rollout.
        versions: version by library.
        commit: git commit of the checkout that the library ran from, None outside one.
        started: ISO 8601, UTC.
        from_run: the run whose weights it started at.
        freeze: the part of the weights that did not learn.
        sequence: whether its training tasks arrived one after another, in their order.
        distilled: where it comes from, where it imitates other runs; its steps are theirs.
        keep: how many checkpoints stay beside the latest and the best.
        source: the file that the base environment is imported from, None where Gymnasium knows it.
        wrapper_sources: the same for each of the agent's wrappers.
    """

    format: Literal[1] = 1
    agent: AgentRecipe
    family: FamilyRecipe
    overrides: tuple[str, ...] = ()
    seed: int = Field(ge=0)
    steps: int = Field(gt=0)
    versions: dict[str, str] = Field(default_factory=dict)
    commit: str | None = None
    started: str = ""
    from_run: str | None = None
    freeze: Literal["generator", "shared"] | None = None
    sequence: bool = False
    distilled: Distilled | None = None
    keep: int = Field(default=0, ge=0)
    source: SourceFile | None = None
    wrapper_sources: tuple[SourceFile | None, ...] = ()

    @property
    def code(self) -> list[CodeName]:
        """The names of the code that it imports, or that is known: the base environment's, then wrappers'."""
        return [self.family.parsed_base, *(wrapper.code for wrapper in self.agent.wrappers)]

    @property
    def sources(self) -> list[SourceFile | None]:
        """The file that each of `code` was imported from."""
        missing = len(self.agent.wrappers) - len(self.wrapper_sources)
        return [self.source, *self.wrapper_sources, *[None] * missing]

    def with_code(self, code: Sequence[CodeName]) -> RunSpec:
        """The same spec with other names of the code, as `code` has them."""
        base, *others = code
        assert isinstance(base, BaseId)
        wrappers = tuple(
            wrapper.model_copy(update={"name": name.text, "folder": name.folder})
            for wrapper, name in zip(self.agent.wrappers, others, strict=True)
        )
        agent = self.agent.model_copy(update={"wrappers": wrappers})
        return self.model_copy(update={"agent": agent, "family": self.family.with_base(base)})

    def located(self) -> RunSpec:
        """The same spec with where its code lies now, so that it is found from any folder, and the files."""
        spec = self.with_code([replace(each, folder=lasting_folder(each)) for each in self.code])
        source, *others = (
            SourceFile.of(code) or known for code, known in zip(spec.code, spec.sources, strict=True)
        )
        return spec.model_copy(update={"source": source, "wrapper_sources": tuple(others)})

    @classmethod
    def now(cls, agent: AgentRecipe, family: FamilyRecipe, **fields: Any) -> RunSpec:
        """The spec of a run that starts now, with this machine's library versions and commit.

        Args:
            agent: what is trained.
            family: what it is trained on.
            fields: of the others `seed` and `steps`, and those that differ from their defaults.
        """
        return cls(
            agent=agent,
            family=family,
            versions=library_versions(),
            commit=checkout_commit(),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            **fields,
        ).located()


def spec_text(spec: RunSpec) -> str:
    """The text of `run.yaml`."""
    data = spec.model_dump(mode="json", by_alias=True)
    return dump_yaml(data)


def read_spec(path: Path) -> RunSpec:
    """The spec in a `run.yaml`; UserError tells what is wrong with a file that is truncated or corrupt."""
    return RunSpec.parse(read_yaml(path), str(path))


_beside: Any = {
    name: (each.annotation, each)
    for name, each in RunSpec.model_fields.items()
    if name not in ("agent", "family")
}
_Facts: Any = create_model("_Facts", __base__=Model, **_beside)
"""What a spec holds beside its recipes."""


class SpecReader:
    """Reads the specs of many runs; recipes that several of them share word for word are read once.

    Reading them takes most of the time: a run has some 300 lines of them and ten of its own.
    """

    def __init__(self) -> None:
        self._recipes: dict[tuple[str, ...], tuple[AgentRecipe, FamilyRecipe]] = {}

    def read(self, path: Path) -> RunSpec:
        """The spec in a `run.yaml`; raises as `read_spec`."""
        try:
            sections = re.split(r"^(?=[a-z_]+:)", path.read_bytes().decode(), flags=re.MULTILINE)
        except (OSError, ValueError):
            return read_spec(path)  # which says what is wrong
        recipes = tuple(each for each in sections if each.startswith(("agent:", "family:")))
        if recipes not in self._recipes:
            spec = read_spec(path)
            self._recipes[recipes] = spec.agent, spec.family
            return spec
        agent, family = self._recipes[recipes]
        rest = parse_yaml("".join(each for each in sections if each not in recipes), str(path))
        facts = _Facts.parse(rest, str(path))
        return RunSpec.model_construct(agent=agent, family=family, **dict(facts))


def library_versions() -> dict[str, str]:
    """Versions of Python and of the installed libraries that decide what a run does."""
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def checkout_commit() -> str | None:
    """Git commit of the checkout this library runs from; None when it was installed, or without git."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
