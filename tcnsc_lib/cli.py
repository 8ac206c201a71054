"""The `tcnsc` command: one word for each step, in the order of the paper's pipeline."""
from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, experiments, figures, overview, paper, profiles, tables, verdict
from tcnsc_lib.codecs import codec
from tcnsc_lib.detectors.published import PUBLISHED, load_published
from tcnsc_lib.evaluation import evaluate, predict, probabilities
from tcnsc_lib.faces import ffpp
from tcnsc_lib.faces.detect import FaceFinder, crop
from tcnsc_lib.faces.store import open_image
from tcnsc_lib.faces.video import audit_crf
from tcnsc_lib.files import CHECKOUT, read_json, write_text
from tcnsc_lib.training import load

EPILOG = """the steps, in order:
  tcnsc demo                          render the miniature FaceForensics++ (no download)
  tcnsc faces --profile demo          find, crop and store the faces
  tcnsc audit --profile ffpp          check a copy of FaceForensics++: gaps, leaks, true H.264 quality
  tcnsc train "(RAW, LQ)"             train one row of Table 1
  tcnsc table 1                       train what is missing, print and save Table 1; so for 2 and 3
  tcnsc table choices                 the same for what the paper leaves open (five more trainings)
  tcnsc draw                          draw every picture again from the stored numbers, without training
  tcnsc predict face.jpg --run DIR    one photograph through a trained run

profiles (--profile or TCNSC_PROFILE): """ + ", ".join(profiles.PROFILES) + """
sources (TCNSC_SOURCE): where photographs or FaceForensics++ lie; default data/photos, data/ffpp (data/README.md)
Every step can be stopped with Ctrl-C; the same command goes on where it stopped."""


README_MARKS = "<!-- {}: `tcnsc readme` -->", "<!-- end of {} -->"


def main(argv: list[str] | None = None) -> int:
    """Run one step. Returns the exit status: 0, or 1 with one sentence on standard error."""
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a time limit stops it as Ctrl-C does, workers included
    try:
        return arguments.step(arguments) or 0
    except CompanionError as error:
        print(f"tcnsc: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("tcnsc: stopped; the same command goes on where it stopped.", file=sys.stderr)
        return 130
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        cure = "make room" if full else "check that path and its permissions, or choose another folder with TCNSC_HOME"
        print(f"tcnsc: can't read or write {error.filename or 'a file'} ({error.strerror}); nothing finished is lost: "
              f"{cure}, then give the same command again.", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tcnsc", description="Reproduce TCNSC step by step.", epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True, metavar="step")

    def step(name, function, text):
        sub = steps.add_parser(name, help=text, description=text)
        sub.set_defaults(step=function)
        if name not in ("demo", "readme", "site", "predict", "verify"):
            sub.add_argument("--profile", default=None, help="one of " + ", ".join(profiles.PROFILES))
        return sub

    step("demo", _demo, "Render the miniature FaceForensics++ into data/demo.")
    step("faces", _faces, "Find, crop and store the faces of a profile's source.").add_argument(
        "--quality", default="raw", choices=ffpp.QUALITIES, help="video quality the crops are cut from (default raw)")
    step("audit", _audit, "Check the videos of a profile: what is missing, what leaks, what quality they really have.")
    sub = step("train", _train, "Train an experiment, or all; what is there is loaded, what was cut short goes on.")
    sub.add_argument("experiment", help="all, or one of " + ", ".join(f'"{name}"' for name in experiments.EXPERIMENTS))
    sub.add_argument("--seed", type=int, default=None, help="default: the profile's")
    step("table", _table, "Print a table beside the paper's and save it.").add_argument(
        "number", choices=["1", "2", "3", "choices"], help="1, 2, 3: that table of the paper; choices: what the open "
        "choices change (long)")
    step("draw", _draw, "Draw every table and figure again from its stored numbers.").add_argument(
        "names", nargs="*", metavar="name", help="some of " + ", ".join(figures.PICTURES) + " (default: all)")
    step("readme", _readme, "Write gallery, verdicts and Tables 1 to 3 of the committed demo and photos into README.md.")
    sub = step("site", _site, "Make the small HTML site of executed notebooks and their figures; needs no network to be read.")
    sub.add_argument("notebooks", type=Path, help="folder of executed notebooks")
    sub.add_argument("figures", type=Path, help="folder with the tables and figures of a profile, named after it")
    sub.add_argument("out", type=Path)
    sub = step("predict", _predict, "Say how likely the main face of a picture is fake, at each codec.")
    sub.add_argument("image", type=Path)
    sub.add_argument("--run", type=Path, required=True, help="folder of a finished run")
    sub = step("published", _published, "Evaluate a detector with its authors' weights, on a profile's test faces or a "
               "picture.")
    sub.add_argument("name", choices=PUBLISHED)
    sub.add_argument("weights", type=Path, help="their file: .h5, .npz, .pt, .pth or .safetensors; pickles aren't read")
    sub.add_argument("--image", type=Path, default=None, help="a picture instead of the profile's faces")
    sub = step("verify", _verify, "Compare regenerated tables and figures with committed ones.")
    sub.add_argument("committed", type=Path)
    sub.add_argument("ours", type=Path)
    return parser


def _demo(arguments) -> None:
    clips = profiles.clips(profiles.profile("demo"))
    print(f"{len(clips)} videos in {profiles.source_folder(profiles.profile('demo'))}")


def _faces(arguments) -> None:
    faces = profiles.faces(profiles.profile(arguments.profile), arguments.quality)
    counts = faces.manifest.groupby(["split", "label"], sort=False).size().unstack()
    counts = counts.rename(columns={0: "real", 1: "fake"})
    print(f"{len(faces)} crops of {faces.size} px in {faces.root}\n{counts.to_string()}")
    if len(faces.missed):
        print(f"{len(faces.missed)} missed, listed in {faces.root / 'missed.csv'}:")
        print(faces.missed.groupby("method").reason.value_counts().head(10).to_string())


def _audit(arguments) -> None:
    p = profiles.profile(arguments.profile)
    root, clips = profiles.source_folder(p), []
    if p.source != "ffpp":
        profiles.clips(p)
    for quality in ffpp.QUALITIES:
        if any(ffpp.folder(root, "original", quality).glob("*.mp4")):
            print(f"\n{quality}\n{ffpp.missing(root, p.method, quality).to_string(index=False)}")
            paths = [path for kind in ("original", p.method) for path in ffpp.folder(root, kind, quality).glob("*.mp4")]
            crfs = [audit_crf(path) for path in tqdm(paths, desc="reading streams", leave=False)]
            print("crf found in the streams:", pd.Series(crfs).value_counts(dropna=False).to_dict())
            clips = clips or ffpp.videos(root, p.method, quality, p.split, p.seed)
    if not clips:
        ffpp.videos(root, p.method, "raw", p.split, p.seed)
    manifest = pd.DataFrame([{"video": c.name, "method": c.method, "split": c.split, "label": c.label,
                              "identity": c.identity, "source": c.source} for c in clips])
    print(f"\nsplit: {p.split}\n{ffpp.audit(manifest).to_string()}")


def _train(arguments) -> None:
    p = profiles.profile(arguments.profile)
    every = arguments.experiment == "all"
    jobs = tables.jobs("all", p) if every else [(arguments.experiment, arguments.seed)]
    if every and arguments.seed is not None:
        raise CompanionError("--seed is for a single experiment; `tcnsc train all` takes the profile's seeds.")
    experiments.train_all(jobs, p)
    for name, seed in dict.fromkeys(jobs):
        _report(experiments.train_experiment(name, p, seed))
        scores = experiments.scores(name, p, seed).set_index("codec").accuracy
        print("  test accuracy (%): " + ", ".join(f"{codec} {value:.1f}" for codec, value in scores.items()))


def _report(run) -> None:
    last = run.log.iloc[-1]
    print(f"{os.path.relpath(run.folder)}\n  {len(run.log)} iterations, {run.environment['seconds']} s on "
          f"{run.environment['device']}; loss {last.total:.3f}, validation accuracy {last.val_accuracy:.1f} %, AUC {last.val_auc:.1f} %")


def _table(arguments) -> None:
    p = profiles.profile(arguments.profile)
    if arguments.number == "choices":
        return _choices(p)
    jobs = tables.jobs(arguments.number, p)
    experiments.train_all(jobs, p)
    table = {"1": tables.table1, "2": tables.table2, "3": tables.table3}[arguments.number](p)
    for title, value in (("accuracy (%)", "accuracy"), ("the paper", "paper"), ("AUC (%)", "auc")):
        print(f"\n{title}\n{tables.wide(table, value).round(1).to_string()}")
    print(f"\nn = {table.n[0]} crops of {table.people[0]} people, seed {p.seed}")
    if arguments.number == "2":
        print(f"\nseveral seeds\n{tables.seed_differences(p).round(1).to_string(index=False)}")
    runs = tuple(experiments.train_experiment(name, p, seed) for name, seed in jobs if seed in (None, p.seed))
    print(figures.save(f"table{arguments.number}", p, table, runs))


def _choices(p: profiles.Profile) -> None:
    table = tables.choices(p)
    for value in ("accuracy", "auc"):
        print(f"\n(RAW, LQ), {value} (%)")
        wide = table.pivot(index=["setting", "value"], columns="codec", values=value)
        print(wide[list(paper.CODECS)].round(1).to_string())
    print(figures.save("open_choices", p, table))


def _draw(arguments) -> None:
    p = profiles.profile(arguments.profile)
    for name in arguments.names:
        if name not in figures.PICTURES:
            raise CompanionError(f"There is no picture {name!r}; choose some of {', '.join(figures.PICTURES)}.")
    for name in arguments.names or figures.PICTURES:
        lacking = [path for path in figures.sources(name, p) if not path.exists()]
        if figures.private(name, p):
            print(f"{name}: not drawn, it would show photographs (the notebook shows it)")
        elif lacking and not arguments.names:
            print(f"{name}: not drawn, there is no {lacking[0]}")
        else:
            start = time.perf_counter()
            plt.close(figures.draw(name, p))
            print(f"{name}: {time.perf_counter() - start:.1f} s")
    print(f"in {figures.folder(p)}")


def _site(arguments) -> None:
    from tcnsc_lib import site  # nbconvert takes seconds to import, and no other step needs it
    print(site.build(arguments.notebooks, arguments.figures, arguments.out))


def _readme(arguments) -> None:
    path = CHECKOUT / "README.md"
    text = path.read_text(encoding="utf-8")
    parts = {"gallery": overview.gallery(), "verdicts": overview.markdown(overview.verdicts()),
             **{f"table {number}": overview.readme_table(number) for number in (1, 2, 3)},
             "differences": overview.differences_table()}
    for name, part in parts.items():
        begin, end = (mark.format(name) for mark in README_MARKS)
        if begin not in text or end not in text:
            raise CompanionError(f"{path} has no place for the {name}; put the lines {begin} and {end} where it belongs.")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{part}\n{end}{rest.split(end)[1]}"
    write_text(path, text)


def _predict(arguments) -> None:
    if not (arguments.run / "config.json").exists():
        raise CompanionError(f"{arguments.run} holds no run (config.json is missing); `tcnsc train` prints the folder.")
    config = read_json(arguments.run / "config.json")
    if lost := [key for key in ("detector", "arguments", "enlarge") if key not in config]:
        raise CompanionError(f"{arguments.run / 'config.json'} lacks {', '.join(lost)}; it is no run of this library.")
    if config["detector"] not in experiments.DETECTORS:
        raise CompanionError(f"{arguments.run / 'config.json'} names a detector {config['detector']!r}, which there isn't; "
                             "restore the file.")
    shape = config["arguments"] | ({"pretrained": False} if "pretrained" in config["arguments"] else {})
    run = load(arguments.run.resolve(), experiments.DETECTORS[config["detector"]](**shape))
    _of_picture(run.detector, arguments.image, config["enlarge"])


def _of_picture(detector, path: Path, enlarge: float) -> None:
    """Print p(fake) of a picture's main face after each codec."""
    image = open_image(path)
    faces = FaceFinder()(image[None])
    if np.isnan(faces.probabilities[0]):
        raise CompanionError(f"No face was found in {path}; give a picture with one clear face.")
    face = crop(image, faces.boxes[0], detector.input_size, enlarge)
    for name in paper.CODECS:
        p = probabilities(detector, codec(name)(face)[None])[0]
        print(f"{name:5s} p(fake) = {p:.3f}")


def _published(arguments) -> None:
    detector = load_published(arguments.name, arguments.weights)
    if arguments.image:
        return _of_picture(detector, arguments.image, profiles.Profile.enlarge)
    p = profiles.profile(arguments.profile)
    faces = profiles.faces(p)
    table = evaluate(predict(detector, faces, paper.CODECS), faces)
    print(f"{arguments.name}, weights {arguments.weights}, faces {p.name} (n = {table.n.iloc[0]})")
    print(table[["accuracy", "low", "high", "auc", "eer"]].round(1).to_string())


def _verify(arguments) -> int:
    table = verdict.verdict(arguments.committed, arguments.ours)
    with pd.option_context("display.width", 120, "display.max_colwidth", 60):
        print(f"regenerated in {arguments.ours}, committed in {arguments.committed}\n{table.to_string(index=False)}")
    fine = verdict.good(table)
    print("VERDICT: " + ("all agree within the stated tolerance." if fine else "the numbers do NOT all agree."))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
