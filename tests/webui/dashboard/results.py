"""Results of other commands for tests, as `evaluate`, `benchmark` and `study report` write them."""

import json

import numpy as np
from PIL import Image

MACHINE = {"cpu": "EPYC", "cores": 2, "system": "Linux x86_64"}
MADE = {"command": "python launch.py evaluate", "commit": "abc", "date": "2026-11-24", "machine": MACHINE}
PICTURES = [(f"{category}/{category}_{index}.jpg", category) for category in ("people", "text") for index in range(3)]


def write_evaluation(folder, recipe="report"):
    """Six pictures, two methods beside the soft one: small gains 1, 2, 3 dB in each category, nano half of that."""
    folder.mkdir(parents=True)
    lines = ["picture,category,method,ssim,psnr,sigma"]
    for index, (picture, category) in enumerate(PICTURES):
        for method, ssim, gain in (("degraded", 0.8, 0), ("nano", 0.88, 0.5), ("small", 0.91, 1)):
            lines.append(f"{picture},{category},{method},{ssim},{25 + gain * (index % 3 + 1)},1.5")
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    (folder / "results.json").write_text(json.dumps(MADE | {"recipe": recipe, "pictures": 6}))
    return folder


def pixels(grey):
    return np.full((40, 60, 3), grey, np.uint8)


def write_pictures(folder, picture="people/people_1.jpg"):
    """As `evaluate --pictures`: degraded 100, small 116, clean 120."""
    place = folder / "pictures" / picture.removesuffix(".jpg")
    place.mkdir(parents=True)
    for name, grey in (("degraded", 100), ("small", 116), ("clean", 120)):
        Image.fromarray(pixels(grey)).save(place / f"{name}.png")


def benchmark(machine=MACHINE, **changed):
    rows = [
        {
            "model": model,
            "backend": "openvino",
            "device": "CPU",
            "size": size,
            "median_ms": ms,
            "p95_ms": 1.5 * ms,
            "fps": 1,
        }
        for model, size, ms in (
            ("nano", "480p", 8),
            ("nano", "1080p", 50),
            ("small", "480p", 12),
            ("small", "1080p", 80),
        )
    ]
    return MADE | {"machine": machine, "rows": rows} | changed


def write_study(folder):
    folder.mkdir(parents=True)
    (folder / "mos.csv").write_text(
        "counted,condition,category,raters,votes,mos,sos,se,ci95_low,ci95_high\n"
        "all raters,small,,24,72,4.1,0.5,0.1,3.9,4.3\nall raters,degraded,,24,72,2.5,0.5,0.1,2.3,2.7\n"
        "after exclusions,small,,22,66,4.2,0.5,0.1,4.0,4.4\nafter exclusions,degraded,,22,66,2.4,0.5,0.1,2.2,2.6\n"
        "all raters,small,text,24,36,4.5,0.5,0.1,4.3,4.7\n"
    )
    (folder / "pairs.csv").write_text(
        "counted,item,other,n,preferred,ties,share,ci95_low,ci95_high\n"
        "all raters,small,degraded,72,54,6,0.79,0.69,0.87\n"
    )
    (folder / "raters.csv").write_text("rater,answers,excluded,why\na,30,,\nb,30,zero variance,all answers are 3\n")
    (folder / "ratings.csv").write_text(
        "study,session,rater,trial,kind,score,answered_at\n1,s,a,0,training,3,2026-11-24T10:00:00Z\n"
        "1,s,a,1,test,4,2026-11-24T10:01:00Z\n1,t,b,1,test,3,2026-11-24T11:02:00Z\n"
    )
    return folder
