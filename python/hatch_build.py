"""Puts the plugins, the program and the licences into the wheel, and says on which machines the wheel works."""

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
        folder = os.environ.get("H5H264_PLUGINS")
        plugins = [path for name in ("h5h264", "h5calib") for path in Path(folder or "").glob(f"*{name}.*")]
        if not folder or len(plugins) != 2:
            raise RuntimeError(
                f"H5H264_PLUGINS is {folder!r} (expected the folder of the plugins: use scripts/build-wheel)"
            )
        program = os.environ.get("H5H264_PROGRAM")
        if not program or not Path(program).is_file():
            raise RuntimeError(f"H5H264_PROGRAM is {program!r} (expected a path: use scripts/build-wheel)")
        binaries = b"".join(Path(path).read_bytes() for path in [*plugins, program])
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(binaries)}"
        build_data["shared_scripts"][program] = "h5h264"
        for plugin in plugins:
            build_data["force_include"][str(plugin)] = f"h5h264/plugins/{plugin.name}"


def platform_tag(binaries):
    """The oldest systems that have what the binaries ask for: PEP 600's tag for their newest glibc symbol."""
    if platform.system() == "Darwin":
        # Not sysconfig's: a Python for two architectures would say so of a plugin for one.
        system = os.environ.get("MACOSX_DEPLOYMENT_TARGET") or platform.mac_ver()[0]
        return f"macosx_{system.partition('.')[0]}_0_{platform.machine()}"
    glibc = [(int(major), int(minor)) for major, minor in re.findall(rb"\0GLIBC_(\d+)\.(\d+)", binaries)]
    if not glibc or b"libavcodec.so" in binaries:
        return re.sub(r"[.-]", "_", sysconfig.get_platform())
    major, minor = max(glibc)
    return f"manylinux_{major}_{minor}_{platform.machine()}"
