"""What the paper prints, what it leaves open, and where it contradicts itself.

Paper: Ping Chen, Ming Xu and Xiaodong Wang, "Detecting Compressed Deepfake Images Using Two-Branch
Convolutional Networks with Similarity and Classifier", Symmetry 2022, 14, 2691,
doi 10.3390/sym14122691 (CC BY 4.0).

Everything here is data; nothing is measured. Accuracies are in percent. The comments are ours.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import pandas as pd

# The five test sets, in the order of the tables; the four training sets of Table 1.
CODECS = ("RAW", "HQ", "MQ", "LQ", "WEBP")
PAIRS = (("RAW", "HQ"), ("RAW", "MQ"), ("RAW", "LQ"), ("LQ", "MQ"))


def pair_name(pair: tuple[str, str]) -> str:
    """Row name of a training pair, as Table 1 writes it: ("RAW", "HQ") -> "(RAW, HQ)"."""
    return f"({pair[0]}, {pair[1]})"


def _accuracies(rows: dict[str, tuple[float, ...]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(CODECS))


TABLE1 = _accuracies({  # section 4.2.1: TCNSC trained on each pair
    "(RAW, HQ)": (96.8, 94.5, 92.6, 90.4, 89.2),
    "(RAW, MQ)": (96.4, 94.3, 92.1, 90.2, 89.3),
    "(RAW, LQ)": (97.6, 95.3, 93.4, 91.8, 92.7),
    "(LQ, MQ)": (93.2, 92.1, 91.4, 91.1, 89.1),
})
TABLE2 = _accuracies({  # section 4.2.2: similarity branch alone, classifier alone, both
    "model A": (51.8, 51.7, 51.7, 51.7, 51.7),
    "model B": (98.8, 96.2, 83.7, 71.3, 82.6),
    "dual": (97.6, 95.3, 93.4, 91.8, 92.7),
})
TABLE3 = _accuracies({  # section 4.2.3: TCNSC ("Ours" in the paper) and other detectors
    "Xception-RAW": (99.7, 91.2, 83.3, 74.9, 82.6),
    "Xception-C23": (99.3, 90.6, 86.7, 82.1, 85.2),
    "Xception-C40": (81.3, 86.0, 87.9, 88.3, 86.5),
    "MesoInception": (91.7, 57.4, 57.4, 57.2, 57.2),
    "Meso4": (89.1, 51.3, 50.8, 50.4, 51.4),
    "Capsule": (94.47, 89.2, 81.3, 64.8, 78.5),
    "FWA": (81.6, 76.8, 67.2, 58.1, 68.4),
    "DSP-FWA": (93.4, 87.6, 83.1, 75.6, 82.8),
    "TCNSC": (97.6, 95.3, 93.4, 91.8, 92.7),
})

# Section 4.3: change of SSIM against raw, in percent. HQ is only said to stay close to 1.
FIGURE5 = pd.DataFrame({"MQ": [-11.3, -13.3], "LQ": [-20.4, -20.2]}, index=["real", "fake"])

# Section 4.2.3: relative fall of accuracy from RAW to LQ, in percent.
CLAIMED_DROPS = {"TCNSC": 5.94, "Xception-RAW": 24.87, "Xception-C23": 17.32}
CLAIMED_GAINS = {"LQ": 16.9, "MQ": 10.1, "HQ": 4.1}  # abstract: points ahead of Xception-RAW


@dataclass(frozen=True)
class Setting:
    """Something the paper fixes, and the section, equation or table that fixes it."""

    item: str
    value: str
    where: str


@dataclass(frozen=True)
class OpenChoice:
    """Something the paper leaves open.

    setting: the library's name for it, a field of `Profile` or of its `Schedule` ("": it has none).
    """

    number: int
    question: str
    setting: str
    default: str
    reason: str


@dataclass(frozen=True)
class Contradiction:
    """A slip or a gap in the paper, and how this companion reads it."""

    number: int
    where: str
    what: str
    our_reading: str


SETTINGS = (
    Setting("encoder f", "ResNet18; h has 512 values after global average pooling", "3.1, step A"),
    Setting("projection head g", "Linear, ReLU, Linear; turns h into z", "3.1, step B"),
    Setting("classifier c", "real or fake, from h", "3.1"),
    Setting("Loss_sim", "(sum(1 - cos(z, z')) + sum(1 - cos(z', z))) / 2N", "eq. 2"),
    Setting("Loss_cro", "binary cross-entropy, averaged over N images", "eq. 3"),
    Setting("Loss_total", "Loss_cro + lambda * Loss_sim", "eq. 4"),
    Setting("videos", "FaceForensics++: 1000 real, and 1000 fakes made by DeepFakes", "4.1"),
    Setting("split", "700 / 150 / 150 real videos at random, each with its fake", "4.1"),
    Setting("frames", "300 from each video", "4.1"),
    Setting("faces", "found by MTCNN, cropped, resized to 224 x 224 x 3", "4.1"),
    Setting("training pairs", ", ".join(pair_name(pair) for pair in PAIRS), "4.1"),
    Setting("test sets", "RAW; JPEG at quality 80 (HQ), 50 (MQ), 20 (LQ); WEBP", "4.1"),
    Setting("optimiser", "Adam, learning rate 1e-4, exponential schedule", "4.1"),
    Setting("length", "10,000 iterations, batches of 64", "4.1"),
    Setting("hardware", "RTX 2080 Ti, PyTorch", "4.1"),
    Setting("metric", "accuracy: correct images / all images", "eq. 5"),
    Setting("Table 1", "4 training pairs x 5 test sets", "4.2.1"),
    Setting("Table 2", "similarity branch alone (A), classifier alone (B), both (dual)", "4.2.2"),
    Setting("Table 3", "TCNSC and 8 other detectors x 5 test sets", "4.2.3"),
    Setting("Figure 1", "one real and one fake face at RAW, HQ, MQ, LQ", "1"),
    Setting("Figure 2", "drawing of the network", "3.1"),
    Setting("Figure 3", "t-SNE of 1000 real + 1000 fake, TCNSC and Xception, at RAW, MQ, LQ",
            "4.2.3"),
    Setting("Figure 4", "Grad-CAM of a fake and a real face at RAW, HQ, MQ, LQ", "4.2.3"),
    Setting("Figure 5", "SSIM of compressed against raw, 100 real + 100 fake", "4.3"),
    Setting("Figure 6", "1D power spectrum, raw and compressed, 100 real + 100 fake", "4.3"),
)

OPEN = (
    OpenChoice(1, "How large is lambda in eq. 4?", "lam", "1.0",
               "The neutral weight: it scales neither term. The paper gives no value."),
    OpenChoice(2, "How fast does the exponential schedule fall?", "final_lr_share", "0.1",
               "The learning rate falls exponentially to 10 % of its start by the last iteration."),
    OpenChoice(3, "How wide are the layers of g?", "width_z", "hidden as wide as h; output 128",
               "SimCLR, which the paper cites as its model, does the same."),
    OpenChoice(4, "Does f start from ImageNet weights?", "weights", "random",
               "Random needs no download. weights=\"imagenet\" fetches torchvision's, at width "
               "64."),
    OpenChoice(5, "Which augmentation and weight decay?", "flip",
               "horizontal flip; no weight decay",
               "Both views flip together, so compression stays the only difference between them."),
    OpenChoice(6, "One logit or two in c?", "", "two logits, linear",
               "The softmax of two logits gives eq. 3's p; here p is the probability of label 1 "
               "= fake."),
    OpenChoice(7, "Does Loss_cro see the compressed twin too?", "", "no, raw only",
               "Algorithm 2, eq. 3 and Figure 2 feed raw only; one sentence names (h, h') as the "
               "output of the encoder. In (LQ, MQ), LQ stands in for raw. The row \"dual, both "
               "views classified\" of our Table 2 is the other reading."),
    OpenChoice(8, "Which quality has WEBP?", "", "80", "Pillow's default."),
    OpenChoice(9, "Which chroma subsampling has JPEG?", "", "4:2:0", "libjpeg's default."),
    OpenChoice(10, "How does model A decide without a classifier?", "",
               "two ways: an untrained c; a linear probe (logistic regression) on frozen h",
               "The first asks what the branch alone can decide, the second what its features "
               "hold."),
    OpenChoice(11, "Which window and colours for SSIM?", "",
               "grey, Gaussian window 11 x 11, sigma 1.5",
               "Those of Wang et al. (2004), who defined SSIM. Notebook 7 shows three other "
               "choices; no training changes."),
    OpenChoice(12, "How is the face box enlarged and squared?", "enlarge",
               "1.3, square on the longer side, each video by its own boxes",
               "The convention of FaceForensics++. A fake's own box may be larger than its "
               "target's, a cue that is no forgery; boxes=\"target\" cuts both alike."),
    OpenChoice(13, "Does the split keep a fake with its source video?", "split",
               "ffpp: random; ffpp-official and demo: pairs kept together",
               "A FaceForensics++ fake shows two people, target and source. ffpp follows the "
               "paper and reports the leak: about 70 % of test fakes have their source among the "
               "training videos."),
    OpenChoice(14, "Which weights are tested: last, or best on validation?", "", "last iteration",
               "The paper names no selection."),
    OpenChoice(15, "How many seeds?", "seeds", "one; three for Table 2's main rows",
               "The paper prints no spread. Table 2 carries the main claim, so luck has to be "
               "ruled out."),
    OpenChoice(16, "Were the other detectors of Table 3 trained or taken as published?", "",
               "trained here, all on the same crops",
               "Only then does a row differ by its method alone."),
    OpenChoice(17, "Do X and X' pass through f in two passes or in one batch?", "", "two passes",
               "\"Separately fed into the bottom and top networks\" (Figure 2), and algorithm 1 "
               "writes f(X) and f(X') apart. But \"the batch size will become 2N\" (3.1, step "
               "10). It matters through batch normalisation. Notebook 8 has one batch, and three "
               "passes: the raw images \"are also fed\" to the classification branch."),
    OpenChoice(18, "Does the exponential schedule step each iteration or each epoch?", "",
               "each iteration",
               "10,000 batches of 64 are 1.5 epochs of the paper's 420,000 crops. Stepped by the "
               "epoch, the rate would hardly fall: \"constant rate\" in notebook 8."),
)

CONTRADICTIONS = (
    Contradiction(1, "4.1",
                  "For training, HQ is quality 20 and LQ is 80; for testing, HQ is 80 and LQ 20.",
                  "80, 50, 20 on both sides, as JPEG's scale and Figure 1 suggest. Read "
                  "literally, the (RAW, HQ) and (RAW, LQ) rows of Table 1 trade places and (LQ, "
                  "MQ) means 80 and 50: notebook 03 shows that table too."),
    Contradiction(2, "eq. 2", "Cosine is symmetric, so the two sums are one sum written twice.",
                  "Loss_sim = 1 - mean cos(z, z')."),
    Contradiction(3, "eq. 2",
                  "Loss_sim is 0 if g sends every image to one direction. No negatives, "
                  "stop-gradient or variance term stands in the way.",
                  "Whether z collapses is measured: cosine between different images, standard "
                  "deviation and effective rank of z and h during training."),
    Contradiction(4, "3.1, 3.2",
                  "Algorithms 1 and 2 each update the network; eq. 4 adds their losses.",
                  "One joint step on Loss_total. Notebook 8 also has the two updates."),
    Contradiction(5, "4.2.3",
                  "All methods not named are said to lose over 20 % at LQ. In Table 3 DSP-FWA "
                  "loses 19.06 %, and Xception-C40 gains (81.3 to 88.3).",
                  "The drop is recomputed for every row; the three that the paper names do check."),
    Contradiction(6, "1",
                  "Xception is said to fall from 99.7 (raw) to 81.3 (low quality). In Table 3, "
                  "81.3 is Xception-C40 on RAW; Xception-RAW at LQ has 74.9.", "Table 3 counts."),
    Contradiction(7, "abstract",
                  "The gains of 16.9 (LQ) and 10.1 (MQ) are over Xception-RAW, called the state "
                  "of the art. Xception-C40 is better there, and leaves 3.5 and 5.5.",
                  "Compare with the best other detector in each column."),
    Contradiction(8, "references",
                  "[13], cited for FaceForensics++, is Xception; [30], for MTCNN, is a "
                  "pose-invariant face recogniser; [34], for SSIM, is multi-scale SSIM.",
                  "FaceForensics++ is [10]; MTCNN is Zhang et al. 2016; SSIM is Wang et al. 2004."),
    Contradiction(9, "4.2.2",
                  "Table 2 has no control for plain JPEG augmentation: a classifier that sees "
                  "raw and compressed images, without the similarity branch.",
                  "Such a control is needed: without it, the gain may come from seeing "
                  "compressed images."),
    Contradiction(10, "4.2.2",
                  "Both branches together are said to give the best result. In Table 2 the "
                  "classifier alone is better on RAW (98.8 against 97.6) and on HQ (96.2 against "
                  "95.3).",
                  "Robustness is bought with a little accuracy on clean images; both columns are "
                  "shown."),
)


def _display(
    records: Sequence[Setting | OpenChoice | Contradiction], columns: list[str]
) -> pd.DataFrame:
    return pd.DataFrame([astuple(record) for record in records], columns=columns)


def settings_table() -> pd.DataFrame:
    """`SETTINGS` for display: one row for each thing that the paper fixes."""
    return _display(SETTINGS, ["item", "the paper's value", "where"])


def open_table() -> pd.DataFrame:
    """`OPEN` for display: one row for each open choice, indexed by its number."""
    columns = ["no.", "the paper leaves open", "setting", "our default", "why"]
    return _display(OPEN, columns).set_index("no.")


def contradictions_table() -> pd.DataFrame:
    """`CONTRADICTIONS` for display: one row for each slip, indexed by its number."""
    columns = ["no.", "where", "what is wrong", "our reading"]
    return _display(CONTRADICTIONS, columns).set_index("no.")


def relative_drop(table: pd.DataFrame, codec: str = "LQ") -> pd.Series:
    """Relative fall of accuracy from RAW to `codec`, percent, a value a row; negative: a rise."""
    return 100 * (table["RAW"] - table[codec]) / table["RAW"]
