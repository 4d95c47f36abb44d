"""Global second-order pooling of its authors: the two branches, and the matrix square root of the head."""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.attention.gsop import SecondOrderPooling, square_root
from tests.reference.adapter import NotCovered, Subject, adapter, fitted
from tests.reference.case import Case

REPOSITORY = "ZilinGao/Global-Second-order-Pooling-Convolutional-Networks"


@adapter(REPOSITORY, 'Bottleneck(attention="1").chan_att, y=x*att')
def channel(case: Case, *, planes: int, att_dim: int = 128, stride: int = 1) -> Subject:
    return _branch(case, 4 * planes, att_dim, stride, "channel", "")


@adapter(REPOSITORY, 'Bottleneck(attention="2").pos_att, y=relu(x*att)')
def position(case: Case, *, planes: int, att_dim: int = 128) -> Subject:
    return _branch(case, 4 * planes, att_dim, 1, "position", "_spatial")


@adapter(REPOSITORY, "CovpoolLayer+SqrtmLayer")
def head(case: Case, *, iterN: int) -> Subject:
    class Head(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            flat = x.flatten(2)
            centred = flat - flat.mean(2, keepdim=True)
            return square_root(centred @ centred.transpose(1, 2) / flat.shape[2], iterN)

    return Subject(Head(), lambda reference: reference)


def _branch(case: Case, channels: int, width: int, stride: int, fusion: str, suffix: str) -> Subject:
    if width > channels:
        raise NotCovered(f"{width} combinations of {channels} channels: here at most as many as channels")
    module = SecondOrderPooling(channels, dims=case.dims, width=width, stride=stride, fusion=fusion)
    row = "_for_spatial" if suffix else ""
    names = {
        "branches.0.reduce": f"b.conv_for_DR{suffix}",
        "branches.0.norm": f"b.bn_for_DR{suffix}",
        "branches.0.rows.norm": f"b.row_bn{row}",
        "branches.0.rows.conv": f"b.row_conv_group{row}",
        "branches.0.expand": f"b.fc_adapt_channels{row}",
    }
    return Subject(module, fitted(names, module))
