"""What a codec gives when it stores frames."""

from dataclasses import dataclass
from typing import Any


class Unsupported(Exception):
    """The codec does not store frames of this type."""


@dataclass
class Stored:
    content: Any
    n_bytes: int
