"""Puts the plugin and the licences into the wheel, and says on which machines the wheel works."""

import os
import platform
import re
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PluginHook(BuildHookInterface):
    def initialize(self, version, build_data):
        if version == "editable":
            raise RuntimeError(
                "h5h264 can't be installed in editable mode: build a wheel, with scripts/build-wheel"
            )
        plugin = os.environ.get("H5H264_PLUGIN")
        if not plugin or not Path(plugin).is_file():
            raise RuntimeError(
                f"H5H264_PLUGIN is {plugin!r} (expected the plugin's path: use scripts/build-wheel)"
            )
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(Path(plugin).read_bytes())}"
        build_data["force_include"][plugin] = f"h5h264/plugins/{Path(plugin).name}"


def platform_tag(plugin):
    """The oldest systems that have what the plugin asks for: PEP 600's tag for its newest glibc symbol."""
    if platform.system() == "Darwin":
        # Not sysconfig's: a Python for two architectures would say so of a plugin for one.
        system = os.environ.get("MACOSX_DEPLOYMENT_TARGET") or platform.mac_ver()[0]
        return f"macosx_{system.partition('.')[0]}_0_{platform.machine()}"
    glibc = [(int(major), int(minor)) for major, minor in re.findall(rb"\0GLIBC_(\d+)\.(\d+)", plugin)]
    if not glibc or b"libavcodec.so" in plugin:
        return re.sub(r"[.-]", "_", sysconfig.get_platform())
    major, minor = max(glibc)
    return f"manylinux_{major}_{minor}_{platform.machine()}"
