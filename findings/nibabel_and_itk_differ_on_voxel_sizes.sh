#!/usr/bin/env bash
# nibabel 5.4.2 and SimpleITK 2.5.7 (ITK 5.4) give one NIfTI file different voxel sizes in two cases:
# a unit of microns, which nibabel hands out as they are and ITK brings to mm; and a pixdim that is not that of the sform,
# of which nibabel takes the sform and ITK the place and direction of the sform with the sizes of pixdim.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check nibabel==5.4.2 SimpleITK==2.5.7 numpy==2.4.6
venv/bin/python - <<'PY'
import nibabel
import numpy as np
import SimpleITK

SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)

def sizes(name):
    seen = nibabel.affines.voxel_sizes(nibabel.load(name).affine), SimpleITK.ReadImage(name).GetSpacing()
    return [tuple(round(float(size), 6) for size in found) for found in seen]

image = nibabel.Nifti1Image(np.zeros((5, 6, 7), np.int16), np.diag([500.0, 500, 2000, 1]))
image.set_qform(image.affine, 1)
image.header.set_xyzt_units("micron")
nibabel.save(image, "micron.nii")
image = nibabel.Nifti1Image(np.zeros((5, 6, 7), np.int16), None)
image.header.set_sform(np.diag([2.0, 2, 4, 1]), 1)
nibabel.save(image, "pixdim.nii")

found = {name: sizes(f"{name}.nii") for name in ("micron", "pixdim")}
print("nibabel", nibabel.__version__, "SimpleITK", SimpleITK.Version_VersionString())
for name, (one, other) in found.items():
    print(f"{name}: nibabel {one}, SimpleITK {other}")
raise SystemExit(found != {"micron": [(500, 500, 2000), (0.5, 0.5, 2)], "pixdim": [(2, 2, 4), (1, 1, 1)]})
PY
