"""A network as a MONAI bundle: ``python -m monai.bundle run`` segments a folder of images with it.

The bundle needs MONAI, nibabel, pytorch-ignite and fire, and nothing of this package: its network is source code for
torch alone, see ``standalone``. Images are read and labels saved by MONAI; what lies between is ``scripts/predict.py``,
so that labels are those of ``nas predict``.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.files import write_bytes, write_text
from nas.exports.carried import monai_schema
from nas.exports.carried import predict as runner
from nas.exports.formats.format import Format, Images, register
from nas.exports.formats.standalone import read_weights, weights_of, write_source
from nas.exports.model import SETTINGS, ExportedModel

METADATA, SCHEMA, INFERENCE = "configs/metadata.json", "configs/schema.json", "configs/inference.json"
NETWORK, WEIGHTS, PARTS = "scripts/network", "models/model.pt", "monai_parts.py"
SCHEMA_OF_MONAI = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
)
NEEDED = {"nibabel": "nibabel", "pytorch-ignite": "ignite", "fire": "fire"}  # distribution, and its name in bundles


def write_bundle(model: ExportedModel, folder: Path, images: Images = ()) -> Path:
    """Write the bundle ``folder`` and return it; raises ``InputError`` as ``write_source`` does."""
    carried = Path(runner.__file__).parent
    write_source(model, folder / NETWORK)
    write_bytes(folder / WEIGHTS, weights_of(model))
    write_text(folder / "scripts" / "__init__.py", '"""What the configs of this bundle name."""\n')
    write_bytes(folder / "scripts" / "predict.py", Path(runner.__file__).read_bytes())
    write_bytes(folder / "scripts" / "parts.py", (carried / PARTS).read_bytes())
    for name, content in (
        (METADATA, metadata(model)),
        (SCHEMA, monai_schema.SCHEMA),
        (INFERENCE, inference(model)),
    ):
        write_text(folder / name, json.dumps(content, indent=2) + "\n")
    write_text(folder / "docs" / "README.md", _page(model))
    return folder


def inference(model: ExportedModel) -> dict[str, Any]:
    """The config of ``monai.bundle run``."""
    layout = model.preprocessing
    pictures = layout.dims == 2 and layout.slice_axis is None
    return {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/images'",
        "output_dir": "$@bundle_root + '/eval'",
        "output_ext": ".png" if pictures else ".nii.gz",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": {"_target_": "scripts.network.build"},
        "network": {
            "_target_": "scripts.parts.load_weights",
            "module": "$@network_def.to(@device)",
            "path": f"$@bundle_root + '/{WEIGHTS}'",
        },
        "datalist": {"_target_": "scripts.parts.datalist", "folder": "@dataset_dir"},
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image", "image_only": True},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
                {"_target_": "scripts.parts.Prepared", "keys": "image"},
            ],
        },
        "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
        "inferer": {"_target_": "scripts.parts.Labels"},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "scripts.parts.TurnedBack", "keys": "pred"},
                {
                    "_target_": "SaveImaged",
                    "keys": "pred",
                    "output_dir": "@output_dir",
                    "output_ext": "@output_ext",
                    "output_postfix": "",
                    "output_dtype": f"${_kind(layout.labelling.values)}",
                    "resample": False,
                    "separate_folder": False,
                    "print_log": False,
                },
            ],
        },
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
        },
        "run": ["$@evaluator.run()"],
    }


def metadata(model: ExportedModel) -> dict[str, Any]:
    """What MONAI's specification of bundles asks for, as far as an export knows it."""
    layout, about = model.preprocessing, model.about
    classes = {"0": "background"} | {str(n): name for n, name in enumerate(layout.classes, start=1)}
    shape = list(layout.patch)
    common = {"type": "image", "dtype": "float32", "spatial_shape": shape, "is_patch_data": True}
    return {
        "schema": SCHEMA_OF_MONAI,
        "version": "0.1.0",
        "changelog": {"0.1.0": "exported by attention-nas"},
        "monai_version": importlib.metadata.version("monai"),
        "pytorch_version": importlib.metadata.version("torch").partition("+")[0],
        "numpy_version": importlib.metadata.version("numpy"),
        "required_packages_version": _versions(),
        "name": f"Segmentation of {', '.join(layout.classes)}",
        "task": f"Segmentation of {', '.join(layout.classes)}",
        "description": f"{model.architecture}, found by attention-nas in the run '{about.get('run', 'of nas train')}'",
        "authors": "not stated",
        "copyright": "not stated",
        "license": "not stated",
        "data_source": f"{about.get('task', 'not told')} (fingerprint of its cases: {about.get('data', 'none')})",
        "data_type": "NIfTI or pictures",
        "label_classes": ", ".join(f"{value}" for value in layout.labelling.values),
        "pred_classes": ", ".join(classes.values()),
        "eval_metrics": {"mean_dice": about["dice"]} if "dice" in about else {},
        "intended_use": "research; no medical device, and no diagnosis rests on it",
        "network_data_format": {
            "inputs": {
                "image": {
                    **common,
                    "format": "magnitude",
                    "modality": "not stated",
                    "num_channels": layout.channels,
                    "value_range": [],
                    "channel_def": {str(n): f"channel {n}" for n in range(layout.channels)},
                }
            },
            "outputs": {
                "pred": {
                    **common,
                    "format": "segmentation",
                    "num_channels": len(classes),
                    "value_range": [],
                    "channel_def": classes,
                }
            },
        },
    }


def read_bundle(folder: Path, device: str = "cpu") -> ExportedModel:
    """The model in a bundle that ``nas export`` wrote; nothing of its source is run."""
    return read_weights(folder / NETWORK / SETTINGS, folder / WEIGHTS, device)


def _versions() -> Mapping[str, str]:
    """Of what the bundle needs beside MONAI, as far as it is here."""
    found = {}
    for distribution, name in NEEDED.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _kind(values: tuple[int, ...]) -> str:
    """The type that holds label values."""
    low, high = min(values), max(values)
    return (
        "torch.uint8"
        if low >= 0 and high < 256
        else "torch.int16"
        if low >= -(2**15) and high < 2**15
        else "torch.int32"
    )


def _page(model: ExportedModel) -> str:
    return f"""# Segmentation of {", ".join(model.preprocessing.classes)}

In this folder, with MONAI, nibabel, pytorch-ignite and fire:

    python -m monai.bundle run --config_file {INFERENCE} --dataset_dir IMAGES --output_dir LABELS
    python -m monai.bundle verify_metadata --meta_file {METADATA} --filepath {SCHEMA}
    python -m monai.bundle verify_net_in_out --net_id network_def --meta_file {METADATA} --config_file {INFERENCE}

`--output_ext .nii.gz` or `.png`: of the labels, which lie as their images do. What the schema holds is written after
MONAI's specification of bundles; the one at the address in the metadata is MONAI's own.
"""


register(Format("bundle", "bundle", "a MONAI bundle", write_bundle, read_bundle, mark=METADATA, runs_alone=False))
