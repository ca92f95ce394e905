"""The version, from what was installed: Cargo.toml has it."""

from importlib.metadata import version

__version__ = version("h5h264")
