"""The typed, validated form of `agents/*.yaml` and `envs/*.yaml`: reading one executes nothing."""

from hyperrl.extras import EXTRAS, is_missing, load_extra, refuse_missing
from hyperrl.recipes.agent import AgentRecipe
from hyperrl.recipes.algorithms import ALGORITHMS
from hyperrl.recipes.base import Model, Range
from hyperrl.recipes.base_ids import BaseId
from hyperrl.recipes.catalog import load_agent, load_family, load_suite, parse_agent, parse_family
from hyperrl.recipes.configs import described_fields
from hyperrl.recipes.context import CONTEXT, Context, read_context
from hyperrl.recipes.environment import EnvironmentOptions
from hyperrl.recipes.family import Derived, FamilyRecipe
from hyperrl.recipes.feature import Feature
from hyperrl.recipes.fields import dotted_fields
from hyperrl.recipes.normalize import Normalize
from hyperrl.recipes.policy import (
    BlindPolicyRecipe,
    ConcatPolicyRecipe,
    HyperPolicyRecipe,
)
from hyperrl.recipes.resolve import resolve
from hyperrl.recipes.splits import ALL_SPLITS, MAX_TASKS, OUTSIDE, RIM, SPLITS, Linspace, Part, Splits
from hyperrl.recipes.suite import SuiteBlock, SuiteEntry, SuiteEvaluation, SuiteOracle, SuiteRecipe
from hyperrl.recipes.wrappers import WrapperRecipe
from hyperrl.recipes.yaml import dump_yaml, parse_yaml, read_yaml
from hyperrl.shipped import shipped

__all__ = [
    "ALGORITHMS",
    "ALL_SPLITS",
    "CONTEXT",
    "EXTRAS",
    "MAX_TASKS",
    "OUTSIDE",
    "RIM",
    "SPLITS",
    "AgentRecipe",
    "BaseId",
    "BlindPolicyRecipe",
    "ConcatPolicyRecipe",
    "Context",
    "Derived",
    "EnvironmentOptions",
    "FamilyRecipe",
    "Feature",
    "HyperPolicyRecipe",
    "Linspace",
    "Model",
    "Normalize",
    "Part",
    "Range",
    "Splits",
    "SuiteBlock",
    "SuiteEntry",
    "SuiteEvaluation",
    "SuiteOracle",
    "SuiteRecipe",
    "WrapperRecipe",
    "described_fields",
    "dotted_fields",
    "dump_yaml",
    "is_missing",
    "load_agent",
    "load_extra",
    "load_family",
    "load_suite",
    "parse_agent",
    "parse_family",
    "parse_yaml",
    "read_context",
    "read_yaml",
    "refuse_missing",
    "resolve",
    "shipped",
]
