"""What holds of every registered mechanism, whatever it computes; a new file is tested the day it appears."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from search_spaces import HOSTS, Architecture, Placement, load_space
from search_spaces.attention import MECHANISMS, Mechanism
from search_spaces.errors import InputError
from search_spaces.initialisation import initialise
from tests.search_spaces.attention.example import EVERY, EXTREME_SIZES, IDS, SIZE, build, each, inputs, leaves, told

every_mechanism = pytest.mark.parametrize(("name", "dims"), EVERY, ids=IDS)
OPTIONS = [(name, dims, option) for name, dims in EVERY for option in MECHANISMS[name].choices]
SETTINGS = [
    (name, option, values[0])
    for name in MECHANISMS
    for option, values in MECHANISMS[name].choices.items()
    if len(values) == 1
]
OPTION_IDS = [f"{name}-{dims}d-{option}" for name, dims, option in OPTIONS]


@every_mechanism
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_the_output_has_the_shape_of_the_first_input_at_any_size(
    name: str, dims: int, batch: int, training: bool
) -> None:
    for size in EXTREME_SIZES[dims]:
        given_inputs = inputs(name, size, batch=batch, dtype=torch.float32)
        x = leaves(given_inputs)[0]
        y = build(name, dims, dtype=torch.float32).train(training)(*given_inputs)
        assert y.shape == x.shape
        assert y.dtype == x.dtype
        assert y.isfinite().all()


@every_mechanism
def test_the_coarser_input_may_have_any_size(name: str, dims: int) -> None:
    if MECHANISMS[name].inputs not in ("gated", "guided"):
        return
    module = build(name, dims)
    for gate_size in [(1,) * dims, (2,) * dims, SIZE[dims], tuple(3 * n for n in SIZE[dims])]:
        x, gate = inputs(name, SIZE[dims], gate_size=gate_size)
        assert module(x, gate).shape == x.shape


@pytest.mark.parametrize(("name", "dims", "option"), OPTIONS, ids=OPTION_IDS)
def test_every_choice_of_every_option_trains_in_narrow_networks(name: str, dims: int, option: str) -> None:
    for value in MECHANISMS[name].choices[option]:
        for channels in (4, 6, 24):
            module = build(name, dims, channels=channels, options={option: value}).train()
            for size in [(1,) * dims, SIZE[dims]]:
                y = module(*inputs(name, size, batch=1, channels=channels))
                if y.requires_grad:  # some have no parameters
                    y.sum().backward()
                assert y.isfinite().all()


@pytest.mark.parametrize(("name", "option", "value"), SETTINGS)
def test_a_setting_has_another_number_in_an_architecture_or_a_space_of_one_s_own(
    name: str, option: str, value: int
) -> None:
    slots = HOSTS["unet"].module.slots(dims=2, **HOSTS["unet"].defaults)
    slot = next(slot.name for slot in slots if slot.refuses(MECHANISMS[name], 2) is None)
    made = [
        Architecture.create("unet", 2, {}, {slot: Placement(name, ((option, number),))})
        for number in (value, value + 1)
    ]
    x = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    results = [architecture.build(1, 1).eval()(x) for architecture in made]
    assert not torch.equal(*results)
    space = load_space({"host": "unet", "slots": [slot], "mechanisms": {name: {option: [value, value + 1]}}}, dims=2)
    assert all(architecture in space for architecture in made)


@every_mechanism
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_options_go_with_any_size_and_batch(name: str, dims: int, data: st.DataObject) -> None:
    options = {option: data.draw(st.sampled_from(list(v)), option) for option, v in MECHANISMS[name].choices.items()}
    sizes = st.tuples(*[st.integers(1, 9)] * dims)
    channels = data.draw(st.sampled_from([4, 6, 8, 12, 20]), "channels")
    batch = data.draw(st.integers(1, 3), "batch")
    module = build(name, dims, channels=channels, options=options).train(data.draw(st.booleans(), "training"))
    given_inputs = inputs(name, data.draw(sizes), batch=batch, channels=channels, gate_size=data.draw(sizes))
    y = module(*each(Tensor.requires_grad_, given_inputs))
    assert y.shape == leaves(given_inputs)[0].shape
    for gradient in torch.autograd.grad(y.square().sum(), leaves(given_inputs), allow_unused=True):
        assert gradient is None or gradient.isfinite().all()


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, option) for name, _, option in OPTIONS if type(MECHANISMS[name].defaults[option]) is int],
)
def test_any_whole_number_for_an_option_works_or_is_refused_in_a_line(name: str, option: str) -> None:
    words = {key: values for key, values in MECHANISMS[name].choices.items() if isinstance(values[0], str | bool)}
    for number, *chosen in itertools.product((1, 2, 3, 9), *words.values()):
        try:
            module = build(name, 2, channels=6, options={**dict(zip(words, chosen, strict=True)), option: number})
        except InputError:
            continue
        assert module(*inputs(name, SIZE[2], channels=6)).isfinite().all()


@every_mechanism
def test_an_unknown_name_for_an_option_is_refused(name: str, dims: int) -> None:
    for option, values in MECHANISMS[name].choices.items():
        if any(isinstance(value, str) for value in values):
            with pytest.raises(InputError, match="no such thing"):
                build(name, dims, options={option: "no such thing"})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("window", {"window": (4, 4, 4)}),
        ("window", {"window": 0}),
        ("interlaced", {"shapes": [2, (3,)]}),
        ("local", {"in_channels": 6}),
        ("aspp", {"kernels": [1, 3]}),
        ("mhsa", {"ratio": 0.01}),
        ("gather_excite", {"extent": 3, "gather": "learned"}),
    ],
)
def test_options_that_do_not_fit_are_refused_in_a_line(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected"):
        build(name, 2, options=options)


@every_mechanism
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_gradients_reach_every_input_and_every_parameter_that_matters(name: str, dims: int, training: bool) -> None:
    module = build(name, dims).train(training)
    given_inputs = each(Tensor.requires_grad_, inputs(name, SIZE[dims]))
    features = leaves(given_inputs)
    parameters = dict(module.named_parameters())
    cotangent = torch.randn(features[0].shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    torch.manual_seed(0)  # dropout
    y = module(*given_inputs)
    gradients = torch.autograd.grad((y * cotangent).sum(), [*features, *parameters.values()], allow_unused=True)
    for index, gradient in enumerate(gradients[: len(features)]):
        assert _matters(gradient), f"input {index}"
    for (key, parameter), gradient in zip(parameters.items(), gradients[len(features) :], strict=True):
        if _matters(gradient):
            continue
        # A bias before a normalisation or under a softmax, or of a unit that no input activates, has no effect at all.
        with torch.no_grad():
            parameter.add_(1e-6 * torch.randn_like(parameter))
            torch.manual_seed(0)
            assert torch.allclose(module(*given_inputs), y, rtol=0, atol=1e-10), f"{key} matters but has no gradient"


@every_mechanism
def test_a_constant_input_has_finite_gradients(name: str, dims: int) -> None:
    module = build(name, dims).train()
    given_inputs = each(lambda x: torch.zeros_like(x).requires_grad_(), inputs(name, SIZE[dims]))
    y = module(*given_inputs)
    y.sum().backward()
    sources = [*leaves(given_inputs), *module.parameters()]
    assert all(source.grad is None or source.grad.isfinite().all() for source in sources)


@every_mechanism
def test_float32_agrees_with_float64(name: str, dims: int) -> None:
    expected = build(name, dims)(*inputs(name, SIZE[dims]))
    y = build(name, dims).float()(*inputs(name, SIZE[dims], dtype=torch.float32))
    assert (y.double() - expected).norm() < 1e-4 * expected.norm()


@every_mechanism
def test_bfloat16_autocast_trains_and_agrees_roughly_with_float32(name: str, dims: int) -> None:
    module, given_inputs = build(name, dims, dtype=torch.float32), inputs(name, SIZE[dims], dtype=torch.float32)
    expected = module(*given_inputs)
    with torch.autocast("cpu", torch.bfloat16):
        y = module(*given_inputs)
        loss = module.train()(*given_inputs).float().square().sum()
    if loss.requires_grad:  # some have no parameters
        loss.backward()
    assert (y.float() - expected).norm() < 0.05 * expected.norm()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in module.parameters())


@every_mechanism
def test_initialise_sets_every_parameter_from_the_seed_alone(name: str, dims: int) -> None:
    states = []
    for noise in (0, 1):
        module = build(name, dims, seed=noise)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.fill_(torch.nan)
        initialise(module, seed=7)
        states.append(module.state_dict())
    for key, tensor in states[0].items():
        assert tensor.isfinite().all(), key
        assert torch.equal(tensor, states[1][key]), key


@every_mechanism
def test_a_new_module_holds_what_initialise_would_set_where_that_is_no_random_draw(name: str, dims: int) -> None:
    drawn = [_fresh(name, dims, seed).state_dict() for seed in (0, 1)]
    module = _fresh(name, dims, 2)
    initialise(module, seed=7)
    for key, tensor in module.state_dict().items():
        if torch.equal(drawn[0][key], drawn[1][key]):
            assert torch.equal(tensor, drawn[0][key]), key


@every_mechanism
def test_eval_is_deterministic_and_sees_each_sample_alone(name: str, dims: int) -> None:
    module, given_inputs = build(name, dims), inputs(name, SIZE[dims], batch=3)
    y = module(*given_inputs)
    assert torch.equal(module(*given_inputs), y)
    torch.testing.assert_close(module(*each(lambda x: x[1:2], given_inputs)), y[1:2], rtol=0, atol=1e-9)


@every_mechanism
def test_inputs_and_in_eval_mode_buffers_are_left_as_they_were(name: str, dims: int) -> None:
    module, given_inputs = build(name, dims), inputs(name, SIZE[dims])
    state = copy.deepcopy(module.state_dict())
    module(*given_inputs)
    before = leaves(inputs(name, SIZE[dims]))
    assert all(torch.equal(x, was) for x, was in zip(leaves(given_inputs), before, strict=True))
    assert all(torch.equal(tensor, state[key]) for key, tensor in module.state_dict().items())


@every_mechanism
def test_the_memory_layout_does_not_matter(name: str, dims: int) -> None:
    module, given_inputs = build(name, dims), inputs(name, SIZE[dims])
    layout = {2: torch.channels_last, 3: torch.channels_last_3d}[dims]
    y = module(*each(lambda x: x.contiguous(memory_format=layout), given_inputs))
    torch.testing.assert_close(y, module(*given_inputs), rtol=0, atol=1e-9)


@every_mechanism
def test_a_state_dict_carries_the_whole_behaviour(name: str, dims: int) -> None:
    source, target, given_inputs = build(name, dims), build(name, dims, seed=9), inputs(name, SIZE[dims])
    source.train()(*given_inputs)
    target.load_state_dict(source.state_dict())
    assert torch.equal(target.eval()(*given_inputs), source.eval()(*given_inputs))


@every_mechanism
def test_a_deep_copy_is_equal_and_independent(name: str, dims: int) -> None:
    module, given_inputs = build(name, dims), inputs(name, SIZE[dims])
    y = module(*given_inputs)
    twin = copy.deepcopy(module)
    assert torch.equal(twin(*given_inputs), y)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(module(*given_inputs), y)


@every_mechanism
def test_a_pickled_module_computes_the_same(name: str, dims: int) -> None:
    module, given_inputs = build(name, dims), inputs(name, SIZE[dims])
    twin = pickle.loads(pickle.dumps(module))  # as Ray sends modules between processes
    assert torch.equal(twin(*given_inputs), module(*given_inputs))


@every_mechanism
def test_the_meta_device_gives_the_shape_without_computing(name: str, dims: int) -> None:
    with torch.device("meta"):
        module = _fresh(name, dims, 0).eval()
    given_inputs = each(lambda x: x.to("meta"), inputs(name, SIZE[dims], dtype=torch.float32))
    assert module(*given_inputs).shape == leaves(given_inputs)[0].shape


@pytest.mark.parametrize(("name", "dims", "option"), OPTIONS, ids=OPTION_IDS)
def test_what_goes_into_an_export_computes_the_same(
    name: str, dims: int, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is another way than eager mode's; the ways of a mechanism follow from its options and the size."""
    for value in MECHANISMS[name].choices[option]:
        module = build(name, dims, options={option: value})
        for size in EXTREME_SIZES[dims]:
            given_inputs = inputs(name, size)
            y = module(*given_inputs)
            with monkeypatch.context() as patched:
                patched.setattr(torch.compiler, "is_exporting", lambda: True)
                found = module(*given_inputs)
            torch.testing.assert_close(found, y, rtol=0, atol=1e-9)


@every_mechanism
def test_the_exported_program_computes_the_same(name: str, dims: int) -> None:
    module, given_inputs = build(name, dims), inputs(name, SIZE[dims])
    program = torch.export.export(module, given_inputs)
    torch.testing.assert_close(program.module()(*given_inputs), module(*given_inputs), rtol=0, atol=1e-9)


class Together(nn.Module):
    """All mechanisms side by side: one ONNX export takes seconds whatever its size."""

    def __init__(self, modules: list[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)

    def forward(self, groups: list[tuple[Tensor, ...]]) -> list[Tensor]:
        return [part(*group) for part, group in zip(self.parts, groups, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.filterwarnings("ignore")
def test_onnx_runtime_computes_the_same(dims: int) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    names = [name for name in MECHANISMS if dims in MECHANISMS[name].dims]
    network = Together([build(name, dims, dtype=torch.float32) for name in names]).eval()
    groups = [inputs(name, SIZE[dims], dtype=torch.float32) for name in names]
    program: Any = torch.onnx.export(network, (groups,), dynamo=True, verbose=False)
    session = runtime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    flat = [x.numpy() for x in leaves(groups)]
    fed = dict(zip((node.name for node in session.get_inputs()), flat, strict=True))
    for name, ours, y in zip(names, session.run(None, fed), network(groups), strict=True):
        assert (torch.from_numpy(ours) - y).norm() < 1e-4 * y.norm(), f"{name} differs in ONNX"


@every_mechanism
def test_what_is_registered_is_a_mechanism_with_a_source(name: str, dims: int) -> None:
    entry = MECHANISMS[name]
    assert issubclass(entry.module, Mechanism)
    assert entry.address.startswith("https://")
    assert entry.module.__doc__


def _matters(gradient: Tensor | None) -> bool:
    return gradient is not None and (gradient.numel() == 0 or gradient.abs().max().item() > 1e-9)


def _fresh(name: str, dims: int, seed: int) -> nn.Module:
    arguments = told(name)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MECHANISMS[name].module(8, dims=dims, **arguments)
