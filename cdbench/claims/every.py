"""Every claim of the paper, in the order of the ledger; and those of plug-ins."""

from cdbench.claims.accuracy import Accuracy
from cdbench.claims.attention import AttentionExtends
from cdbench.claims.base import Claim
from cdbench.claims.batch_diagnostic import BatchDiagnostic
from cdbench.claims.classic_order import ClassicOrder
from cdbench.claims.comparable_kappa import ComparableKappa
from cdbench.claims.convolution import ConvolutionExtends
from cdbench.claims.cost import Cost
from cdbench.claims.deep_networks import DeepNetworks
from cdbench.claims.dense_kappa_growth import DenseKappaGrowth
from cdbench.claims.depth import Depth
from cdbench.claims.dropout_rate import DropoutRate
from cdbench.claims.figure2 import Figure2
from cdbench.claims.final_loss import FinalLoss
from cdbench.claims.first_row import FirstRow
from cdbench.claims.fisher_flatness import FisherFlatness
from cdbench.claims.fourier_basis import FourierBasis
from cdbench.claims.gradients import Gradients
from cdbench.claims.harder_images import HarderImages
from cdbench.claims.harder_tasks import HarderTasks
from cdbench.claims.hessian_wtw import HessianWtw
from cdbench.claims.input_only_spectrum import InputOnlySpectrum
from cdbench.claims.kappa_of_input import KappaOfInput
from cdbench.claims.language import Language
from cdbench.claims.normalisation_whitens import NormalisationWhitens
from cdbench.claims.odd_block_sizes import OddBlockSizes
from cdbench.claims.odd_heads import OddHeads
from cdbench.claims.odd_kappa import OddKappa
from cdbench.claims.one_step import OneStep
from cdbench.claims.parameter_matched import ParameterMatched
from cdbench.claims.parameters import Parameters
from cdbench.claims.published_kappa import PublishedKappa
from cdbench.claims.quantitative_agreement import QuantitativeAgreement
from cdbench.claims.shannon_capacity import ShannonCapacity
from cdbench.claims.sodium_splitting import SodiumSplitting
from cdbench.claims.step_size import StepSize
from cdbench.claims.structured_rivals import StructuredRivals
from cdbench.claims.theorem1 import Theorem1
from cdbench.claims.theorem2 import Theorem2
from cdbench.claims.theorem2_hypothesis import Theorem2Hypothesis
from cdbench.claims.trace_inverse import TraceInverse
from cdbench.claims.training_loss import TrainingLoss
from cdbench.claims.training_speed import TrainingSpeed
from cdbench.claims.white_start import WhiteStart
from cdbench.config import plugins

_IN_ORDER: tuple[type[Claim], ...] = (
    Parameters,
    Gradients,
    Accuracy,
    TrainingLoss,
    PublishedKappa,
    ComparableKappa,
    Theorem1,
    InputOnlySpectrum,
    Theorem2,
    DenseKappaGrowth,
    DropoutRate,
    FisherFlatness,
    Figure2,
    Cost,
    TrainingSpeed,
    OddBlockSizes,
    ParameterMatched,
    StepSize,
    TraceInverse,
    HessianWtw,
    QuantitativeAgreement,
    KappaOfInput,
    WhiteStart,
    OneStep,
    NormalisationWhitens,
    Depth,
    HarderTasks,
    FinalLoss,
    BatchDiagnostic,
    SodiumSplitting,
    ShannonCapacity,
    OddKappa,
    FirstRow,
    Theorem2Hypothesis,
    ConvolutionExtends,
    AttentionExtends,
    OddHeads,
    Language,
    DeepNetworks,
    HarderImages,
    FourierBasis,
    StructuredRivals,
    ClassicOrder,
)

CLAIMS: dict[str, Claim] = {claim.name: claim() for claim in _IN_ORDER}

plugins.introduce("claim", CLAIMS, Claim)


def every_claim() -> dict[str, Claim]:
    """Return the ledger's claims by name, and after them those of plug-ins."""
    return CLAIMS | plugins.every("claim")
