"""Ratings of raters that do not exist, in the columns of our ratings.csv: for tests alone, and they say so."""

import itertools

import numpy as np
import pandas as pd

QUALITY = {"degraded": 1.9, "unsharp": 2.6, "nano": 3.1, "small": 3.3, "report": 3.0, "clean": 4.4}
CATEGORIES = ("animals", "graphics", "nature", "people", "text")


def ratings(rng, raters=24, method="ab", careless=0, trials=30, bias=0.3, noise=0.6):
    """A DataFrame of a simulated study; the first `careless` raters answer at random, and fail traps and gold."""
    pictures = [(f"{category}-{number}", category) for category in CATEGORIES for number in range(4)]
    pairs = list(itertools.combinations(QUALITY, 2))
    rows = []
    for rater in range(raters):
        offset = rng.normal(0, bias)
        for trial in range(trials):
            kind = {0: "training", 9: "trap", 19: "gold"}.get(trial, "test")
            content, category = pictures[rng.integers(len(pictures))]
            left, right = rng.permutation(pairs[rng.integers(len(pairs))])
            expected = ""
            if kind != "test":
                left, right = "degraded", "clean"
                expected = {"training": "", "trap": 1, "gold": 2}[kind]

            def felt(condition, offset=offset, random=rater < careless):
                raw = rng.uniform(0.5, 5.5) if random else QUALITY[condition] + offset + rng.normal(0, noise)
                return int(np.clip(np.rint(raw), 1, 5))

            score, other = felt(left), felt(right)
            if kind == "trap":
                score = 1 if rater >= careless else 4
            if kind == "gold":
                score = 2 if rater >= careless else 5
            if method == "ccr":
                score, other = int(np.clip(score - other, -3, 3)), ""
                expected = "" if expected == "" else score
            elif method == "pair":
                score, other = int(score > other if score != other else rng.integers(2)), ""
                expected = "" if expected == "" else score
            rows.append(
                {
                    "study": "simulated", "session": f"s{rater:02}", "rater": f"simulated-{rater:02}", "trial": trial,
                    "kind": kind, "method": method, "content": content, "category": category,
                    "stimulus": f"{content}.{left}", "condition": left,
                    "other": "" if method == "acr" else f"{content}.{right}",
                    "other_condition": "" if method == "acr" else right,
                    "score": score, "other_score": other if method == "ab" else "", "expected": expected,
                    "shown_at": "2026-11-20T10:00:00Z", "answered_at": "2026-11-21T10:00:08Z", "response_ms": 8000,
                    "comment": "",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
