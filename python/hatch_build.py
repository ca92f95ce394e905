"""Puts the plugins, the program and the licences into the wheel, and says on which machines the wheel works."""

import os
from pathlib import Path

import lief
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


# The libraries that PEP 600 lets a wheel take from the system, as far as we use them.
EVERY_LINUX = ("libc.so.", "libm.so.", "libgcc_s.so.", "libpthread.so.", "libdl.so.", "librt.so.", "libutil.so.", "ld-linux")


class PluginHook(BuildHookInterface):
    def initialize(self, version, build_data):
        if self.target_name == "sdist":
            refuse("there is no source distribution of h5h264: clone the repository, and build a wheel with scripts/build-wheel")
        if version == "editable":
            refuse("h5h264 can't be installed in editable mode: build a wheel, with scripts/build-wheel")
        folder = os.environ.get("H5H264_PLUGINS")
        plugins = [path for name in ("h5h264", "h5calib") for path in Path(folder or "").glob(f"*{name}.*")]
        if not folder or len(plugins) != 2:
            refuse(
                "pip alone can't build h5h264, which contains FFmpeg, x264 and a program in Rust: build a wheel with"
                f" scripts/build-wheel, and install that (H5H264_PLUGINS is {folder!r}, expected the folder of the plugins)"
            )
        program = os.environ.get("H5H264_PROGRAM")
        if not program or not Path(program).is_file():
            refuse(f"H5H264_PROGRAM is {program!r} (expected a path: use scripts/build-wheel)")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag([*plugins, program])}"
        build_data["shared_scripts"][program] = "h5h264"
        for plugin in plugins:
            build_data["force_include"][str(plugin)] = f"h5h264/plugins/{plugin.name}"


def refuse(sentence):
    """Ends the build with a sentence. An exception would come with pip's and hatchling's traceback."""
    raise SystemExit(f"h5h264: {sentence}")


def platform_tag(paths):
    """The oldest systems that have what all of these binaries ask for, as the binaries say it."""
    tags = [tag_of(lief.parse(path)) for path in paths]
    system, _, machine = tags[0]
    if any((other[0], other[2]) != (system, machine) for other in tags):
        refuse(f"the binaries are for different systems: {tags}")
    versions = [version for _, version, _ in tags]
    # Without a version: for systems that are like the one that built them.
    newest = () if () in versions else max(versions)
    name = "linux" if system == "manylinux" and not newest else system
    return "_".join(map(str, [name, *newest, machine]))


def tag_of(binary):
    """(system, its version, processor), in the words of wheels' tags."""
    machine = binary.abstract.header.architecture.name
    if isinstance(binary, lief.ELF.Binary):
        return "manylinux", newest_glibc(binary), {"X86_64": "x86_64", "ARM64": "aarch64"}[machine]
    if isinstance(binary, lief.MachO.Binary):
        oldest_system = binary.build_version.minos
        # From macOS 11 on, tags name the major version alone.
        version = (oldest_system[0], oldest_system[1] if oldest_system[0] == 10 else 0)
        return "macosx", version, {"X86_64": "x86_64", "ARM64": "arm64"}[machine]
    return "win", (), {"X86_64": "amd64", "ARM64": "arm64"}[machine]


def newest_glibc(binary):
    """The newest glibc that the binary has symbols of (PEP 600); () if it needs what not every Linux has."""
    if not all(name.startswith(EVERY_LINUX) for name in binary.libraries):
        return ()
    symbols = [
        symbol.name
        for library in binary.symbols_version_requirement
        for symbol in library.get_auxiliary_symbols()
        if symbol.name.startswith("GLIBC_")
    ]
    # GLIBC_2.2.5 is older than all that tags tell apart.
    return max(tuple(map(int, symbol.removeprefix("GLIBC_").split(".")[:2])) for symbol in symbols)
