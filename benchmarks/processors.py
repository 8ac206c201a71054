"""How far do the demo's numbers move on another processor, or with other kernels?

    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 make reproduce
    .venv/bin/python benchmarks/processors.py figures/demo build/figures/demo "AVX2 kernels"

The first line trains the demo with the kernels of an older processor, in place of another machine.
The second compares what both say of every test crop, training by training and in means over seeds.
With --keep <file> it adds the single ones to that table, figures/demo/evidence/other_processor.csv.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from tcnsc_lib.evaluation import summary
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import TABLE3
from tcnsc_lib.files import write_text
from tcnsc_lib.profiles import DEMO
from tcnsc_lib.training.identity import slug

HERE = ("accuracy", "auc")
OTHER = ("accuracy_other", "auc_other")


def measured(e: Evidence, stem: str) -> pd.DataFrame:
    """Accuracy and AUC in percent, a row a codec, of the predictions of one training."""
    experiment, _, seed = stem.rpartition("-seed")
    p = e.predictions(experiment, int(seed))
    told = {codec: summary(e.y, p[codec].to_numpy()) for codec in p}
    table = 100 * pd.DataFrame(told).T[list(HERE)]
    return table.rename_axis("codec").reset_index()


def compare(committed: Evidence, other: Evidence) -> pd.DataFrame:
    """Columns run, seed, codec, accuracy, auc, accuracy_other, auc_other of what both have."""
    parts = []
    for path in sorted((committed.measured / "predictions").glob("*.csv")):
        name, _, seed = path.stem.rpartition("-seed")
        if not (other.measured / "predictions" / path.name).exists() or "probe" in name:
            continue
        there = measured(other, path.stem).rename(columns=dict(zip(HERE, OTHER, strict=True)))
        both = measured(committed, path.stem).merge(there, on="codec")
        both.insert(0, "seed", int(seed))
        both.insert(0, "run", name)
        parts.append(both)
    return pd.concat(parts, ignore_index=True)


def largest(table: pd.DataFrame) -> pd.DataFrame:
    """Largest differences of accuracy and AUC: singles and means over seeds, Table 3 apart."""
    of_table3 = {slug(name) for name in TABLE3.values()} - {slug(TABLE3["TCNSC"])}
    which = np.where(table.run.isin(of_table3), "baselines of Table 3", "Tables 1 and 2")
    mean = table.groupby([which, "run", "codec"])[[*HERE, *OTHER]].mean()
    count = table.groupby([which, "run", "codec"]).seed.size()
    rows = {}
    for words, numbers in (("single", table.set_index([which, "run", "codec"])),
                           ("mean over seeds", mean[count > 1])):
        for here, there in zip(HERE, OTHER, strict=True):
            gap = (numbers[here] - numbers[there]).abs()
            rows[words, here] = gap.groupby(level=0).max()
    return pd.DataFrame(rows).T.round(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("committed", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("processor", help="what the other numbers were made on")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    asked = parser.parse_args()
    table = compare(Evidence(DEMO, asked.committed), Evidence(DEMO, asked.other))
    print(largest(table).to_string())
    if asked.keep:
        known = asked.keep.read_text(encoding="utf-8")
        rows = table.assign(processor=asked.processor)[["processor", *table]]
        added = rows.to_csv(index=False, header=False, float_format="%.4f")
        write_text(asked.keep, known + added)


if __name__ == "__main__":
    main()
