"""scripts/install: other programs find the plugins without any variable; and `plugin-path --check` says whether they do."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
from program import PROGRAM, frames
from support import create

ROOT = Path(__file__).resolve().parent.parent
INSTALL = ROOT / "scripts/install"

# A program that links the library, and its project for CMake.
LINKED = """
#include <h5h264.h>
#include <stdio.h>
int main(void)
{
    printf("%s %s\\n", H5H264_VERSION, h5h264_version());
    return h5h264_filter_class() == NULL;
}
"""
PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(linked C)
find_package(h5h264 %s REQUIRED)
add_executable(linked linked.c)
target_link_libraries(linked PRIVATE h5h264::h5h264)
"""

# In the namespace of these commands alone, what is written to these folders goes to memory.
A_COPY_OF_THE_SYSTEM = """
    mount -t tmpfs tmpfs "$scratch"
    for dir in /usr/local /usr/lib/*-linux-gnu/hdf5; do
        [ -d "$dir" ] || continue
        mkdir -p "$scratch/up$dir" "$scratch/work$dir"
        mount -t overlay -o "lowerdir=$dir,upperdir=$scratch/up$dir,workdir=$scratch/work$dir" overlay "$dir"
    done
"""


def environment(**variables):
    return {name: value for name, value in os.environ.items() if name != "HDF5_PLUGIN_PATH"} | variables


def shell(script, *, namespace=(), status=0, **variables):
    command = [*namespace, "bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, env=environment(**variables), capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def own_namespace():
    return ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]


def libraries():
    """The HDF5 of h5dump and that of this process."""
    needed = subprocess.run(["ldd", subprocess.getoutput("which h5dump")], capture_output=True, text=True).stdout
    (debian,) = {line.split()[2] for line in needed.splitlines() if line.strip().startswith("libhdf5_serial.so")}
    (own,) = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/h5py.libs/libhdf5-" in line}
    return debian, own


@pytest.fixture
def packed(path):
    with h5py.File(path, "w") as file:
        create(file, frames(), chunks=(5, 64, 80))
    return path


@pytest.mark.skipif(
    subprocess.run([*own_namespace(), "true"]).returncode != 0, reason="needs a mount namespace of its own"
)
def test_every_hdf5_finds_what_is_installed_and_nothing_is_left_of_it(packed, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    linked = tmp_path / "linked.c"
    linked.write_text(LINKED)
    read = "import h5py, sys; print('sum', int(h5py.File(sys.argv[1])['frames'][()].sum()))"
    output = shell(
        A_COPY_OF_THE_SYSTEM
        + """
        "$install"
        /usr/local/bin/h5h264 plugin-path --check $libraries
        [ "$(/usr/local/bin/h5h264 plugin-path)" = /usr/local/hdf5/lib/plugin ]
        bash -n /usr/local/share/bash-completion/completions/h5h264
        cc -I/usr/local/include "$linked" -o "$linked.program" -L/usr/local/lib -lh5h264 -Wl,-rpath,/usr/local/lib
        "$linked.program"
        grep -q 'h5h264 repack' /usr/local/share/man/man1/h5h264-repack.1
        h5dump -d /frames -s 0,0,0 -c 1,1,8 "$file" | grep '(0,0,0)'
        "$python" -c "$read" "$file"
        h5repack -f UD=32010,0,0 -l CHUNK=1x64x80 "$file" "$file.repacked"
        "$install" --uninstall
        ! h5dump -d /frames "$file" >"$scratch/without" 2>&1 || ! grep '(0,0,0)' "$scratch/without"
        ! "$python" -c "$read" "$file" 2>/dev/null
        rm "$scratch/without"
        echo "left: [$(find "$scratch/up" -type f -o -type l)]"
        """,
        namespace=own_namespace(),
        scratch=str(scratch),
        install=str(INSTALL),
        libraries=" ".join(libraries()),
        file=str(packed),
        python=sys.executable,
        read=read,
        linked=str(linked),
    )
    assert output.count("finds the plugin in") == 2
    assert f"sum {int(frames().sum())}" in output
    assert "left: []" in output
    with h5py.File(f"{packed}.repacked") as file:
        assert (file["frames"][()] == frames()).all()
        assert file["frames"].chunks == (1, 64, 80)


def test_everything_may_be_installed_below_one_folder(tmp_path):
    prefix = tmp_path / "with a space"
    shell('"$install" --prefix "$prefix"', install=str(INSTALL), prefix=str(prefix))
    installed = {str(file.relative_to(prefix)) for file in prefix.rglob("*") if file.is_file()}
    assert {"bin/h5h264", "lib/hdf5/plugin/libh5h264.so", "lib/hdf5/plugin/libh5calib.so"} <= installed
    assert {"include/h5h264.h", "lib/libh5h264.so", "lib/libh5h264.so.0", "lib/pkgconfig/h5h264.pc"} <= installed
    found = shell('"$prefix/bin/h5h264" plugin-path', prefix=str(prefix)).strip()
    assert found == str(prefix / "lib/hdf5/plugin")
    shell('"$install" --prefix "$prefix" --uninstall', install=str(INSTALL), prefix=str(prefix))
    assert [file for file in prefix.rglob("*") if not file.is_dir()] == []


def test_programs_find_the_library_with_pkg_config_and_cmake(tmp_path):
    prefix, moved = tmp_path / "before", tmp_path / "moved here"
    shell('"$install" --prefix "$prefix"', install=str(INSTALL), prefix=str(prefix))
    # Nothing has the name of the folder in it.
    prefix.rename(moved)
    (tmp_path / "linked.c").write_text(LINKED)
    output = shell(
        """
        cd "$folder"
        export PKG_CONFIG_PATH="$moved/lib/pkgconfig"
        pkg-config --modversion h5h264
        eval "cc -std=c99 linked.c -o linked $(pkg-config --cflags --libs h5h264)"
        LD_LIBRARY_PATH="$moved/lib" ./linked
        readelf -d linked | grep -o 'libh5h264.so.0'
        """,
        folder=str(tmp_path),
        moved=str(moved),
    )
    version, both, soname = output.splitlines()
    assert both == f"{version} {version}" and soname == "libh5h264.so.0"
    configure = 'cmake -S "$folder" -B "$folder/build" -DCMAKE_PREFIX_PATH="$moved"'
    variables = {"folder": str(tmp_path), "moved": str(moved)}
    for wanted in "99", f"{version[:-1]}9":
        (tmp_path / "CMakeLists.txt").write_text(PROJECT % wanted)
        assert f"{version}" in shell(configure, status=1, **variables)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT % version.rsplit(".", 1)[0])
    output = shell(f'{configure} && cmake --build "$folder/build" && "$folder/build/linked"', **variables)
    assert output.splitlines()[-1] == f"{version} {version}"


def test_the_plugins_may_be_installed_alone(tmp_path):
    folder = tmp_path / "plugins"
    shell('"$install" --plugin-dir "$folder"', install=str(INSTALL), folder=str(folder))
    assert sorted(file.name for file in folder.iterdir()) == ["libh5calib.so", "libh5h264.so"]
    (folder / "libother.so").touch()
    shell('"$install" --plugin-dir "$folder" --uninstall', install=str(INSTALL), folder=str(folder))
    assert [file.name for file in folder.iterdir()] == ["libother.so"]


@pytest.mark.parametrize("arguments", ["--prefix a --plugin-dir b", "--prefix", "plugins"])
def test_unclear_arguments_are_refused(arguments):
    assert "expected [--uninstall]" in shell(f'"$install" {arguments}', install=str(INSTALL), status=1)


def test_the_check_says_which_libraries_find_the_plugin(tmp_path):
    check = '"$program" plugin-path --check $libraries'
    debian, own = libraries()
    options = {"program": str(PROGRAM), "libraries": f"{debian} {own}"}
    plugins = os.environ["HDF5_PLUGIN_PATH"]
    for line in shell(check, HDF5_PLUGIN_PATH=plugins, **options).splitlines():
        assert line.startswith("HDF5 ") and f" finds the plugin in {plugins}: " in line
    without = shell(check, HDF5_PLUGIN_PATH=str(tmp_path), status=1, **options)
    assert f"does not find the plugin in {tmp_path}: {debian}" in without
    assert "2 of 2 HDF5 libraries do not find the plugin" in without
    not_a_library = tmp_path / "libhdf5.so"
    not_a_library.write_text("no library")
    options["libraries"] = str(not_a_library)
    assert "can't be asked" in shell(check, HDF5_PLUGIN_PATH=plugins, status=1, **options)


def test_the_check_finds_libraries_by_itself():
    output = shell('"$program" plugin-path --check || true', program=str(PROGRAM))
    debian, own = libraries()
    assert {str(Path(library).resolve()) for library in (debian, own)} <= {
        line.rsplit(": ", 1)[-1] for line in output.splitlines()
    }
