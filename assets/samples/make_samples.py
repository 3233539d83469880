"""Makes the sample pictures beside this file: drawn, rendered or in the public domain, softened as a camera softens.

`python assets/samples/make_samples.py [FOLDER]` needs scikit-image (requirements-torch.txt) for the two photographs.
The same versions of Pillow, NumPy, OpenCV and scikit-image write the same pixels every time.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 1280, 853
SEED = 2

PARAGRAPHS = (
    "A whetstone takes nothing away but what dulls the edge. The smith who hurries grinds the blade thin; the smith "
    "who knows the stone lets the stone do the work, stroke after stroke, and looks at the light along the steel.",
    "A picture loses its edge in many places: in a lens of one plastic element, on a sensor that is small, in the "
    "scaling from one size to another, and at last in a connection that carries a tenth of what the camera saw.",
    "Most of the loss is orderly. A point of light becomes a small round spot, and every spot has the same shape. What "
    "is orderly can be measured, and what can be measured can in part be undone. The rest is noise, and is best left.",
    "Too much of a good thing shows at once: bright rims around dark letters, grain where the sky was smooth. A good "
    "edge is not the hardest edge but the one that was there before.",
)
ROWS = (
    ("Grit", "Use", "Strokes", "Angle"),
    ("220", "repair a chipped edge", "60", "20"),
    ("1000", "sharpen", "40", "17"),
    ("3000", "refine", "30", "16"),
    ("8000", "polish", "25", "15"),
    ("strop", "finish", "20", "14"),
)
SHIPS = (
    ("Northern Plover", "NO", "Bergen", "B-2", "06:40", "7.1 m", "moored"),
    ("Anna Maria", "PT", "Leixoes", "C-1", "07:15", "9.4 m", "moored"),
    ("Grey Heron", "IE", "Cork", "A-4", "08:05", "6.2 m", "pilot on"),
    ("Tern of Skye", "GB", "Mallaig", "D-1", "09:30", "4.8 m", "expected"),
    ("Wandelaar", "NL", "Vlissingen", "B-1", "11:20", "8.0 m", "expected"),
    ("Kittiwake", "DK", "Esbjerg", "C-3", "12:55", "5.5 m", "delayed"),
)


def font(size: float) -> ImageFont.FreeTypeFont:
    """Aileron Regular (Sora Sagano, CC0), which Pillow carries inside."""
    return ImageFont.load_default(size)  # type: ignore[return-value]


def text_page() -> Image.Image:
    """A page of a book, as a scanner or a phone held above it sees it."""
    page = Image.new("L", (WIDTH, HEIGHT), 247)
    draw = ImageDraw.Draw(page)
    draw.text((90, 52), "ON SHARPENING", font=font(44), fill=22)
    draw.text((92, 108), "Chapter 3.  What a stone can and cannot do", font=font(21), fill=60)
    draw.line((90, 146, WIDTH - 90, 146), fill=40, width=2)
    top = {0: 172, 1: 172}
    for index, paragraph in enumerate(PARAGRAPHS):
        column = index // 2
        size = 22 if index % 2 == 0 else 17
        top[column] = (
            _paragraph(draw, paragraph, 90 + column * 570, top[column], 520, font(size), round(size * 1.42)) + 20
        )
    _table(draw, 90, max(top.values()) + 12, (110, 330, 130, 110))
    page.paste(_star(300), (840, 455))
    draw.text((860, 760), "Fig. 3.  Spokes that meet: where they merge, detail ends.", font=font(13), fill=40)
    draw.text(
        (90, 690),
        "Fine print, 13 points: 0123456789, the quick brown fox jumps over the lazy dog.",
        font=font(13),
        fill=40,
    )
    draw.text(
        (90, 712),
        "Fine print, 11 points: 0123456789, the quick brown fox jumps over the lazy dog.",
        font=font(11),
        fill=40,
    )
    draw.text((WIDTH // 2 - 12, HEIGHT - 44), "27", font=font(17), fill=50)
    return page


def _star(side: int) -> Image.Image:
    """A Siemens star of 36 spokes, drawn four times as large and reduced."""
    y, x = np.mgrid[0 : side * 4, 0 : side * 4] - side * 2
    spokes = (np.sin(np.arctan2(y, x) * 36) > 0) & (np.hypot(x, y) < side * 1.9)
    return Image.fromarray(np.where(spokes, 25, 247).astype(np.uint8)).resize((side, side), Image.Resampling.BOX)


def _paragraph(draw, text, left, top, width, letters, line_height) -> int:
    """Draws justified lines; returns the y below them."""
    words, lines, line = text.split(), [], []
    for word in words:
        if line and letters.getlength(" ".join([*line, word])) > width:
            lines.append(line)
            line = []
        line.append(word)
    lines.append(line)
    for number, line in enumerate(lines):
        gap = letters.getlength(" ")
        if number < len(lines) - 1 and len(line) > 1:
            gap = (width - sum(map(letters.getlength, line))) / (len(line) - 1)
        x = float(left)
        for word in line:
            draw.text((x, top), word, font=letters, fill=28)
            x += letters.getlength(word) + gap
        top += line_height
    return top


def _table(draw, left, top, widths) -> None:
    for row, cells in enumerate(ROWS):
        y, x = top + row * 31, left
        if row == 0:
            draw.rectangle((left, y - 3, left + sum(widths), y + 26), fill=215)
        for cell, width in zip(cells, widths):
            draw.text((x + 8, y), cell, font=font(18), fill=25)
            x += width
        draw.line((left, y + 27, left + sum(widths), y + 27), fill=120)


def screen() -> Image.Image:
    """A window of a program with charts, small labels, hairlines and flat colours."""
    scale = 2  # drawn twice as large and reduced: smooth edges
    image = Image.new("RGB", (WIDTH * scale, HEIGHT * scale), (24, 28, 36))
    draw = ImageDraw.Draw(image)

    def box(x0, y0, x1, y1, fill, radius=10, outline=None):
        draw.rounded_rectangle([v * scale for v in (x0, y0, x1, y1)], radius * scale, fill, outline, scale)

    def label(x, y, text, size=15, fill=(190, 198, 212)):
        draw.text((x * scale, y * scale), text, font=font(size * scale), fill=fill)

    def line(points, fill, width=2):
        draw.line([(x * scale, y * scale) for x, y in points], fill, width * scale, joint="curve")

    rng = np.random.default_rng(SEED)
    box(0, 0, 220, HEIGHT, (31, 36, 46), 0)
    label(24, 24, "Harbour", 26, (240, 244, 250))
    for index, name in enumerate(
        ("Overview", "Tides", "Arrivals", "Berths", "Weather", "Cranes", "Reports", "Settings")
    ):
        y = 92 + index * 46
        if index == 1:
            box(12, y - 10, 208, y + 28, (47, 104, 196), 8)
        draw.ellipse([v * scale for v in (26, y + 1, 40, y + 15)], fill=(120 + 15 * index, 200 - 12 * index, 190))
        label(54, y - 2, name, 17, (236, 240, 247) if index == 1 else (168, 178, 194))
    for index, (title, value, colour) in enumerate(
        (
            ("High water", "4.82 m", (92, 200, 160)),
            ("Low water", "0.61 m", (240, 180, 90)),
            ("Ships in port", "37", (236, 110, 120)),
        )
    ):
        x = 248 + index * 340
        box(x, 24, x + 312, 122, (38, 44, 56))
        label(x + 20, 38, title, 15)
        label(x + 20, 62, value, 36, colour)
    box(248, 146, 928, 540, (38, 44, 56))
    label(268, 160, "Water level, this week (m)", 17, (226, 232, 242))
    for step in range(7):
        y = 210 + step * 46
        line([(306, y), (908, y)], (58, 66, 82), 1)
        label(272, y - 8, f"{6 - step}.0", 12)
    hours = np.linspace(0, 1, 200)
    level = np.sin(hours * 2 * np.pi * 6.2) * (1.5 + 0.5 * np.cos(hours * 5)) + 2.8
    forecast = level + rng.normal(0, 0.12, 200).cumsum() * 0.6
    line([(306 + 602 * h, 486 - 46 * v) for h, v in zip(hours, forecast)], (240, 180, 90), 1)
    line([(306 + 602 * h, 486 - 46 * v) for h, v in zip(hours, level)], (96, 176, 255), 3)
    for index, day in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")):
        label(330 + index * 86, 500, day, 13)
    box(952, 146, 1256, 540, (38, 44, 56))
    label(972, 160, "Cargo by quay", 17, (226, 232, 242))
    for index, value in enumerate((0.92, 0.74, 0.61, 0.57, 0.33, 0.21, 0.12)):
        y = 204 + index * 46
        label(972, y, f"Quay {chr(65 + index)}", 14)
        box(1036, y - 1, 1236, y + 19, (52, 60, 76), 4)
        box(1036, y - 1, 1036 + 200 * value, y + 19, (80, 160 - 12 * index, 220 - 20 * index), 4)
        label(1044, y + 2, f"{round(value * 4180)} t", 11, (245, 248, 252))
    box(248, 564, 1256, 829, (38, 44, 56))
    columns = (
        ("Ship", 0),
        ("Flag", 250),
        ("From", 360),
        ("Berth", 560),
        ("Arrival", 680),
        ("Draught", 800),
        ("State", 900),
    )
    for name, x in columns:
        label(270 + x, 578, name, 14, (140, 152, 172))
    for row, ship in enumerate(SHIPS):
        y = 610 + row * 35
        line([(264, y - 7), (1240, y - 7)], (54, 62, 78), 1)
        for cell, (_, x) in zip(ship, columns):
            label(270 + x, y, cell, 15, (214, 221, 233))
    return image.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


def rendered_scene() -> Image.Image:
    """Five balls on a tiled floor under a sky, traced ray by ray: shadows, mirrors, and textures with fine detail."""
    height, width = 720, 1080
    centres = np.array([[0, 1.0, 5.2], [-2.1, 0.7, 4.2], [2.0, 0.8, 4.4], [0.9, 0.42, 3.2], [-0.85, 0.36, 3.1]])
    radii = np.array([1.0, 0.7, 0.8, 0.42, 0.36])
    colours = np.array(
        [[0.92, 0.92, 0.95], [0.80, 0.22, 0.18], [0.20, 0.45, 0.75], [0.95, 0.74, 0.25], [0.30, 0.62, 0.35]]
    )
    mirror = np.array([0.75, 0.08, 0.12, 0.10, 0.05])
    light = np.array([-0.55, 0.75, -0.36])
    light /= np.linalg.norm(light)
    grain = cv2.resize(np.random.default_rng(SEED).random((256, 256)), (1024, 1024), interpolation=cv2.INTER_CUBIC)

    def nearest(origins, rays):
        """(distance, index of the ball or -1) of the first ball that each ray meets."""
        best, ball = np.full(len(rays), np.inf), np.full(len(rays), -1)
        for index, (centre, radius) in enumerate(zip(centres, radii)):
            to = origins - centre
            half = (to * rays).sum(1)
            inside = half**2 - (to**2).sum(1) + radius**2
            distance = -half - np.sqrt(np.maximum(inside, 0))
            hit = (inside > 0) & (distance > 1e-3) & (distance < best)
            best[hit], ball[hit] = distance[hit], index
        return best, ball

    def sky(rays):
        up = np.clip(rays[:, 1:2], 0, 1)
        return (1 - up) * np.array([0.86, 0.90, 0.95]) + up * np.array([0.30, 0.52, 0.85])

    def colour(origins, rays, depth=2):
        out = sky(rays)
        distance, ball = nearest(origins, rays)
        down = rays[:, 1] < -1e-4
        to_floor = np.where(down, -origins[:, 1] / np.where(down, rays[:, 1], -1), np.inf)
        floor = down & (to_floor < distance) & (to_floor < 60)
        for hit, where in ((floor, to_floor), ((ball >= 0) & ~floor, distance)):
            if not hit.any():
                continue
            points = origins[hit] + rays[hit] * where[hit, None]
            if hit is floor:
                normals = np.tile([0.0, 1.0, 0.0], (len(points), 1))
                x, z = points[:, 0] / 0.5, points[:, 2] / 0.5
                tile = ((np.floor(x) + np.floor(z)) % 2)[:, None]
                joint = ((x % 1 < 0.03) | (z % 1 < 0.03))[:, None]
                wear = grain[(points[:, 2] * 190).astype(int) % 1024, (points[:, 0] * 190).astype(int) % 1024][:, None]
                base = np.where(tile > 0, [0.80, 0.76, 0.68], [0.35, 0.32, 0.30]) * (0.75 + 0.5 * wear)
                base, shine = np.where(joint, 0.15, base), np.full(len(points), 0.07)
            else:
                kind = ball[hit]
                normals = (points - centres[kind]) / radii[kind, None]
                stripes = np.where((kind == 1) & (np.sin(normals[:, 1] * 38) > 0), 0.55, 1.0)[:, None]
                speckle = grain[
                    ((normals[:, 1] + 1) * 400).astype(int) % 1024, ((normals[:, 0] + 1) * 400).astype(int) % 1024
                ]
                speckle = np.where(kind == 2, 0.6 + 0.8 * speckle, 1.0)[:, None]
                base, shine = colours[kind] * stripes * speckle, mirror[kind]
            start = points + normals * 2e-3
            shadow = nearest(start, np.tile(light, (len(points), 1)))[1] >= 0
            lit = np.clip(normals @ light, 0, 1) * np.where(shadow, 0.12, 1)
            seen = base * (0.28 + 0.85 * lit)[:, None]
            bounce = rays[hit] - 2 * (rays[hit] * normals).sum(1, keepdims=True) * normals
            spark = np.clip(bounce @ light, 0, 1) ** 60 * ~shadow * (0.6 if hit is not floor else 0.1)
            seen = seen + spark[:, None]
            if depth:
                seen = seen * (1 - shine[:, None]) + colour(start, bounce, depth - 1) * shine[:, None]
            haze = np.clip(where[hit, None] / 60, 0, 1) ** 2
            out[hit] = seen * (1 - haze) + sky(rays[hit]) * haze
        return out

    samples = []
    for dy, dx in ((0.25, 0.25), (0.75, 0.75), (0.25, 0.75), (0.75, 0.25)):  # four rays a pixel: smooth edges
        y, x = np.mgrid[0:height, 0:width]
        rays = np.stack(
            [(x + dx - width / 2) / height, (height / 2 - y - dy) / height - 0.16, np.full(x.shape, 0.95)], -1
        )
        rays = rays.reshape(-1, 3) / np.linalg.norm(rays.reshape(-1, 3), axis=1, keepdims=True)
        origins = np.tile([0.0, 1.35, -0.6], (len(rays), 1))
        samples.append(colour(origins, rays))
    pixels = np.clip(np.mean(samples, 0), 0, 1).reshape(height, width, 3) ** (1 / 1.6)
    return Image.fromarray((pixels * 255).round().astype(np.uint8))


def portrait() -> Image.Image:
    from skimage import data

    return Image.fromarray(data.astronaut())


def animal() -> Image.Image:
    from skimage import data

    return Image.fromarray(data.chelsea())


def softened(image: Image.Image, blur: float, *, half: bool, noise: float) -> Image.Image:
    """What a soft lens (Gaussian, sigma `blur` pixels) and, with `half`, a sensor of half the size leave of a picture.

    noise: standard deviation in levels of 255.
    """
    pixels = cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), blur)
    height, width = pixels.shape[:2]
    if half:
        small = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    pixels = pixels + np.random.default_rng(SEED).normal(0, noise, pixels.shape)
    return Image.fromarray(np.clip(pixels.round(), 0, 255).astype(np.uint8))


# name: (picture, sigma of the blur, through a sensor of half the size, noise)
SAMPLES = {
    "text-soft.png": (text_page, 1.3, False, 0.0),
    "graphics-soft.png": (screen, 1.2, False, 0.0),
    "scene-soft.jpg": (rendered_scene, 1.4, True, 0.8),
    "portrait-soft.jpg": (portrait, 1.3, False, 0.8),
    "animal-soft.jpg": (animal, 1.2, False, 0.8),
}


def main(folder: Path) -> None:
    for name, (make, blur, half, noise) in SAMPLES.items():
        options = {"optimize": True} if name.endswith(".png") else {"quality": 92, "subsampling": 0}
        softened(make(), blur, half=half, noise=noise).save(folder / name, **options)
        print(f"{name}: {(folder / name).stat().st_size // 1000} KB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
