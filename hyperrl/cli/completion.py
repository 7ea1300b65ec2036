"""What a shell offers after the tab key: the names that begin with what was typed."""


def agents(incomplete: str) -> list[str]:
    """Agents of the suite."""
    from hyperrl.shipped import shipped

    return [name for name in shipped("agents") if name.startswith(incomplete)]


def families(incomplete: str) -> list[str]:
    """Families of the suite."""
    from hyperrl.shipped import shipped

    return [name for name in shipped("envs") if name.startswith(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """Agents and families of the suite."""
    return [*agents(incomplete), *families(incomplete)]


def splits(incomplete: str) -> list[str]:
    """Splits, which are the same for every family."""
    from hyperrl.recipes import SPLITS

    return [name for name in SPLITS if name.startswith(incomplete)]
