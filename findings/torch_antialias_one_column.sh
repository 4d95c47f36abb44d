#!/usr/bin/env bash
# torch's interpolate(mode="bilinear", antialias=True) on the CPU resizes an image of one column to as many copies of one
# value as there are rows: to 8 rows, 0 1 2 3 becomes 0 0 0 0 0 0 0 0. The same image as one row comes out right.
# Why it matters here: evaluators/preprocessing.py turns such pictures and slices on their side.
#
# Run by hand; it makes its own environment and fails when torch behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import platform

import torch
from torch.nn.functional import interpolate

print(f"python {platform.python_version()}, torch {torch.__version__}")
row = torch.arange(4.0).reshape(1, 1, 1, 4)
as_row = interpolate(row, size=(1, 8), mode="bilinear", antialias=True).flatten().tolist()
as_column = interpolate(row.mT, size=(8, 1), mode="bilinear", antialias=True).flatten().tolist()
plain = interpolate(row.mT, size=(8, 1), mode="bilinear").flatten().tolist()
print(f"one row: {as_row}\none column: {as_column}\none column without antialias: {plain}")
assert as_row == plain == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3], "a row is no longer right"
assert as_column == [0] * 8, "a column is no longer wrong"
PYTHON
