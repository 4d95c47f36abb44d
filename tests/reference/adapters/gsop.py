"""Global second-order pooling of its authors: the two branches, and the matrix square root of the head."""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.attention.gsop import ChannelBranch, PositionBranch, square_root
from tests.reference.adapter import Subject, adapter, fitted
from tests.reference.case import Case

REPOSITORY = "ZilinGao/Global-Second-order-Pooling-Convolutional-Networks"


@adapter(REPOSITORY, 'Bottleneck(attention="1").chan_att, y=x*att')
def channel(case: Case, *, planes: int, att_dim: int = 128, stride: int = 1) -> Subject:
    return _branch(ChannelBranch(4 * planes, case.dims, att_dim, stride, "batch"), "", "")


@adapter(REPOSITORY, 'Bottleneck(attention="2").pos_att, y=relu(x*att)')
def position(case: Case, *, planes: int, att_dim: int = 128) -> Subject:
    return _branch(PositionBranch(4 * planes, case.dims, att_dim, "batch"), "_spatial", "_for_spatial")


@adapter(REPOSITORY, "CovpoolLayer+SqrtmLayer")
def head(case: Case, *, iterN: int) -> Subject:
    class Head(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            flat = x.flatten(2)
            centred = flat - flat.mean(2, keepdim=True)
            return square_root(centred @ centred.transpose(1, 2) / flat.shape[2], iterN)

    return Subject(Head(), lambda reference: reference)


def _branch(module: nn.Module, suffix: str, row: str) -> Subject:
    """The mechanism takes at most as many combinations as there are channels, its branches any number."""
    names = {
        "reduce": f"b.conv_for_DR{suffix}",
        "norm": f"b.bn_for_DR{suffix}",
        "rows.norm": f"b.row_bn{row}",
        "rows.conv": f"b.row_conv_group{row}",
        "expand": f"b.fc_adapt_channels{row}",
    }
    return Subject(module, fitted(names, module))
