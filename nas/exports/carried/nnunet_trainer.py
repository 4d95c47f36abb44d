"""A trainer of nnU-Net v2 that trains the architecture of an export, by nnU-Net's own recipe and planning.

    export nnUNet_extTrainer=/path/to/nnunet  # the folder of this file
    nnUNetv2_train DATASET 3d_fullres 0 -tr nnUNetTrainerAttentionNas

Without deep supervision: the network has one output. nnU-Net's plans stay as they are; where they name the class
``attention_nas_network.Network`` (this folder on ``PYTHONPATH``), ``nnUNetTrainerNoDeepSupervision`` trains it too.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from torch import nn


class nnUNetTrainerAttentionNas(nnUNetTrainer):
    """nnU-Net's trainer with the network beside this file."""

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int,
        dataset_json: dict[str, Any],
        device: torch.device = torch.device("cuda"),
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.enable_deep_supervision = False

    @staticmethod
    def build_network_architecture(
        plans_manager: Any,
        configuration_manager: Any,
        num_input_channels: int,
        num_output_channels: int,
        enable_deep_supervision: bool = False,
    ) -> nn.Module:
        """The network; nnU-Net forgets modules of this folder once it has found the trainer, so they are found here."""
        folder = str(Path(__file__).parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        package = importlib.import_module("attention_nas_network")
        network: nn.Module = package.Network(num_input_channels, num_output_channels)
        return network

    def set_deep_supervision_enabled(self, enabled: bool) -> None:
        """There is none."""
