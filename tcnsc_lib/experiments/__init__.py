"""Every run behind every table and figure, by name.

    names      the experiments, and which table needs which
    execute    from a name to a run, and from runs to the evidence
    settings   what is set otherwise than elsewhere, as tables
"""
from tcnsc_lib.experiments.execute import (
    collect,
    plan,
    probed,
    tcnsc,
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
    SEEDED,
    TABLE2,
    TABLE3,
    UNTRAINED,
    WATCHED,
    Experiment,
    Job,
    find,
    jobs,
)
from tcnsc_lib.experiments.settings import ablation, choices, cuts

__all__ = [
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
    "SEEDED",
    "TABLE2",
    "TABLE3",
    "UNTRAINED",
    "WATCHED",
    "Experiment",
    "Job",
    "ablation",
    "choices",
    "collect",
    "cuts",
    "find",
    "jobs",
    "plan",
    "probed",
    "tcnsc",
    "train_all",
    "train_experiment",
]
