"""Every run behind every table and figure, by name.

    names      the experiments, and which table needs which
    ready      whether a source's files can train them
    forecast   how many crops and hours they will take
    room       how much disk and memory
    reading    what it takes to read crops of which there are no arrays
    execute    from a name to a run, and from runs to the evidence
    study      the rows of notebook 8: readings, repairs, references
    any_quality  what notebook 9 asks detectors after every chain, and of validation crops
    settings   what is set otherwise than elsewhere, as tables
"""
from tcnsc_lib.experiments import study
from tcnsc_lib.experiments.any_quality import (
    ASKED,
    asked_jobs,
    collect_chains,
    collect_validation,
)
from tcnsc_lib.experiments.execute import (
    collect,
    collect_study,
    find,
    plan,
    probed,
    study_logs,
    tcnsc,
    tell_study,
    train_all,
    train_experiment,
)
from tcnsc_lib.experiments.names import (
    AUGMENTED,
    BOTH,
    CONTROLS,
    DUAL,
    EXPERIMENTS,
    LAMBDA_0,
    MODEL_A,
    MODEL_B,
    ON_H,
    PROBE,
    PROBES,
    RANDOM_AUGMENTED,
    REESTIMATED,
    SEEDED,
    SEVERAL,
    TABLE2,
    TABLE3,
    UNTRAINED,
    WATCHED,
    XCEPTION,
    Experiment,
    Job,
    jobs,
    seeds_of,
    shared_notes,
    trained_as,
)
from tcnsc_lib.experiments.settings import ablation, cuts

__all__ = [
    "ASKED",
    "AUGMENTED",
    "BOTH",
    "CONTROLS",
    "DUAL",
    "EXPERIMENTS",
    "LAMBDA_0",
    "MODEL_A",
    "MODEL_B",
    "ON_H",
    "PROBE",
    "PROBES",
    "RANDOM_AUGMENTED",
    "REESTIMATED",
    "SEEDED",
    "SEVERAL",
    "TABLE2",
    "TABLE3",
    "UNTRAINED",
    "WATCHED",
    "XCEPTION",
    "Experiment",
    "Job",
    "ablation",
    "asked_jobs",
    "collect",
    "collect_chains",
    "collect_study",
    "collect_validation",
    "cuts",
    "find",
    "jobs",
    "plan",
    "probed",
    "seeds_of",
    "shared_notes",
    "study",
    "study_logs",
    "tcnsc",
    "tell_study",
    "train_all",
    "train_experiment",
    "trained_as",
]
