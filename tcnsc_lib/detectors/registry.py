"""All detectors by name. A new one is a file in this folder and a line here."""
from __future__ import annotations

from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.ablations import BothClassified, ClassifierAlone, OnH, SimilarityAlone
from tcnsc_lib.detectors.capsule import Capsule
from tcnsc_lib.detectors.fwa import DSPFWA, FWA
from tcnsc_lib.detectors.mesonet import Meso4, MesoInception4
from tcnsc_lib.detectors.normalisation import (
    Grouped,
    GroupedBothClassified,
    GroupedClassifierAlone,
)
from tcnsc_lib.detectors.readings import (
    Alternating,
    OneBatch,
    OneBatchBothClassified,
    ThreePasses,
)
from tcnsc_lib.detectors.repairs import Agreement, Negatives, Predictor, Variance
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.detectors.xception import Xception

# Table 3's other systems, in the paper's order.
BASELINES: tuple[type[Detector], ...] = (
    Xception,
    MesoInception4,
    Meso4,
    Capsule,
    FWA,
    DSPFWA,
)

# Table 2's models beside TCNSC.
ABLATIONS: tuple[type[Detector], ...] = (
    SimilarityAlone,
    ClassifierAlone,
    BothClassified,
    OnH,
)

# The study's: other readings, TCNSC without batch normalisation, repairs.
VARIANTS: tuple[type[Detector], ...] = (
    OneBatch,
    OneBatchBothClassified,
    ThreePasses,
    Alternating,
    Grouped,
    GroupedClassifierAlone,
    GroupedBothClassified,
    Predictor,
    Negatives,
    Variance,
    Agreement,
)

DETECTORS: dict[str, type[Detector]] = {
    detector.name: detector for detector in (TCNSC, *ABLATIONS, *VARIANTS, *BASELINES)
}
