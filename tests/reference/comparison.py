"""Runs one case and says how far this project's module is from the reference, in float64."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tests.reference.adapter import NotCovered, Subject, build, load_adapters
from tests.reference.case import Case, Tensors


@dataclass(frozen=True)
class Result:
    """What came of a case.

    Attributes:
        name: name of the case.
        verdict: ``pass``, ``fail`` or ``not covered``.
        normative: whether a failure counts.
        errors: quantity to ``max|a - b| / max(1, max|b|)``.
        reason: why it failed or is not covered.
    """

    name: str
    verdict: str
    normative: bool
    errors: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""

    @property
    def counts_as_failure(self) -> bool:
        return self.verdict == "fail" and self.normative

    def __str__(self) -> str:
        worst = f"{max(self.errors.values(), key=_nan_last):.1e}" if self.errors else "-"
        verdict = self.verdict if self.normative or self.verdict != "fail" else "fail, not normative"
        return f"{self.name:<32} {worst:>8}  {verdict}{': ' if self.reason else ''}{self.reason}"


def run_case(case: Case) -> Result:
    """Build, load, call and differentiate the case's module, and compare."""
    load_adapters()  # not in the try below: an adapter that cannot be imported is no fault of the case
    try:
        errors = differences(case, build(case))
    except NotCovered as reason:
        return Result(case.name, "not covered", case.normative, reason=str(reason))
    except Exception as error:  # whatever one case does, the others still run
        reason_text = f"{type(error).__name__}: {error}".splitlines()[0]
        return Result(case.name, "fail", case.normative, reason=reason_text)
    beyond = [quantity for quantity, error in errors.items() if not error <= case.tolerance]
    reason_text = f"beyond {case.tolerance:g}: {', '.join(beyond)}" if beyond else ""
    return Result(case.name, "fail" if beyond else "pass", case.normative, errors, reason_text)


def differences(case: Case, subject: Subject) -> dict[str, float]:
    """Relative error of every output, input gradient and buffer."""
    module = subject.module.double().train(case.training)
    module.load_state_dict(fitted(subject.weights(case.weights), module))
    inputs = {name: tensor.clone().requires_grad_(name in case.gradients) for name, tensor in case.inputs.items()}
    outputs = subject.call(inputs) if subject.call else [module(*inputs.values())]
    if len(outputs) != len(case.outputs):
        raise ValueError(f"expected {len(case.outputs)} outputs, got {len(outputs)}")
    errors = {f"y{index or ''}": error(y, b) for index, (y, b) in enumerate(zip(outputs, case.outputs, strict=True))}
    loss = torch.stack([(y * r).sum() for y, r in zip(outputs, case.cotangents, strict=True)]).sum()
    sources = [inputs[name] for name in case.gradients]
    gradients = torch.autograd.grad(loss, sources, allow_unused=True, materialize_grads=True)
    for name, gradient in zip(case.gradients, gradients, strict=True):
        errors[f"gradient of {name}"] = error(gradient, case.gradients[name])
    after = fitted(subject.weights(case.weights_after), module)
    for name, buffer in module.named_buffers():
        if name in after:
            errors[f"buffer {name}"] = error(buffer, after[name])
    return errors


def error(ours: Tensor, reference: Tensor) -> float:
    """``max|a - b| / max(1, max|b|)``; not a number where either has one."""
    if ours.shape != reference.shape:
        raise ValueError(f"expected shape {tuple(reference.shape)}, got {tuple(ours.shape)}")
    ours, reference = ours.detach().double(), reference.double()
    return float((ours - reference).abs().max() / reference.abs().max().clamp(min=1))


def _nan_last(value: float) -> tuple[bool, float]:
    return math.isnan(value), value


def fitted(weights: Tensors, module: nn.Module) -> Tensors:
    """Weights in the shapes of ``module``: a linear layer and a 1x1 convolution differ by axes of length 1 alone."""
    state = module.state_dict()
    result: Tensors = {}
    for key, weight in weights.items():
        if key in state and [n for n in weight.shape if n != 1] != [n for n in state[key].shape if n != 1]:
            raise ValueError(f"weight {key}: expected {tuple(state[key].shape)}, got {tuple(weight.shape)}")
        result[key] = weight.reshape(state[key].shape) if key in state else weight
    return result
