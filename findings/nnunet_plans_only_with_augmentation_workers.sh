#!/usr/bin/env bash
# nnU-Net 2.8.1 (torch 2.13.0): nnUNet_n_proc_DA=0, which its trainer takes to mean that the training process augments
# by itself, ends planning: the planner sets torch's threads to the same number, and torch takes none but positive ones.
# Seen: "RuntimeError: set_num_threads expects a positive integer" from nnUNetv2_plan_experiment; with 1 it writes plans.
# What this project does about it: docs/export.md says so where it speaks of training an export inside nnU-Net.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nnunetv2==2.8.1 torch==2.13.0 nibabel numpy
cd "$folder"
export nnUNet_raw="$folder/raw" nnUNet_preprocessed="$folder/preprocessed" nnUNet_results="$folder/results"
venv/bin/python - <<'PYTHON'
import json
import os
from pathlib import Path

import nibabel
import numpy as np

data = Path(os.environ["nnUNet_raw"]) / "Dataset001_Boxes"
rng = np.random.default_rng(0)
for name in ("imagesTr", "labelsTr"):
    (data / name).mkdir(parents=True)
for case in range(5):
    label = np.zeros((24, 24, 24), np.uint8)
    label[6:14, 8:16, 5:15] = 1
    image = (label + rng.normal(0, 0.1, label.shape)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), data / "imagesTr" / f"box_{case}_0000.nii.gz")
    nibabel.save(nibabel.Nifti1Image(label, np.eye(4)), data / "labelsTr" / f"box_{case}.nii.gz")
about = {"channel_names": {"0": "MRI"}, "labels": {"background": 0, "box": 1}, "numTraining": 5, "file_ending": ".nii.gz"}
(data / "dataset.json").write_text(json.dumps(about))
PYTHON
venv/bin/nnUNetv2_extract_fingerprint -d 1 -np 1 > fingerprint.log 2>&1
grep -q "allowed_num_processes == 0" venv/lib/python3*/site-packages/nnunetv2/training/nnUNetTrainer/nnUNetTrainer.py
echo "the trainer has a way of its own for 0"
if nnUNet_n_proc_DA=0 venv/bin/nnUNetv2_plan_experiment -d 1 > none.log 2>&1; then
  echo "mended: planning ends well with nnUNet_n_proc_DA=0" && exit 1
fi
tail -n 1 none.log
tail -n 1 none.log | grep -q "RuntimeError: set_num_threads expects a positive integer"
test ! -e "$nnUNet_preprocessed/Dataset001_Boxes/nnUNetPlans.json"
nnUNet_n_proc_DA=1 venv/bin/nnUNetv2_plan_experiment -d 1 > one.log 2>&1
test -e "$nnUNet_preprocessed/Dataset001_Boxes/nnUNetPlans.json"
echo "with nnUNet_n_proc_DA=1 it writes plans; as stated"
