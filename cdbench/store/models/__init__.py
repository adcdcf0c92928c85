"""The tables. docs/schema.md is made from the columns' comments, which include their units."""

from cdbench.store.models.base import Base
from cdbench.store.models.benchmarks import Benchmark, Timing
from cdbench.store.models.claims import ClaimResult, Measurement, Observation, Series, Statement
from cdbench.store.models.comparisons import (
    Comparison,
    ComparisonDifference,
    ComparisonLine,
    ComparisonRun,
)
from cdbench.store.models.configurations import Configuration, Diagnostics
from cdbench.store.models.epochs import ClassAccuracy, Epoch, LayerGain
from cdbench.store.models.labels import RunNote, RunTag, Trash
from cdbench.store.models.runs import Environment, Run, Sweep
from cdbench.store.models.spectra import (
    ConditionNumber,
    Curvature,
    CurvatureNode,
    NoiseFloor,
    Spectrum,
    SpectrumValue,
)
from cdbench.store.models.studies import Study, StudyPart
from cdbench.store.models.weights import KeptWeights

__all__ = [
    "Base",
    "Benchmark",
    "ClaimResult",
    "ClassAccuracy",
    "Comparison",
    "ComparisonDifference",
    "ComparisonLine",
    "ComparisonRun",
    "ConditionNumber",
    "Configuration",
    "Curvature",
    "CurvatureNode",
    "Diagnostics",
    "Environment",
    "Epoch",
    "KeptWeights",
    "LayerGain",
    "Measurement",
    "NoiseFloor",
    "Observation",
    "Run",
    "RunNote",
    "RunTag",
    "Series",
    "Spectrum",
    "SpectrumValue",
    "Statement",
    "Study",
    "StudyPart",
    "Sweep",
    "Timing",
    "Trash",
]
