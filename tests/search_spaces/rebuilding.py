"""A network rebuilt in another process: ``python -m tests.search_spaces.rebuilding FILE...`` tells what it computes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import torch

from search_spaces import Architecture

ROOT = Path(__file__).parents[2]
SIDE = 32  # five halvings, as the deepest preset has


def fingerprint(architecture: Architecture) -> str:
    """The key, and a digest of what the network with weights of seed 5 makes of an image, in one line."""
    network = architecture.build(2, 1, seed=5).eval()
    image = torch.linspace(-1, 1, 2 * SIDE**architecture.dims).reshape(1, 2, *[SIDE] * architecture.dims)
    with torch.no_grad():
        return f"{architecture.key} {hashlib.sha256(network(image).numpy().tobytes()).hexdigest()}"


def fingerprints_elsewhere(paths: Iterable[Path], hash_seed: int) -> list[str]:
    """Of architecture files, in a process that hashes text by ``hash_seed``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.search_spaces.rebuilding", *map(str, paths)],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    return done.stdout.splitlines()


if __name__ == "__main__":
    torch.set_num_threads(1)
    for path in sys.argv[1:]:
        print(fingerprint(Architecture.load(path)))
