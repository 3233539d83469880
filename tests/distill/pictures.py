"""Small sharp pictures for training tests: crops of photographs that scikit-image ships, written as PNG by category."""

from PIL import Image
from skimage import data


def write_pictures(folder, per_category=3, side=96, first=0):
    """Make folder/{animals,people,text}/*.png, crops number first, first + 1, ...; returns folder."""
    sources = {"animals": data.chelsea(), "people": data.astronaut(), "text": data.page()}
    for category, pixels in sources.items():
        (folder / category).mkdir(parents=True)
        for index in range(first, first + per_category):
            top, left = 10 + 37 * index % (pixels.shape[0] - side - 10), 23 * index
            crop = pixels[top : top + side, left : left + side]
            Image.fromarray(crop).convert("RGB").save(folder / category / f"{category}_{index:04d}.png")
    return folder
