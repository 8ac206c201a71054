"""Every run behind every table is what its name, the paper and the authors of baselines say."""
import inspect
import subprocess
import sys
from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
from toys import build

from tcnsc_lib import CompanionError, experiments, paper
from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors.collapse import NOTHING
from tcnsc_lib.detectors.registry import BASELINES
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.experiments import (
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
    RANDOM_AUGMENTED,
    REESTIMATED,
    SEEDED,
    SEVERAL,
    TABLE2,
    TABLE3,
    UNTRAINED,
    execute,
    find,
    jobs,
    plan,
)
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.profiles import PROFILES, Profile
from tcnsc_lib.training.run import folder_of
from tcnsc_lib.training.schedule import Schedule

FOURTH = "(HQ, MQ)"
OTHERS = tuple(paper.TABLE3.index.drop("TCNSC"))
SHORT = Schedule(iterations=3, batch_size=8, learning_rate=5e-3, precision="float32", validate=3)
TOY = Profile("toy", "ffpp", size=32, width=4, width_z=8, pretrained=False, seeds=2, schedule=SHORT)
AT_EVERY_PROFILE = pytest.mark.parametrize("p", PROFILES.values(), ids=PROFILES)


@pytest.fixture(scope="module")
def noise(tmp_path_factory) -> dict[str, FaceSet]:
    """Other crops for each quality of the videos."""
    root = tmp_path_factory.mktemp("faces")
    qualities = ("raw", "c23", "c40")
    return {quality: build(root / quality, seed) for seed, quality in enumerate(qualities)}


@pytest.fixture
def there(noise, monkeypatch) -> None:
    """Every profile has those faces."""
    monkeypatch.setattr(execute, "faces", lambda p, quality="raw": noise[quality])


def made_with(name: str, p: Profile) -> dict:
    """The arguments of an experiment's detector."""
    experiment = find(name)
    return p.arguments(experiment.detector) | experiment.arguments


def schedule(name: str, p: Profile) -> Schedule:
    return p.schedule_of(find(name).detector)


# which experiments there are


def test_every_row_of_every_table_has_an_experiment():
    assert set(EXPERIMENTS) == {*paper.TABLE1.index, FOURTH, MODEL_A, MODEL_B, *CONTROLS, *OTHERS}
    assert list(TABLE2) == [MODEL_A, PROBE, UNTRAINED, MODEL_B, REESTIMATED, "dual", *CONTROLS]
    assert set(TABLE2.values()) - {PROBE, UNTRAINED, REESTIMATED} <= set(EXPERIMENTS)
    assert list(TABLE3) == paper.TABLE3.index.tolist()
    assert set(TABLE3.values()) == {DUAL, *OTHERS}
    assert TABLE3["TCNSC"] == TABLE2["dual"] == "(RAW, LQ)"


def test_names_say_what_a_row_is():
    assert list(CONTROLS) == [
        "JPEG augmentation",
        "random JPEG augmentation",
        "dual, both views classified",
        "similarity on h",
        "lambda 0",
    ]
    main = {DUAL, "model B", "JPEG augmentation", "similarity on h", "lambda 0"}
    assert set(SEEDED) == {*main, "model B, statistics re-estimated"}


def test_an_unknown_experiment_is_refused():
    for name in ("model C", "(LQ, RAW)", PROBE, REESTIMATED, "dual"):
        with pytest.raises(CompanionError, match="There is no experiment .*; choose one of"):
            find(name)


ALONE = ("RAW",)
PAIR = ("RAW", "LQ")
TRAINED_ON = {  # views, what Loss_cro sees, what Loss_sim compares, lambda
    "(RAW, HQ)": (("RAW", "HQ"), "X", "z", 1),
    "(RAW, MQ)": (("RAW", "MQ"), "X", "z", 1),
    DUAL: (PAIR, "X", "z", 1),
    "(LQ, MQ)": (("LQ", "MQ"), "X", "z", 1),
    FOURTH: (("HQ", "MQ"), "X", "z", 1),
    MODEL_A: (PAIR, NOTHING, "z", 1),
    MODEL_B: (ALONE, "X", NOTHING, 1),
    AUGMENTED: (PAIR, "X and X'", "z", 0),
    RANDOM_AUGMENTED: (("RAW", RANDOM_JPEG), "X and X'", "z", 0),
    BOTH: (PAIR, "X and X'", "z", 1),
    ON_H: (PAIR, "X", "h", 1),
    LAMBDA_0: (PAIR, "X", "z", 0),
}


def test_those_are_all_rows_that_are_a_tcnsc():
    ours = {name for name, found in EXPERIMENTS.items() if issubclass(found.detector, TCNSC)}
    assert set(TRAINED_ON) == ours


@AT_EVERY_PROFILE
@pytest.mark.parametrize("name", TRAINED_ON)
def test_a_row_of_tables_1_and_2_differs_by_what_its_name_says_and_nothing_else(name, p):
    views, classified, compared, lam = TRAINED_ON[name]
    experiment = find(name)
    assert experiment.views == views
    assert experiment.quality == "raw"
    assert (experiment.detector.classified, experiment.detector.compared) == (classified, compared)
    shape = {"input_size": p.size, "width": p.width, "width_z": p.width_z}
    assert made_with(name, p) == shape | {"lam": lam * p.lam}
    assert schedule(name, p) == p.schedule


@AT_EVERY_PROFILE
def test_every_control_sees_as_many_images_a_step_as_the_dual_model(p):
    def images(name):
        return schedule(name, p).batch_size * len(find(name).views), schedule(name, p).iterations

    ours, steps = images(DUAL)
    assert {images(name) for name in (*CONTROLS, MODEL_A)} == {(ours, steps)}
    assert images(MODEL_B) == (ours // 2, steps)


# the baselines


@AT_EVERY_PROFILE
@pytest.mark.parametrize("name", OTHERS)
def test_a_baseline_sees_as_many_crops_as_tcnsc_or_says_that_it_is_cut(name, p):
    detector = find(name).detector
    own = schedule(name, p)
    crops = own.iterations * own.batch_size
    ours = p.schedule.iterations * p.schedule.batch_size
    assert crops <= ours
    if "iterations" not in p.reduced(detector).schedule:
        assert crops > ours - own.batch_size
    assert (own.flip, own.precision) == (p.schedule.flip, p.schedule.precision)
    assert set(made_with(name, p)) <= set(inspect.signature(detector).parameters)


XCEPTION = ("adam", 2e-4, 1, 32, 299, True)
MESO = ("adam", 1e-3, 1, 75, 256, False)
WARPING = ("sgd", 1e-3, pytest.approx(0.358486, abs=1e-6), 64, 224, True)  # .95^20
AUTHORS = {  # optimizer, learning rate, its share at the end, batch, input size, from ImageNet
    **dict.fromkeys(("Xception-RAW", "Xception-C23", "Xception-C40"), XCEPTION),
    **dict.fromkeys(("Meso4", "MesoInception"), MESO),
    "Capsule": ("adam", 5e-4, 1, 100, 128, True),
    **dict.fromkeys(("FWA", "DSP-FWA"), WARPING),
}


@pytest.mark.parametrize("profile", ["ffpp", "ffpp-official"])
@pytest.mark.parametrize("name", OTHERS)
def test_on_the_papers_data_baselines_are_their_authors(name, profile):
    p = PROFILES[profile]
    detector = find(name).detector
    optimizer, rate, share, batch, size, imagenet = AUTHORS[name]
    own = schedule(name, p)
    assert (own.optimizer, own.learning_rate) == (optimizer, rate)
    assert (own.final_lr_share, own.batch_size) == (share, batch)
    defaults = {key: value.default for key, value in inspect.signature(detector).parameters.items()}
    given = made_with(name, p)
    assert given.pop("pretrained", False) == ("pretrained" in defaults) == imagenet
    assert given.pop("enlarge", None) == (p.enlarge if "FWA" in name else None)
    assert given == {key: defaults[key] for key in given}  # all else is the class's own
    assert defaults["input_size"] == size
    assert profile not in detector.reduced


@pytest.mark.parametrize("profile", ["ffpp", "ffpp-official"])
def test_on_the_papers_data_nothing_is_cut(profile):
    assert experiments.cuts(PROFILES[profile]).empty


@pytest.mark.parametrize("profile", ["demo", "photos", "photos-224"])
def test_elsewhere_nothing_is_downloaded(profile):
    p = PROFILES[profile]
    for name in EXPERIMENTS:
        assert not made_with(name, p).get("pretrained", False), name
        assert p.weights_of(find(name).detector) == "random"


def test_imagenet_is_for_f_alone():
    p = replace(TOY, weights="imagenet")
    started = {name for name in EXPERIMENTS if p.weights_of(find(name).detector) == "imagenet"}
    assert started == set(TRAINED_ON)


def test_what_is_cut_is_told_beside_what_the_authors_have():
    told = experiments.cuts(PROFILES["demo"]).set_index(["detector", "setting"])
    reduced = {detector.name: detector.reduced["demo"] for detector in BASELINES}
    for (name, setting), row in told.iterrows():
        both = reduced[name].arguments | reduced[name].schedule
        assert row.here == both[setting]
        assert row.authors != row.here
    assert told.authors["Xception", "input_size"] == 299
    assert told.authors["Meso4", "momentum"] == 0.01
    assert told.authors["FWA", "optimizer"] == "sgd"
    assert told.here["FWA", "optimizer"] == "adam"
    assert told.authors["Capsule", "iterations"] == "as many crops as TCNSC"
    assert told.here["Capsule", "iterations"] == 128
    assert {name for name, _ in told.index} == set(reduced)


# which crops, which folder


@pytest.mark.parametrize("profile", ["demo", "ffpp", "photos"])
def test_xception_trains_on_videos_of_its_quality_or_photographs_through_its_codec(
    there, noise, profile
):
    p = PROFILES[profile]
    for quality in ("c23", "c40"):
        made = plan(f"Xception-{quality.upper()}", p)
        if profile == "photos":
            assert (made.faces, made.views) == (noise["raw"], (quality.upper(),))
        else:
            assert (made.faces, made.views) == (noise[quality], ("RAW",))
    for name in set(EXPERIMENTS) - {"Xception-C23", "Xception-C40"}:
        assert (plan(name, p).faces, plan(name, p).views) == (noise["raw"], find(name).views)


def test_every_experiment_and_seed_has_a_folder_of_its_own(there):
    longer = replace(SHORT, iterations=50)  # as many crops are a step or more of every detector
    p = replace(TOY, schedule=longer)
    folders = {}
    for name in EXPERIMENTS:
        for seed in (0, 1):
            folders[name, seed] = folder_of(plan(name, p, seed))
    assert len(set(folders.values())) == 2 * len(EXPERIMENTS)
    assert folder_of(plan(DUAL, p)) == folders[DUAL, p.seed]
    changes = [{"lam": 2.0}, {"schedule": replace(longer, flip=False)}, {"enlarge": 1.5}]
    for change in changes:
        assert folder_of(plan(DUAL, replace(p, **change))) not in folders.values()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_what_cannot_be_a_seed_is_refused_before_faces_are_made(monkeypatch, seed):
    monkeypatch.setattr(execute, "faces", None)
    with pytest.raises(CompanionError, match=f"^{seed} can't be a seed; take a whole number"):
        plan(DUAL, TOY, seed)


def test_a_schedule_without_a_step_is_refused(there):
    with pytest.raises(CompanionError, match="Capsule can't be trained with schedule.iterations"):
        plan("Capsule", TOY)


# which trainings a table needs


@pytest.mark.parametrize("profile", ["demo", "photos", "ffpp"])
def test_all_jobs_are_every_experiment_and_the_seeds_of_those_that_claims_rest_on(profile):
    p = PROFILES[profile]
    trained = [name for name in SEVERAL if name != REESTIMATED]
    others = range(p.seed + 1, p.seed + p.seeds)
    seeds = set(product(trained, others))
    assert len(seeds) == 10 * (p.seeds - 1) > 0
    assert set(jobs("all", p)) == seeds | {(name, p.seed) for name in EXPERIMENTS}
    for table, names in {
        "1": (*paper.TABLE1.index, MODEL_B),
        "2": (MODEL_A, MODEL_B, DUAL, *CONTROLS),
        "3": (DUAL, *OTHERS),
    }.items():
        of_names = {(name, seed) for name, seed in seeds if name in names}
        assert set(jobs(table, p)) == of_names | {(name, p.seed) for name in names}


# tables of settings


def test_the_ablation_tells_what_each_row_sees():
    table = experiments.ablation(PROFILES["demo"])
    assert table.row.tolist() == [MODEL_A, MODEL_B, "dual", *CONTROLS]
    assert (table.steps == 320).all()
    columns = ["row", "views", "Loss_cro sees", "Loss_sim compares", "images a step"]
    by_hand = [
        (MODEL_A, "RAW, LQ", "nothing", "z, λ = 1", 128),
        (MODEL_B, "RAW", "X", "nothing", 64),
        ("dual", "RAW, LQ", "X", "z, λ = 1", 128),
        (AUGMENTED, "RAW, LQ", "X and X'", "nothing", 128),
        (RANDOM_AUGMENTED, "RAW, random JPEG", "X and X'", "nothing", 128),
        (BOTH, "RAW, LQ", "X and X'", "z, λ = 1", 128),
        (ON_H, "RAW, LQ", "X", "h, λ = 1", 128),
        (LAMBDA_0, "RAW, LQ", "X", "nothing", 128),
    ]
    pd.testing.assert_frame_equal(table[columns], pd.DataFrame(by_hand, columns=columns))


TENTH = """
from tcnsc_lib.detectors import registry
from tcnsc_lib.detectors.mesonet import Meso4

class Tenth(Meso4):
    name = "Tenth"

registry.BASELINES += (Tenth,)
registry.DETECTORS["Tenth"] = Tenth
from tcnsc_lib import experiments, profiles
p = profiles.PROFILES["demo"]
assert "Tenth" in experiments.EXPERIMENTS and list(experiments.TABLE3)[-1] == "Tenth"
assert ("Tenth", p.seed) in experiments.jobs("3", p)
assert "Tenth" in set(experiments.cuts(p).detector)
"""


def test_a_tenth_detector_needs_its_class_and_its_line_in_the_registry():
    done = subprocess.run([sys.executable, "-c", TENTH], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
