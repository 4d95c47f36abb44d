#!/usr/bin/env bash
# Pillow 13.0.0: an uncompressed TIFF whose Orientation tag is 5 to 8 (a photo or scan held upright) is read as noise when
# it is opened by its name and not square. The mapped file is cut into rows of the turned width. Compressed ones, and
# those opened from a stream, are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
venv/bin/python - <<'PY'
import numpy as np
import PIL
from PIL import Image

pixels = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
upright = np.rot90(pixels, -1)  # what orientation 6 asks for
exif = Image.Exif()
exif[274] = 6

def right(opened):
    with Image.open(opened) as picture:
        picture.load()
        found = np.asarray(picture)
    return found.shape == upright.shape and bool((found == upright).all())

Image.fromarray(pixels).save("plain.tif", exif=exif)
Image.fromarray(pixels).save("packed.tif", exif=exif, compression="tiff_adobe_deflate")
seen = {"by name": right("plain.tif"), "from a stream": right(open("plain.tif", "rb")), "compressed": right("packed.tif")}
print("Pillow", PIL.__version__, "reads a TIFF of orientation 6 right:", seen)
raise SystemExit(seen != {"by name": False, "from a stream": True, "compressed": True})
PY
