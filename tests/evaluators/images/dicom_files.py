"""Small valid DICOM series and segmentations, written by pydicom and highdicom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import highdicom
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid


def write_slices(
    folder: Path,
    volume: np.ndarray,
    *,
    spacing: tuple[float, float, float] = (3.0, 1.0, 2.0),
    origin: tuple[float, float, float] = (10.0, 20.0, 30.0),
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
    positions: Sequence[int] | None = None,
    shift: Sequence[float] = (0, 0, 0),
    names: Sequence[str] | None = None,
    description: str = "T2",
    photometric: str = "MONOCHROME2",
    slope: float | Sequence[float] = 1,
    intercept: float = 0,
    syntax: str | None = None,
) -> list[Path]:
    """A series, a file a slice: ``volume`` ``(slice, row, column)``, ``spacing`` in that order.

    Each slice lies ``shift`` mm beside the one before; ``slope`` may be one for each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    normal = np.cross(orientation[:3], orientation[3:])
    files = []
    for number, plane in enumerate(volume):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = "A^B", "1", "", "O"
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, frame
        data.StudyID, data.StudyDate, data.StudyTime, data.AccessionNumber = "1", "20200101", "000000", ""
        data.Modality, data.SeriesNumber, data.InstanceNumber, data.SeriesDescription = "MR", 1, number + 1, description
        data.Manufacturer = data.PositionReferenceIndicator = data.Laterality = data.ReferringPhysicianName = ""
        along = spacing[0] * (positions[number] if positions else number)
        data.ImagePositionPatient = [
            f"{value:.6g}" for value in np.array(origin) + along * normal + number * np.array(shift)
        ]
        data.ImageOrientationPatient = [f"{value:.6g}" for value in orientation]
        data.PixelSpacing, data.SliceThickness = [spacing[1], spacing[2]], spacing[0]
        data.Rows, data.Columns = plane.shape
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, photometric, 0
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.RescaleSlope = slope[number] if isinstance(slope, Sequence) else slope
        data.RescaleIntercept = intercept
        data.PixelData = np.ascontiguousarray(plane, "<u2").tobytes()
        if syntax:
            data.compress(syntax, generate_instance_uid=False)
        file = folder / (names[number] if names else f"{number:03d}.dcm")
        data.save_as(file, enforce_file_format=True)
        files.append(file)
    return files


def write_segmentation(
    path: Path,
    series: Sequence[Path],
    segments: np.ndarray,
    names: Sequence[str] = ("liver", "tumour"),
    kind: str = "BINARY",
) -> Path:
    """``segments`` ``(slice, row, column)`` of numbers, or with a last axis of segments, over the slices ``series``."""
    described = [
        highdicom.seg.SegmentDescription(
            number, name, codes.SCT.Organ, codes.SCT.Liver, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        for number, name in enumerate(names, 1)
    ]
    slices = [pydicom.dcmread(file) for file in series]
    uids = highdicom.UID(), highdicom.UID()
    highdicom.seg.Segmentation(
        slices, segments, kind, described, uids[0], 1, uids[1], 1, "maker", "model", "1", "1", omit_empty_frames=True
    ).save_as(path)
    return path
