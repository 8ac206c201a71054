"""The paper's sentences about its tables and figures, as numbers: its own, ours, a 95 % interval, do they hold here.

Differences between detectors or codecs are taken on the same test crops, so their intervals are paired; they are about the
choice of test people, for one seed (Table 2: for the mean over seeds, where there are several).
"""
from tcnsc_lib.claims.figures import figure1_claims, figure3_claims, figure4_claims, figure5_claims, figure6_claims
from tcnsc_lib.claims.tables import drops, table1_claims, table2_claims, table3_claims

__all__ = ["drops", "figure1_claims", "figure3_claims", "figure4_claims", "figure5_claims", "figure6_claims",
           "table1_claims", "table2_claims", "table3_claims"]
