"""What all detectors have in common: their input, features, settings and first weights."""

import math

import pytest
import torch
from torch import Tensor

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.detectors import LEAST_CELLS, Detector
from tcnsc_lib.detectors.registry import ABLATIONS, BASELINES, DETECTORS, VARIANTS
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.profiles import PROFILES, Profile
from tcnsc_lib.training.schedule import Schedule

KINDS = pytest.mark.parametrize("kind", DETECTORS.values(), ids=DETECTORS)

SMALL = {
    "Xception": {"width": 2, "middle": 1},
    "MesoInception": {},
    "Meso4": {},
    "Capsule": {"width": 4},
    "FWA": {"width": 2},
    "DSP-FWA": {"width": 2},
}


def small(kind: type[Detector], side: int = 64) -> Detector:
    torch.manual_seed(0)
    given = SMALL.get(kind.name, {"width": 4, "width_z": 8})
    return kind(**given | {"input_size": side})


def crops(n: int = 3, side: int = 64) -> Tensor:
    """n crops of noise, uint8 (n, side, side, 3)."""
    random = torch.Generator().manual_seed(1)
    return torch.randint(256, (n, side, side, 3), generator=random, dtype=torch.uint8)


# the registry


def test_every_detector_has_a_name_of_its_own():
    assert len(DETECTORS) == 1 + len(ABLATIONS) + len(VARIANTS) + len(BASELINES)
    assert all(kind.name == name for name, kind in DETECTORS.items())


def test_the_baselines_are_table_3s_in_the_papers_order():
    rows = []
    for kind in BASELINES:
        several = len(kind.qualities) > 1
        rows += [f"{kind.name}-{q.upper()}" if several else kind.name for q in kind.qualities]
    assert [*rows, "TCNSC"] == list(paper.TABLE3.index)


def arguments(kind: type[Detector], p: Profile) -> dict:
    """What a detector is built from at a profile."""
    given = {name: getattr(p, field) for name, field in kind.from_profile.items()}
    for settings in (kind.authors, kind.reduced.get(p.name)):
        given |= settings.arguments if settings else {}
    return given


@KINDS
def test_settings_name_fields_of_the_schedule_and_the_profile(kind):
    fields = set(Schedule.__dataclass_fields__)
    for settings in (kind.authors, *kind.reduced.values()):
        assert set(settings.schedule) <= fields
    assert set(kind.from_profile.values()) <= set(Profile.__dataclass_fields__)
    assert set(kind.reduced) <= set(PROFILES)


@KINDS
def test_a_detector_is_built_from_settings_alone(kind):
    p = PROFILES["demo"]
    with torch.device("meta"):
        detector = kind(**arguments(kind, p))
    assert detector.input_size == p.size == 96


# Of the first weights, at seed 0: their number, and their sum with the weights cos(0), cos(1), ...
# over the root of their number. They are those of the runs that the results come from.
FIRST = {
    "TCNSC": (190_542, 0.036121124),
    "Xception": (725_574, 0.1039993446),
    "MesoInception": (14_649, 0.0362048280),
    "Meso4": (13_997, -0.0498881503),
    "Capsule": (121_475, -0.035723478),
    "FWA": (381_359, 0.0091997024),
    "DSP-FWA": (401_839, 0.0090167704),
    "group normalisation": (189_322, 0.030964382),
    "group normalisation, model B": (189_322, 0.030964382),
    "group normalisation, both views classified": (189_322, 0.030964382),
    "predictor, stop-gradient": (198_894, 0.041966539),
}


@KINDS
def test_the_same_seed_gives_the_weights_that_the_results_started_from(kind):
    torch.manual_seed(0)
    detector = kind(**arguments(kind, PROFILES["demo"]))
    values = [value.flatten().double() for value in detector.state_dict().values()]
    flat = torch.cat(values)
    places = torch.arange(len(flat), dtype=torch.float64)
    projected = (flat @ places.cos()).item() / math.sqrt(len(flat))
    count, expected = FIRST.get(kind.name, FIRST["TCNSC"])
    assert len(flat) == count
    assert projected == pytest.approx(expected, abs=1e-7)


def test_only_fwa_and_its_successor_never_see_a_fake():
    assert [name for name, kind in DETECTORS.items() if kind.real_only] == ["FWA", "DSP-FWA"]


# features and the layer of heat maps


@KINDS
@pytest.mark.parametrize("side", [64, 80])
def test_features_are_a_vector_for_each_crop(kind, side):
    detector = small(kind).eval()
    x = detector.prepare(crops(side=side))
    with torch.inference_mode():
        features = detector.features(x)
        first = detector.features(x[:1])
    assert features.ndim == 2
    assert len(features) == 3
    assert torch.allclose(features[:1], first, atol=1e-5)
    assert features.std() > 0


LAST = {"Xception": "fc", "MesoInception": "head", "Meso4": "head"}


@pytest.mark.parametrize("name", [name for name in DETECTORS if "FWA" not in name])
def test_the_last_layers_see_the_features_alone(name):
    detector = small(DETECTORS[name]).eval()
    x = detector.prepare(crops())
    features = detector.features(x)
    logits = detector(x)
    if name == "Capsule":  # whose routing is checked number by number elsewhere
        assert features.shape == (3, 24)
        return
    last = detector.get_submodule(LAST.get(name, "c"))
    decided = last(features)
    assert torch.equal(decided, logits[:, : decided.shape[1]])


@KINDS
@pytest.mark.parametrize("side", [64, 192])
def test_the_heat_layer_puts_out_maps_on_which_the_features_depend(kind, side):
    detector = small(kind, side).eval()
    seen = []
    hook = detector.heat_layer.register_forward_hook(lambda *given: seen.append(given[-1]))
    x = detector.prepare(crops())
    before = detector.features(x)
    hook.remove()
    maps = seen[0]
    assert maps.ndim == 4
    assert maps.shape[2] == maps.shape[3] > 1
    activated = kind.name != "Xception" or side >= 192
    assert (maps >= 0).all() == activated
    detector.heat_layer.register_forward_hook(lambda *given: torch.zeros_like(given[-1]))
    assert not torch.equal(detector.features(x), before)


# Side of a heat map, by the input's size.
CELLS = {
    "Xception": {96: 6, 299: 10},
    "MesoInception": {96: 12, 256: 32},
    "Meso4": {96: 12, 256: 32},
    "Capsule": {96: 12, 128: 16},
}


DRAWN = [p for p in PROFILES.values() if p.name != "rehearsal"]  # which has no heat maps


@KINDS
@pytest.mark.parametrize("p", DRAWN, ids=lambda p: p.name)
def test_a_heat_map_has_six_cells_a_side_or_more_at_every_profile(kind, p):
    given = arguments(kind, p)
    if "pretrained" in given:
        given["pretrained"] = False
    seen = []
    with torch.device("meta"):  # shapes alone
        detector = kind(**given).eval()
        x = torch.empty(1, 3, detector.input_size, detector.input_size)
        detector.heat_layer.register_forward_hook(lambda *given: seen.append(given[-1].shape))
        detector.features(x)
    cells = CELLS.get(kind.name, {96: 6, 224: 7})[detector.input_size]
    assert cells >= LEAST_CELLS == 6
    assert seen[0][2:] == (cells, cells)


@pytest.mark.parametrize(("side", "stage"), [(96, "layer3"), (191, "layer3"), (192, "layer4")])
def test_the_last_stage_is_looked_at_where_it_is_fine_enough(side, stage):
    tcnsc = small(TCNSC, side)
    assert tcnsc.heat_layer is tcnsc.f.get_submodule(stage)


def test_at_192_px_the_heat_layer_of_tcnsc_and_xception_is_what_their_features_are_the_mean_of():
    for kind in (TCNSC, DETECTORS["Xception"]):
        detector = small(kind, 192).eval()
        seen = []
        detector.heat_layer.register_forward_hook(lambda *given, to=seen: to.append(given[-1]))
        features = detector.features(detector.prepare(crops()))
        assert torch.allclose(features, seen[0].mean((2, 3)), atol=1e-6)


# what it may start from


def test_unknown_first_weights_are_refused():
    with pytest.raises(CompanionError, match="Meso4 can't start from .*imagenet.* choose .*random"):
        small(DETECTORS["Meso4"]).start_from("imagenet")
    with pytest.raises(CompanionError, match="TCNSC can't start .*ImageNet.* random, imagenet"):
        small(TCNSC).start_from("ImageNet")


def test_random_weights_are_those_it_has():
    detector = small(TCNSC)
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    detector.start_from("random")
    assert all(torch.equal(before[name], v) for name, v in detector.state_dict().items())


def test_imagenet_weights_go_into_f_alone(monkeypatch):
    detector = TCNSC(width_z=8)
    quarter = {name: torch.full_like(v, 0.25) for name, v in detector.f.state_dict().items()}
    last = {"fc.weight": torch.ones(1000, 512), "fc.bias": torch.ones(1000)}
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: quarter | last)
    detector.start_from("imagenet")
    assert all((weight == 0.25).all() for weight in detector.f.parameters())
    assert not (detector.c.weight == 0.25).any()


# the input


class Plain(Detector):
    mean = (0.0, 0.0, 0.0)
    std = (1.0, 1.0, 1.0)


def test_prepare_normalises_by_hand():
    three = torch.tensor([255, 128, 0], dtype=torch.uint8).expand(2, 32, 32, 3)
    x = Detector(32).prepare(three)
    assert x.shape == (2, 3, 32, 32)
    assert x.dtype == torch.float32
    by_hand = [(1 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, (0 - 0.406) / 0.225]
    for channel, value in enumerate(by_hand):
        values = x[:, channel].flatten().tolist()
        assert values == pytest.approx([value] * (2 * 32 * 32), abs=1e-6)


def test_prepare_keeps_rows_and_columns():
    one = torch.zeros(1, 8, 8, 3, dtype=torch.uint8)
    one[0, 2, 5, 1] = 255
    assert Plain(8).prepare(one).nonzero().tolist() == [[0, 1, 2, 5]]


@pytest.mark.parametrize("side", [48, 128])
def test_prepare_resizes_without_changing_the_brightness(side):
    x = Plain(32).prepare(torch.full((2, side, side, 3), 51, dtype=torch.uint8))
    assert x.shape == (2, 3, 32, 32)
    assert torch.allclose(x, torch.tensor(0.2), atol=1e-6)


def test_prepare_shrinks_with_antialiasing():
    striped = torch.zeros(1, 128, 128, 3, dtype=torch.uint8)
    striped[:, :, ::4] = 255  # one bright column in four; plain bilinear sampling would miss them
    inner = Plain(32).prepare(striped)[:, :, 4:-4, 4:-4]
    assert torch.allclose(inner, torch.tensor(0.25), atol=1e-5)
