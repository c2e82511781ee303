"""The built-in table of VEX trust. Frozen: another meaning is another table beside it, named by packs."""

from typing import Final

from cas.records.policy import VexSource, VexTrustTable

# round_half_even(10^6 · 2^(-d/14)) for d = 0, 1, 2, … whole days; from the first 0 on nothing is listed.
_LISTED: Final = """
    1000000 951695 905724 861973 820335 780709 742997 707107 672950 640443 609507 580065 552045 525378 500000 475848
    452862 430986 410168 390355 371499 353553 336475 320222 304753 290032 276022 262689 250000 237924 226431 215493
    205084 195177 185749 176777 168238 160111 152377 145016 138011 131345 125000 118962 113215 107747 102542 97589
    92875 88388 84119 80055 76188 72508 69006 65672 62500 59481 56608 53873 51271 48794 46437 44194 42059 40028 38094
    36254 34503 32836 31250 29740 28304 26937 25635 24397 23219 22097 21030 20014 19047 18127 17251 16418 15625 14870
    14152 13468 12818 12199 11609 11049 10515 10007 9524 9064 8626 8209 7812 7435 7076 6734 6409 6099 5805 5524 5257
    5003 4762 4532 4313 4105 3906 3718 3538 3367 3204 3050 2902 2762 2629 2502 2381 2266 2156 2052 1953 1859 1769 1684
    1602 1525 1451 1381 1314 1251 1190 1133 1078 1026 977 929 884 842 801 762 726 691 657 625 595 566 539 513 488 465
    442 421 401 381 363 345 329 313 298 283 270 257 244 232 221 210 200 191 181 173 164 156 149 142 135 128 122 116
    111 105 100 95 91 86 82 78 74 71 67 64 61 58 55 53 50 48 45 43 41 39 37 35 34 32 31 29 28 26 25 24 23 22 21 20 19
    18 17 16 15 15 14 13 13 12 11 11 10 10 9 9 8 8 8 7 7 7 6 6 6 5 5 5 5 4 4 4 4 4 3 3 3 3 3 3 3 2 2 2 2 2 2 2 2 2 2 1
    1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
"""
FRESHNESS: Final = tuple(int(millionths) for millionths in _LISTED.split())

BUILT_IN: Final = VexTrustTable(
    name="built-in",
    version="1",
    provenance_weight=450_000,
    coverage_weight=350_000,
    replayability_weight=200_000,
    sources=(
        VexSource(
            source_class="attestation",
            signers=("server", "root"),
            provenance=900_000,
            coverage=950_000,
            replayability=900_000,
        ),
        VexSource(source_class="internal", signers=("*",), provenance=850_000, coverage=950_000, replayability=900_000),
        VexSource(source_class="unverified", signers=(), provenance=0, coverage=700_000, replayability=0),
    ),
    strengths=(
        ("config_with_evidence", 800_000),
        ("exploitability_with_reachability", 1_000_000),
        ("under_investigation", 400_000),
        ("vendor_blanket", 600_000),
    ),
    freshness=FRESHNESS,
    conflict_penalty=250_000,
    minimum_score=50_000,
    unverified_counts=False,
)
