use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use super::Run;

/// The plugin that cargo has built for this test program.
///
/// It lies beside the program. The one in the folder above is made by `cargo build` alone, and may be
/// older.
pub fn built_plugin() -> PathBuf {
    let program = env::current_exe().expect("a test knows its own path");
    let plugin = program.with_file_name(format!("{DLL_PREFIX}h5h264{DLL_SUFFIX}"));
    assert!(plugin.is_file(), "there is no {}", plugin.display());
    plugin
}

/// Which libhdf5 a C program uses.
#[derive(Clone, Copy)]
pub enum Hdf5 {
    /// The shared one.
    Shared,
    /// A copy inside the program, which exports nothing of it.
    Static,
    /// The same in a program that is loaded where it was linked to (not PIE).
    StaticNoPie,
    /// The same in a program without a symbol table.
    StaticStripped,
    /// The shared one with MPI.
    Parallel,
    /// The shared one of version 2.2 that scripts/build-hdf5 makes.
    Version22,
}

impl Hdf5 {
    /// What compiles a program that uses it.
    fn compiler(self) -> Command {
        let (compiler, arguments) = match self {
            Self::Shared => ("h5cc", &["-shlib"][..]),
            Self::Static => ("h5cc", &["-noshlib"][..]),
            Self::StaticNoPie => ("h5cc", &["-noshlib", "-no-pie"][..]),
            Self::StaticStripped => ("h5cc", &["-noshlib", "-s"][..]),
            Self::Parallel => ("h5pcc", &["-shlib"][..]),
            Self::Version22 => {
                let mut command = Command::new("cc");
                let folder = built_hdf5();
                command.arg("-I").arg(folder.join("include")).arg("-L").arg(folder.join("lib"));
                // The programs are written for the oldest that works.
                command.arg("-DH5_USE_110_API");
                command.arg(format!("-Wl,-rpath,{}", folder.join("lib").display()));
                return command;
            }
        };
        let mut command = Command::new(compiler);
        command.args(arguments);
        command
    }

    /// What is behind the source in the compiler's command line.
    fn libraries(self) -> &'static [&'static str] {
        match self {
            Self::Version22 => &["-lhdf5", "-pthread", "-ldl"],
            _ => &["-pthread", "-ldl"],
        }
    }
}

/// What scripts/build-hdf5 makes.
fn built_hdf5() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".hdf5");
    assert!(folder.join("built-by").is_file(), "there is no {} (scripts/build-hdf5)", folder.display());
    folder
}

/// A folder of a test's own, in which programs run and HDF5 finds the plugin.
pub struct Lab {
    folder: TempDir,
}

impl Lab {
    /// An empty folder, but for the plugin.
    pub fn new() -> Self {
        let lab = Self { folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder") };
        // HDF5 tries to load every file of this folder, so it has no other.
        fs::create_dir(lab.plugin_folder()).expect("a folder");
        let plugin = built_plugin();
        let name = plugin.file_name().expect("a file name");
        fs::copy(&plugin, lab.plugin_folder().join(name)).expect("a copy of the plugin");
        lab
    }

    /// The folder that HDF5_PLUGIN_PATH names.
    pub fn plugin_folder(&self) -> PathBuf {
        self.path("plugins")
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a program in the folder, where HDF5 finds the plugin.
    #[track_caller]
    pub fn run<S: AsRef<str>>(&self, program: &str, arguments: &[S]) -> Run {
        self.run_with(program, arguments, &[])
    }

    /// [`run`](Self::run) with these environment variables.
    #[track_caller]
    pub fn run_with<S: AsRef<str>>(&self, program: &str, arguments: &[S], env: &[(&str, &str)]) -> Run {
        let own = self.path(program);
        let path = if own.is_file() { own } else { program.into() };
        let mut command = Command::new(path);
        command.args(arguments.iter().map(AsRef::as_ref)).current_dir(self.folder.path());
        command.env("HDF5_PLUGIN_PATH", self.plugin_folder()).envs(env.iter().copied());
        Run::of(&mut command, &hint(program))
    }

    /// Builds tests/c/`source`.c as `program`.
    #[track_caller]
    pub fn build(&self, source: &str, hdf5: Hdf5, program: &str) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(format!("{source}.c"));
        self.compile(hdf5, &source, program, &[]);
    }

    /// Builds `program` of a source that includes h5h264.h, with the libh5h264.so in the folder.
    #[track_caller]
    pub fn build_linked(&self, source: &Path, program: &str) {
        let include = format!("-I{}", Path::new(env!("CARGO_MANIFEST_DIR")).join("include").display());
        let found = format!("-Wl,-rpath,{}", self.folder.path().display());
        self.compile(Hdf5::Shared, source, program, &[&include, "-L.", "-lh5h264", &found]);
    }

    #[track_caller]
    fn compile(&self, hdf5: Hdf5, source: &Path, program: &str, arguments: &[&str]) {
        let mut command = hdf5.compiler();
        command.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-o"]).arg(self.path(program));
        command.arg(source).args(arguments).args(hdf5.libraries()).current_dir(self.folder.path());
        let hint = hint(&command.get_program().to_string_lossy());
        Run::of(&mut command, &hint).succeeded();
    }
}

fn hint(program: &str) -> String {
    let package = match program {
        "h5cc" => "hdf5-helpers, and libhdf5-dev",
        "h5pcc" | "mpirun" => "libhdf5-openmpi-dev",
        program if program.starts_with("h5") => "hdf5-tools",
        "ffmpeg" | "valgrind" => program,
        "nm" | "readelf" => "binutils",
        _ => return String::new(),
    };
    format!(" (install the package {package})")
}
