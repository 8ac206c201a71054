"""Figure 4: Grad-CAM heat maps, whether compression moves them, and whether they lie on the forgery (section 4.2.3).

Grad-CAM: Selvaraju et al., ICCV 2017, by the package grad-cam. A map explains one logit, here that of the crop's true
label, the same at every quality and for every model (a model's own decision would change with the quality). It is taken
at the network's last stage, where a cell covers 32 px of the input: 3 x 3 cells at 96 px, 7 x 7 at 224, Xception's 10 x 10
at 299. Maps are compared cell by cell; for pictures, masks and another network's grid they are resampled.
"""
from __future__ import annotations

import warnings
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import pandas as pd
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from scipy.stats import rankdata
from sklearn.metrics import silhouette_score
from tqdm.auto import tqdm

from tcnsc_lib.analysis import sample
from tcnsc_lib.analysis.embedding import EACH, MODELS
from tcnsc_lib.analysis.quality import same_frame
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.xception import Xception
from tcnsc_lib.evaluation import features, probabilities
from tcnsc_lib.experiments import DUAL, SEEDED, train_experiment
from tcnsc_lib.profiles import Profile, faces, forged_area

CODECS = ("RAW", "HQ", "MQ", "LQ")
SHUFFLED = "TCNSC, weights shuffled"
OTHERS = 20  # maps of other people that each map is compared with
BATCH = 64
SUBJECTS = 3  # of the picture
SHOWN = ("TCNSC", "Xception-RAW")


class _Cells(GradCAM):
    """The package's Grad-CAM, left at the resolution of the layer instead of enlarged to the input."""

    def get_target_width_height(self, input_tensor):
        return None


@contextmanager
def _last_stage(detector: Detector):
    """The module whose output is the last stage after its ReLU: f's layer4; Xception's bn4, made to end in the ReLU that
    follows it anyway, where the network's outputs stay what they are. Gradients stop there.

    The least positive number stands for 0, since at 0 the second ReLU would pass no gradient.
    """
    layer = detector.bn4 if isinstance(detector, Xception) else detector.f.layer4
    learned = [weight for weight in detector.parameters() if weight.requires_grad]
    hook = layer.register_forward_hook(lambda module, given, out: out.clamp_min(torch.finfo(out.dtype).tiny).requires_grad_())
    for weight in learned:
        weight.requires_grad_(False)
    try:
        yield layer
    finally:
        hook.remove()
        for weight in learned:
            weight.requires_grad_()


def heat(detector: Detector, images: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Grad-CAM of each crop for the logit of its label: uint8 (N, S, S, 3), int (N,) -> float32 (N, cells, cells).

    As the package scales it, from 0 to 1 in each map; all 0 where nothing speaks for that label.
    """
    where, out = next(detector.parameters()).device, []
    with _last_stage(detector) as layer, _Cells(detector, [layer]) as cam, torch.enable_grad():
        for i in range(0, len(images), BATCH):
            x = detector.prepare(torch.from_numpy(np.array(images[i : i + BATCH])).to(where))
            out.append(cam(x.contiguous(memory_format=torch.channels_last),
                           [ClassifierOutputTarget(int(label)) for label in y[i : i + BATCH]]))
    return np.concatenate(out)


def enlarge(maps: np.ndarray, size: int) -> np.ndarray:
    """Maps (N, cells, cells) as the package shows them on a picture: bilinear, float32 (N, size, size) in [0, 1]."""
    return scale_cam_image(maps, (size, size))


def shuffled(detector: Detector, seed: int) -> Detector:
    """A copy whose convolutions and linear layers keep their values but not their places: the sanity check of Adebayo et
    al., NeurIPS 2018. What a map of this one shares with the trained one's isn't due to what was learned."""
    copy, generator = deepcopy(detector), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in copy.modules():
            if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
                order = torch.randperm(module.weight.numel(), generator=generator)
                flat = module.weight.detach().cpu().contiguous().flatten()[order]
                module.weight.copy_(flat.view(module.weight.shape))
    return copy


def correlation(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of maps, cell by cell: (..., cells, cells) twice -> (...); NaN where one is constant."""
    a, b = (rankdata(m.reshape(*m.shape[:-2], -1), axis=-1) for m in (maps, others))
    a, b = (v - v.mean(-1, keepdims=True) for v in (a, b))
    with np.errstate(invalid="ignore"):
        return (a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1))


def strangers(chosen: pd.DataFrame, seed: int) -> np.ndarray:
    """For each crop, rows of OTHERS crops of other people with the same label (drawn with replacement): int (N, OTHERS)."""
    rng = np.random.default_rng([seed, OTHERS])
    y, units = chosen.label.to_numpy(), chosen.unit.to_numpy()
    return np.array([rng.choice(np.flatnonzero((y == y[i]) & (units != units[i])), OTHERS) for i in range(len(y))])


def on_mask(maps: np.ndarray, area: np.ndarray) -> pd.DataFrame:
    """Does the heat lie on the forgery? maps (N, S, S) in [0, 1], area bool (N, S, S) -> a row a map.

    inside: share of the heat in the area. hit: 1 if the hottest pixel is in it (the pointing game of Zhang et al.,
    ECCV 2016). auc: area under the ROC curve of the heat as a classifier of the area's pixels, 1/2 = chance. covered: the
    area's share of the picture, which is what `inside` gives for heat without a place (for `hit` see `chance`). NaN for a
    map without heat, or an area that is empty (then `covered` too) or everything.
    """
    maps, area = maps.reshape(len(maps), -1).astype(float), area.reshape(len(area), -1)
    covered = area.mean(1)
    known = (maps.max(1) > 0) & (covered > 0) & (covered < 1)
    heat, there = maps[known], area[known]
    n = there.sum(1)
    above = (rankdata(heat, axis=1) * there).sum(1) - n * (n + 1) / 2  # Mann and Whitney's count of pixel pairs
    table = pd.DataFrame(np.nan, range(len(maps)), ["inside", "hit", "auc"])
    table.loc[known] = np.column_stack([(heat * there).sum(1) / heat.sum(1), there[np.arange(len(n)), heat.argmax(1)],
                                        above / (n * (maps.shape[1] - n))])
    return table.assign(covered=np.where(covered > 0, covered, np.nan))


def chance(area: np.ndarray, cells: int) -> np.ndarray:
    """How often a map of one hot cell, any of them alike, hits: area bool (N, S, S) -> (N,), NaN where the area is empty.

    With few cells the hottest pixel has few places to be, so this isn't the area's share of the picture.
    """
    one = enlarge(np.eye(cells**2, dtype=np.float32).reshape(-1, cells, cells), area.shape[1])
    hits = area.reshape(len(area), -1)[:, one.reshape(cells**2, -1).argmax(1)].mean(1)
    return np.where(area.any((1, 2)), hits, np.nan)


def figure4(p: Profile) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The panels of the picture, and a row for each model, codec and crop of the test part (at most 1000 + 1000).

    Panels: model, subject, crop, label, codec, p(fake), and the cells c0, c1, ... of the map, row by row.
    Rows: crop, unit, label, model (TCNSC, model B, Xception-RAW, and TCNSC with shuffled weights), codec; heat: 0 if the map
    is empty, nothing speaking for the label, else 1; same: `correlation` with the crop's own raw map; different: the mean
    over `OTHERS` raw maps of other people of the same label; trained: with trained TCNSC's map of the same crop and codec;
    for fakes whose mask is known `on_mask`'s columns and `chance`, else NaN.
    """
    crops = faces(p)
    chosen = sample(crops, EACH, p.seed)
    y, other, area = chosen.label.to_numpy(), strangers(chosen, p.seed), forged_area(p, chosen.crop.to_numpy())
    detectors = {model: train_experiment(name, p).detector for model, name in MODELS.items()}
    detectors[SHUFFLED] = shuffled(detectors["TCNSC"], p.seed)
    images, rows, maps = {codec: crops.images(codec, "test")[chosen.crop] for codec in CODECS}, [], {}
    bar = tqdm(total=len(detectors) * len(CODECS), desc="Grad-CAM")
    for model, detector in detectors.items():
        for codec in CODECS:
            found = maps[model, codec] = heat(detector, images[codec], y)
            raw, trained = maps[model, "RAW"], maps["TCNSC", codec]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing: a constant map agrees with none
                different = np.nanmean(correlation(found[:, None], raw[other]), axis=1)
            table = chosen.assign(model=model, codec=codec, heat=(found.max((1, 2)) > 0).astype(int),
                                  same=correlation(found, raw), different=different,
                                  trained=correlation(enlarge(found, trained.shape[-1]), trained))
            rows.append(pd.concat([table, on_mask(enlarge(found, crops.size), area)], axis=1).assign(
                chance=chance(area, found.shape[-1])))
            bar.update()
    bar.close()
    return _panels(p, detectors), pd.concat(rows, ignore_index=True).round(4)


def _panels(p: Profile, detectors: dict[str, Detector]) -> pd.DataFrame:
    """The fake and the real crop of one frame of `SUBJECTS` people, taken at even steps through the test part."""
    crops, rows = faces(p), []
    both = same_frame(crops, p.source)
    picks = both.iloc[np.linspace(0, len(both) - 1, SUBJECTS).round().astype(int)]
    place = {file: i for i, file in enumerate(crops.rows("test").file)}
    chosen = np.array([place[file] for pick in picks.itertuples() for file in (pick.file, pick.file_real)])
    y = np.tile([1, 0], SUBJECTS)
    for model in SHOWN:
        for codec in CODECS:
            images = crops.images(codec, "test")[chosen]
            maps, fake = heat(detectors[model], images, y), probabilities(detectors[model], images)
            rows.append(pd.DataFrame({"model": model, "subject": np.arange(len(y)) // 2, "crop": chosen, "label": y,
                                      "codec": codec, "p": fake}
                                     | {f"c{i}": cell for i, cell in enumerate(maps.reshape(len(maps), -1).T)}))
    return pd.concat(rows, ignore_index=True)


def by_seed(p: Profile) -> pd.DataFrame:
    """Do Figures 3 and 4 outlive another training? A row for each of Table 2's `SEEDED` models and each seed.

    silhouette_RAW, silhouette_LQ: means as in Figure 3. same, different: of fakes' maps at LQ; hit, auc: of
    those on RAW.
    """
    crops, names = faces(p), {DUAL: "TCNSC"}
    chosen = sample(crops, EACH, p.seed)
    y, other, area = chosen.label.to_numpy(), strangers(chosen, p.seed), forged_area(p, chosen.crop.to_numpy())
    images, rows = {codec: crops.images(codec, "test")[chosen.crop] for codec in ("RAW", "LQ")}, []
    for name in tqdm(SEEDED, desc="seeds"):
        for seed in range(p.seed, p.seed + p.seeds):
            detector = train_experiment(name, p, seed).detector
            raw, after = (heat(detector, images[codec], y) for codec in ("RAW", "LQ"))
            on = on_mask(enlarge(raw, crops.size), area)
            margin = {f"silhouette_{codec}": silhouette_score(features(detector, images[codec]), y) for codec in images}
            rows.append({"model": names.get(name, name), "seed": seed, **margin,
                         "same": np.nanmean(correlation(after, raw)[y == 1]),
                         "different": np.nanmean(correlation(after[:, None], raw[other])[y == 1]),
                         "hit": on.hit.mean(), "auc": on.auc.mean()})
    return pd.DataFrame(rows)
