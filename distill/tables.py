"""results.json of evaluations as Markdown tables: `python -m distill.tables OUT/results.json ...`."""

import argparse
import json
from pathlib import Path


def tables(results):
    """Every table that a results.json holds, as Markdown: methods by category, sweeps, sharp pictures, estimates."""
    parts = [_title(results), _main(results["summary"])]
    for by in dict.fromkeys(row["by"] for row in results.get("sweeps", ())):
        parts.append(_sweep(by, [row for row in results["sweeps"] if row["by"] == by]))
    if "clean" in results:
        parts.append(_clean(results["clean"]))
    if "estimates" in results:
        parts.append(_estimates(results["estimates"]))
    return "\n\n".join(parts) + "\n"


def markdown(head, rows):
    """A Markdown table. head: words; rows: lists of as many words."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(word) for word in line)} |" for line in lines)


def _title(results):
    made = f"`{results['command']}`, commit {results['commit']}, {results['date']}"
    return f"{results['pictures']} pictures, recipe `{results['recipe']}`. Made by {made}."


def _main(summary):
    categories = [name for name in dict.fromkeys(row["category"] for row in summary) if name != "all"]
    decibels = {(row["category"], row["method"]): row["psnr"] for row in summary}
    head = ["method", "SSIM", "PSNR, dB", "gain, dB", "SSIM > 0.9", *categories, "parameters", "GMACs a 1080p frame"]
    rows = [
        [row["method"], f"{row['ssim']:.3f}", f"{row['psnr']:.2f}", f"{row['psnr_gain']:+.2f}", row["ssim_over_0.9"]]
        + [f"{decibels[category, row['method']]:.2f}" for category in categories]
        + [_count(row.get("parameters", "-")), row.get("gmacs_1080p", "-")]
        for row in summary
        if row["category"] == "all"
    ]
    return markdown(head, rows)


def _sweep(by, rows):
    """PSNR by setting; and the least gain of any category, for whoever asks whether one is made worse."""
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    decibels = {(row["setting"], row["method"]): row["psnr"] for row in rows if row["category"] == "all"}
    least = {name: min(row["psnr_gain"] for row in rows if row["method"] == name) for name in methods}
    head = [f"PSNR, dB, by {by}", *settings, "least gain of a category"]
    return markdown(
        head,
        [
            [name, *(f"{decibels[setting, name]:.2f}" for setting in settings), f"{least[name]:+.2f}"]
            for name in methods
        ],
    )


def _clean(rows):
    head = ["sharp pictures keep, PSNR in dB", "mean", "5th percentile", "least", "under 45 dB"]
    return markdown(
        head,
        [
            [row["method"], *(f"{row[key]:.2f}" for key in ("psnr", "psnr_p5", "psnr_min")), row["under_45_db"]]
            for row in rows
        ],
    )


def _estimates(rows):
    numbers = [key.removesuffix("_error") for key in rows[0] if key.endswith("_error")]
    head = ["measured by", "category", *(f"{number}: error (bias)" for number in numbers), "lost, dB"]
    return markdown(
        head,
        [
            [row["method"], row["category"]]
            + [f"{row[f'{number}_error']:.3f} ({row[f'{number}_bias']:+.3f})" for number in numbers]
            + [f"{row['psnr_lost']:.2f}"]
            for row in rows
        ],
    )


def _count(value):
    return f"{value:,}" if isinstance(value, int) else value


def main(argv=None):
    """Print the tables of each results.json that is named."""
    parser = argparse.ArgumentParser(prog="python -m distill.tables", description=main.__doc__)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS.json")
    for path in parser.parse_args(argv).results:
        try:
            print(tables(json.loads(path.read_text(encoding="utf-8"))))
        except OSError as error:
            parser.exit(2, f"whetstone: {path} cannot be read ({error.strerror})\n")
        except (ValueError, KeyError, TypeError):
            parser.exit(2, f"whetstone: {path} is no results.json; `python launch.py evaluate --out DIR` writes one\n")


if __name__ == "__main__":
    main()
