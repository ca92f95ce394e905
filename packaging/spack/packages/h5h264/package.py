# SPDX-License-Identifier: (Apache-2.0 OR MIT)
"""In a clone of the repository: spack repo add packaging/spack; spack dev-build h5h264@main"""

from spack.package import *


class H5h264(Package):
    """Lossless H.264 for image sequences in HDF5: filter plugins and a program."""

    license("BSD-2-Clause AND GPL-2.0-or-later")

    version("main")

    # Those of Debian 12, which the project is tested with.
    resource(
        name="ffmpeg",
        url="https://ffmpeg.org/releases/ffmpeg-5.1.6.tar.xz",
        sha256="f4fa066278f7a47feab316fef905f4db0d5e9b589451949740f83972b30901bd",
        placement="ffmpeg",
    )
    resource(
        name="x264",
        git="https://code.videolan.org/videolan/x264.git",
        commit="baee400fa9ced6f5481a728138fed6e867b0ff7f",
        placement="x264",
    )

    depends_on("c", type="build")
    depends_on("cmake@3.26:", type="build")
    depends_on("gmake", type="build")
    depends_on("llvm+clang", type="build")
    depends_on("nasm", type="build", when="target=x86_64:")
    depends_on("node-js@20.19:", type="build")
    depends_on("npm", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("rust@1.88:", type="build")
    depends_on("zlib-api", type="build")

    def install(self, spec, prefix):
        Executable("packaging/build")("ffmpeg", "x264", prefix)

    def setup_run_environment(self, env):
        env.prepend_path("HDF5_PLUGIN_PATH", self.prefix.lib.hdf5.plugin)
