"""A folder by which nnU-Net v2 trains the architecture: its trainer, and the network as source for torch alone.

nnU-Net finds trainers in the folder that ``nnUNet_extTrainer`` names (from 2.6.3), and its plans name a network's class
by a dotted path; there is something for either. What is handed on is the architecture, to be trained anew by nnU-Net's
recipe on its preprocessing, for as many channels and classes as the data set there has; no weights.
"""

from __future__ import annotations

from pathlib import Path

from evaluators.files import write_bytes
from nas.exports.carried import predict
from nas.exports.formats.format import Format, Images, register
from nas.exports.formats.standalone import write_source
from nas.exports.model import SETTINGS, ExportedModel, Network, model_from_settings
from search_spaces.errors import InputError

NETWORK, TRAINER = "attention_nas_network", "nnUNetTrainerAttentionNas.py"


def write_nnunet(model: ExportedModel, folder: Path, images: Images = ()) -> Path:
    """Write the folder and return it; raises ``InputError`` as ``write_source`` does."""
    write_source(model, folder / NETWORK)
    template = Path(predict.__file__).with_name("nnunet_trainer.py")
    write_bytes(folder / TRAINER, template.read_bytes())
    return folder


def read_nnunet(folder: Path, device: str = "cpu") -> ExportedModel:
    """Raises ``InputError``: it holds no weights, and predictions are made by nnU-Net after a training there."""

    def load(*_: object) -> Network:
        raise InputError(f"'{folder}': an architecture for nnU-Net, without weights; expected a file that predicts")

    settings = (folder / NETWORK / SETTINGS).read_text(encoding="utf-8")
    return model_from_settings(settings, load, f"'{folder}'")


register(
    Format(
        "nnunet",
        "nnunet",
        "the architecture, to be trained inside nnU-Net v2",
        write_nnunet,
        read_nnunet,
        mark=TRAINER,
        runs_alone=False,
        predicts=False,
    )
)
