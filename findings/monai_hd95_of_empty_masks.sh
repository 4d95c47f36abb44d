#!/usr/bin/env bash
# MONAI's 95th-percentile Hausdorff distance of a class that a network misses is NaN (without a percentile: infinity),
# NaN is also what it has where nobody shows the class, and the metric's mean leaves NaN out: the more a network misses,
# the better its mean. Known to MONAI as issue 9095 (https://github.com/Project-MONAI/MONAI/issues/9095), open.
# Why it matters here: scores count misses beside the mean, see evaluators/scoring.py.
#
# Run by hand; it makes its own environment and fails when MONAI behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 monai==1.6.1 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import math
import platform

import monai
import torch
from monai.metrics import HausdorffDistanceMetric

print(f"python {platform.python_version()}, torch {torch.__version__}, monai {monai.__version__}")

organ, shifted, nothing = torch.zeros(3, 1, 1, 32, 32)
organ[..., 8:16, 8:16] = 1
shifted[..., 8:16, 12:20] = 1


def distance(prediction, reference, percentile):
    metric = HausdorffDistanceMetric(include_background=True, percentile=percentile)
    metric(prediction, reference)
    return metric.get_buffer().item()


found = {
    "found, 95": distance(shifted, organ, 95),
    "missed, 95": distance(nothing, organ, 95),
    "missed, no percentile": distance(nothing, organ, None),
    "invented, 95": distance(organ, nothing, 95),
    "nobody shows it, 95": distance(nothing, nothing, 95),
}
mean = HausdorffDistanceMetric(include_background=True, percentile=95, get_not_nans=True)
mean(shifted, organ)
mean(nothing, organ)
value, cases = (number.item() for number in mean.aggregate())
for name, number in found.items():
    print(f"{name}: {number}")
print(f"mean of one found and one missed: {value}, over {cases:g} of 2 cases")

expected = {"found, 95": 4.0, "missed, 95": math.nan, "missed, no percentile": math.inf, "invented, 95": math.nan}
for name, number in expected.items():
    assert number == found[name] or (math.isnan(number) and math.isnan(found[name])), f"{name} is no longer {number}"
assert (value, cases) == (4.0, 1.0), "the mean no longer leaves the miss out"
PYTHON
