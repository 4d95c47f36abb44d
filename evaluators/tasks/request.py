"""What a user asks of a task, whatever its format."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields

from evaluators.tasks.faults import raise_faults
from evaluators.tasks.labels import ClassRules

NAN = ("fault", "background")
GEOMETRY = ("check", "by_index")
PLANES = ("sagittal", "coronal", "axial")  # which lie across the axes right, front and up
ROLES = ("image", "label")


@dataclass(frozen=True)
class Request:
    """What ``open_task`` is asked, whatever the format.

    Attributes:
        classes: class name to label values, a range, a threshold or ``instances``; see ``labels.parse_classes``.
            Without it, the data set's own classes, else what the training labels show.
        dims: 2 or 3, of the network; without it, what most labels have. 2 for volumes: a network that sees slices.
        split: fractions ``val`` and ``test`` (0.2 each by default) of the training cases, for the parts that the
            data set does not have itself.
        seed: of the made split, and of generated cases.
        groups: whether cases of one subject are kept in one part; ``False`` where a column ``group``, or names that
            look like slices of a subject, mean something else.
        group_pattern: regular expression whose one group is the subject in the name or path of a case, as in
            ``(case\\d+)_slice``.
        regions_class_order: of classes that share values, the value with which each is painted, later ones over
            earlier ones; see ``regions.tell_apart``.
        slice_axis: of volumes with ``dims: 2``, the axis along which they are cut: 0, 1, 2 (in the order right, front,
            up where the files say how they lie, else as stored), or ``sagittal``, ``coronal``, ``axial``.
        nan: ``fault``, or ``background``: NaN pixels become the smallest value of their image.
        geometry: ``check`` that images and labels lie alike in space, or trust them ``by_index``.
        arrays: names of the arrays of .npz files, by ``image`` and ``label``.
        progress: called with (labels read, labels in all).

    Raises:
        InputError: every value that is none of those expected.
    """

    classes: ClassRules | None = None
    dims: int | None = None
    split: Mapping[str, float] | None = None
    seed: int = 0
    groups: bool = True
    group_pattern: str | None = None
    regions_class_order: Sequence[int] | None = None
    slice_axis: int | str | None = None
    nan: str = "fault"
    geometry: str = "check"
    arrays: Mapping[str, str] | None = None
    progress: Callable[[int, int], None] = field(default=lambda done, total: None, compare=False)

    def __post_init__(self) -> None:
        faults = []
        if self.dims not in (None, 2, 3):
            faults.append(f"dims: expected 2 or 3, got {self.dims!r}")
        for name, value, known in (("nan", self.nan, NAN), ("geometry", self.geometry, GEOMETRY)):
            if value not in known:
                faults.append(f"{name}: expected {' or '.join(known)}, got {value!r}")
        if isinstance(self.slice_axis, bool) or self.slice_axis not in (None, 0, 1, 2, *PLANES):
            faults.append(f"slice_axis: expected 0, 1, 2, {', '.join(PLANES)}; got {self.slice_axis!r}")
        elif self.slice_axis is not None and self.dims != 2:
            faults.append(f"slice_axis: expected dims: 2, a network that sees slices; got dims {self.dims}")
        if self.group_pattern is not None and not self.groups:
            faults.append("group_pattern: it makes groups, but groups: false is given")
        order = self.regions_class_order
        if order is not None and not (order and all(type(value) is int for value in order)):
            faults.append(f"regions_class_order: expected a whole number for each class, got {order!r}")
        if self.arrays is not None and not (
            isinstance(self.arrays, Mapping)
            and all(role in ROLES and isinstance(name, str) and name for role, name in self.arrays.items())
        ):
            faults.append(f"arrays: expected names for image and label, such as {{image: x}}, got {self.arrays!r}")
        raise_faults(faults + self._pattern_faults())

    def _pattern_faults(self) -> list[str]:
        if self.group_pattern is None:
            return []
        try:
            marked = re.compile(self.group_pattern).groups
        except (re.error, TypeError) as error:
            return [f"group_pattern: {self.group_pattern!r} is no regular expression ({error})"]
        if marked == 1:
            return []
        return [f"group_pattern: expected one group in brackets, as in '(case\\d+)_slice', got {self.group_pattern!r}"]

    def array(self, role: str) -> str:
        """Name of the array of ``role`` in an .npz file; empty where none is given."""
        return (self.arrays or {}).get(role, "")


REQUESTED = tuple(entry.name for entry in fields(Request))
