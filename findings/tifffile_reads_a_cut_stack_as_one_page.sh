#!/usr/bin/env bash
# tifffile 2026.3.3: a stack of pages that was cut off in a copy is read without an exception, as the pages that are
# whole: a volume of 9 slices becomes a picture. What is wrong goes to the log alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6
venv/bin/python - <<'PY'
import numpy as np
import tifffile

volume = np.random.default_rng(0).integers(0, 255, (9, 64, 64)).astype(np.uint8)
tifffile.imwrite("whole.tif", volume, photometric="minisblack", compression="zlib")
content = open("whole.tif", "rb").read()
open("cut.tif", "wb").write(content[: len(content) // 2])
shapes = tifffile.imread("whole.tif").shape, tifffile.imread("cut.tif").shape
print("tifffile", tifffile.__version__, "reads the whole file as", shapes[0], "and its first half as", shapes[1])
raise SystemExit(shapes != ((9, 64, 64), (64, 64)))
PY
