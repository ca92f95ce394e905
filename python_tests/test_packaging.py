"""Do the recipes for conda and Spack mean what they should?

What they build from is not in the package registries of a test, so no package is built here.
"""

import re

import pytest
from rattler_build import JinjaConfig, PlatformConfig, RenderConfig, Stage0Recipe, VariantConfig

from support import TESTS

ROOT = TESTS.parent
RECIPE = ROOT / "packaging" / "conda"
SPACK = ROOT / "packaging" / "spack" / "packages" / "h5h264" / "package.py"


def render(platform):
    """The recipe as rattler-build understands it."""
    platform = PlatformConfig(target_platform=platform)
    variants = VariantConfig.from_file_with_context(RECIPE / "variants.yaml", JinjaConfig(platform=platform))
    recipe = Stage0Recipe.from_file(RECIPE / "recipe.yaml")
    (rendered,) = recipe.render(variants, RenderConfig(platform=platform))
    return rendered.recipe.to_dict()


@pytest.mark.parametrize("platform", ["linux-64", "linux-aarch64", "osx-arm64"])
def test_the_conda_recipe_builds_this_version_with_a_compiler_for_the_platform(platform):
    recipe = render(platform)
    (version,) = re.findall(r'(?m)^version = "(.*)"', (ROOT / "Cargo.toml").read_text())
    assert recipe["package"] == {"name": "h5h264", "version": version}
    tools = " ".join(recipe["requirements"]["build"])
    assert f"rust_{platform}" in tools and ("nasm" in tools) == (platform == "linux-64")
    for name in recipe["about"]["license_file"]:
        assert (ROOT / name).is_file()
    program, *arguments = recipe["build"]["script"].split()
    assert (ROOT / program).is_file() and arguments == ["ffmpeg", "x264", '"$PREFIX"']


def test_conda_and_spack_take_the_same_sources():
    """And so store the same bytes."""
    this, ffmpeg, x264 = render("linux-64")["source"]
    assert (RECIPE / this["path"]).resolve() == ROOT
    package = SPACK.read_text()
    compile(package, SPACK, "exec")
    for fact in (ffmpeg["url"], ffmpeg["sha256"], x264["git"], x264["rev"]):
        assert f'"{fact}"' in package
