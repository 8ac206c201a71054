"""The study's rows: each can be planned, differs by what its name says, has its references."""
from dataclasses import asdict, replace

import pytest
from toys import build

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.ablations import BothClassified, ClassifierAlone
from tcnsc_lib.detectors.outputs import STATISTICS
from tcnsc_lib.detectors.readings import OneBatch
from tcnsc_lib.detectors.registry import DETECTORS, VARIANTS
from tcnsc_lib.experiments import (
    AUGMENTED,
    DUAL,
    EXPERIMENTS,
    MODEL_B,
    Experiment,
    execute,
    find,
    plan,
)
from tcnsc_lib.experiments.study import (
    FACTORS,
    FROM_B,
    ROWS,
    STUDY,
    TWICE,
    Row,
    chosen,
    restated,
    study_jobs,
)
from tcnsc_lib.profiles import DEMO, PROFILES
from tcnsc_lib.training.identity import slug
from tcnsc_lib.training.run import Plan, folder_of

P = PROFILES["demo"]
NAMES = [row.name for row in ROWS]
EACH = pytest.mark.parametrize("row", ROWS, ids=NAMES)


@pytest.fixture(scope="module", autouse=True)
def there(tmp_path_factory):
    """Every profile has those faces."""
    noise = build(tmp_path_factory.mktemp("faces"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "faces", lambda p, quality="raw": noise)
        yield


def by_name(name: str) -> Row:
    (row,) = chosen([name])
    return row


# names


def test_every_row_has_a_name_of_its_own_and_is_an_experiment():
    assert len(set(NAMES)) == len(NAMES)
    assert not set(STUDY) & set(EXPERIMENTS)
    assert set(STUDY) <= set(NAMES) <= set(STUDY) | set(EXPERIMENTS)


def test_no_two_rows_are_filed_under_the_same_name():
    filed = set()
    count = 0
    for row in ROWS:
        for statistics in ("", *row.statistics):
            filed.add(slug(restated(row.name, statistics)))
            count += 1
    assert len(filed) == count
    assert restated("lambda 0", "") == "lambda 0"
    assert restated("lambda 0", "LQ") == "lambda 0, statistics of LQ"


def test_every_variant_of_the_registry_is_in_the_study():
    trained = {find(name).detector for name in NAMES}
    assert set(VARIANTS) <= trained <= set(DETECTORS.values())


def test_rows_are_chosen_by_name_or_all_and_an_unknown_one_is_refused():
    assert chosen() == list(ROWS)
    assert [row.name for row in chosen([TWICE, MODEL_B])] == [MODEL_B, TWICE]
    with pytest.raises(CompanionError, match="The study has no row 'model A'; choose some of"):
        chosen([MODEL_B, "model A"])


# plans


@EACH
def test_a_row_can_be_planned_from_each_of_its_seeds(row):
    plans = [plan(row.name, P, seed) for seed in row.seeds(P)]
    assert [made.seed for made in plans] == list(row.seeds(P))
    assert all(made.detector is find(row.name).detector for made in plans)
    assert len({folder_of(made) for made in plans}) == len(plans)


def meaning(made: Plan) -> str:
    """All that determines a plan, but for what it is called."""
    return repr(made.settings() | {"seed": made.seed})


def test_no_two_rows_are_the_same_training():
    assert len({meaning(plan(name, P)) for name in NAMES}) == len(NAMES)


def changed(name: str) -> dict:
    """What is otherwise than in TCNSC's schedule."""
    ours = asdict(plan(DUAL, P).schedule)
    theirs = asdict(plan(name, P).schedule)
    return {key: value for key, value in theirs.items() if value != ours[key]}


@EACH
def test_a_row_changes_of_the_schedule_what_its_name_says(row):
    said = {
        "constant rate": {"final_lr_share": 1.0},
        "rate 1e-4": {"learning_rate": 1e-4},
        "no flip": {"flip": False},
        "twice the images": {"batch_size": 128},
    }
    expected = {}
    for words, change in said.items():
        if words in row.name:
            expected = change
    assert changed(row.name) == expected


@EACH
def test_a_row_changes_of_the_detector_what_its_name_says(row):
    usual = {"input_size": P.size, "width": P.width, "width_z": P.width_z, "lam": P.lam}
    given = plan(row.name, P).arguments
    if row.name.startswith("z of"):
        usual["width_z"] = int(row.name.split()[2])
    if "full width" in row.name:
        usual["width"] = 64
    without = "JPEG augmentation" in row.name
    if without or "lambda" in row.name:
        usual["lam"] = 0.0 if without else float(row.name.rsplit(maxsplit=1)[1])
    assert given == usual


@EACH
def test_a_row_starts_from_random_weights_unless_it_says_so(row):
    made = plan(row.name, P, 2)
    if row.name in (FROM_B, "model B, trained twice"):
        assert made.start == plan(MODEL_B, P, 2)
    else:
        assert made.start is None


def test_an_experiments_schedule_is_the_profiles_but_for_what_it_changes(monkeypatch):
    odd = Experiment(("RAW", "LQ"), schedule={"batch_size": 5}, start=MODEL_B)
    monkeypatch.setitem(STUDY, "odd", odd)
    made = plan("odd", P, 4)
    assert made.schedule == replace(P.schedule, batch_size=5)
    assert made.start.experiment == MODEL_B
    assert made.start.seed == 4
    assert made.start.schedule == P.schedule


# factors


@pytest.mark.parametrize(("cell", "name"), FACTORS.items(), ids=str)
def test_every_cell_of_the_factors_has_a_decisive_row_that_is_what_the_cell_says(cell, name):
    similarity, passes, labels = cell
    row = by_name(name)
    assert row.group == "factors"
    assert row.decisive
    assert set(row.statistics) == set(STATISTICS)
    made = plan(name, P)
    assert made.views == ("RAW", "LQ")
    assert (made.arguments["lam"] > 0) == (similarity == "on")
    assert issubclass(made.detector, OneBatch) == (passes == "one")
    assert issubclass(made.detector, BothClassified) == (labels == "both")


def test_the_factors_are_all_eight_cells():
    assert len(FACTORS) == len(set(FACTORS.values())) == 8
    assert {cell[0] for cell in FACTORS} == {"on", "off"}


# references


@EACH
def test_a_row_is_compared_with_b_and_jpeg_augmentation_of_its_own_schedule(row):
    b = plan(row.b, P)
    jpeg = plan(row.jpeg, P)
    assert issubclass(b.detector, ClassifierAlone)
    assert issubclass(jpeg.detector, BothClassified)
    assert jpeg.arguments["lam"] == 0
    ours = plan(row.name, P).schedule
    if row.name == TWICE:  # told as a difference to what is usual
        ours = P.schedule
    assert b.schedule == jpeg.schedule == ours


@EACH
def test_the_references_of_a_row_are_rows_with_all_of_its_seeds(row):
    for name in (row.b, row.jpeg):
        assert set(row.seeds(P)) <= set(by_name(name).seeds(P)), name


@EACH
def test_only_what_has_batch_normalisation_has_statistics(row):
    assert set(row.statistics) <= set(STATISTICS)
    grouped = "group normalisation" in find(row.name).detector.name
    assert (row.statistics == ()) == grouped


def test_rows_without_a_schedule_of_their_own_are_compared_with_table_2():
    assert by_name(DUAL).b == MODEL_B
    assert by_name(DUAL).jpeg == AUGMENTED


# seeds


def test_decisive_rows_have_seeds_of_their_own_and_never_fewer_than_others():
    assert DEMO.decisive_seeds == 10
    p = replace(P, decisive_seeds=5)
    assert list(Row("factors", DUAL, decisive=True).seeds(p)) == [0, 1, 2, 3, 4]
    assert list(Row("factors", DUAL).seeds(replace(P, seeds=2, seed=7))) == [7, 8]
    assert len(Row("factors", DUAL, decisive=True).seeds(replace(P, seeds=12))) == 12
    assert by_name(DUAL).decisive
    assert not by_name("lambda 100").decisive


def test_the_studys_jobs_are_each_row_and_seed_once_first_seeds_first():
    jobs = study_jobs(ROWS, P)
    assert len(set(jobs)) == len(jobs)
    seeds = [seed for _, seed in jobs]
    assert seeds == sorted(seeds)
    for row in ROWS:
        own = [seed for name, seed in jobs if name == row.name]
        many = P.decisive_seeds if row.decisive else P.seeds
        assert len(own) == (1 if "full width" in row.name else many), row.name


def test_a_row_asked_for_twice_is_trained_once():
    row = by_name(TWICE)
    assert study_jobs([row, row], P) == [(TWICE, seed) for seed in range(P.seeds)]
