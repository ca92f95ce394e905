//! Do C programs and the tools that come with HDF5 read views, and refuse to write them?

#[path = "../../../tests/support/run.rs"]
#[allow(dead_code)]
mod run;

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use run::Run;
use tempfile::TempDir;

const VIEWS: [&str; 3] = ["proc_pedestal", "proc_agipd_v1", "proc_agipd_v2"];

/// A folder with the original's files, in which HDF5 finds the plugin.
struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        let lab = Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for name in ["original.h5", "expected.h5"] {
            fs::copy(root.join("tests/data/h5calib").join(name), lab.path(name)).expect("a copy");
        }
        // The plugin that cargo has built for this test program lies beside it.
        let name = format!("{DLL_PREFIX}h5calib{DLL_SUFFIX}");
        let plugin = env::current_exe().expect("a test knows its own path").with_file_name(&name);
        fs::create_dir(lab.path("plugins")).expect("a folder");
        fs::copy(plugin, lab.path("plugins").join(name)).expect("a copy of the plugin");
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) -> Run {
        let own = self.path(program);
        let mut command = Command::new(if own.is_file() { own } else { program.into() });
        command.args(arguments).current_dir(self.0.path()).env("HDF5_PLUGIN_PATH", self.path("plugins"));
        Run::of(&mut command, "")
    }

    /// Builds tests/c/view.c with a shared libhdf5, or with one inside the program.
    #[track_caller]
    fn build(&self, linking: &str) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/view.c");
        let mut command = Command::new("h5cc");
        command.args([linking, "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-o"]);
        command.arg(self.path("view")).arg(source).arg("-ldl").current_dir(self.0.path());
        Run::of(&mut command, " (install the packages hdf5-helpers and libhdf5-dev)").succeeded();
    }
}

#[test]
fn c_programs_read_views_and_can_not_write_them() {
    let lab = Lab::new();
    lab.build("-shlib");
    for view in VIEWS {
        let same = lab.run("view", &["compare", "original.h5", view, "expected.h5", view]).succeeded();
        assert!(same.stderr.is_empty(), "{}", same.stderr);
        same.printed("the same");
        let refused = lab.run("view", &["write", "original.h5", view]).succeeded().printed("refused");
        assert!(refused.stderr.contains("h5calib: the dataset is computed"), "{}", refused.stderr);
    }
}

#[test]
fn a_program_that_contains_too_little_of_hdf5_gets_an_error() {
    // A linker takes from libhdf5.a only what a program needs, and a view needs more.
    let lab = Lab::new();
    lab.build("-noshlib");
    let run = lab.run("view", &["read", "original.h5", "proc_agipd_v1", "1"]).failed();
    assert!(run.stderr.contains("h5calib: the calling program's HDF5 has no function"), "{}", run.stderr);
}

#[test]
fn a_program_gets_one_error_stack_with_the_reason() {
    let lab = Lab::new();
    lab.build("-shlib");
    lab.run("h5copy", &["-i", "original.h5", "-o", "alone.h5", "-s", "proc_agipd_v1", "-d", "v"]).succeeded();
    let run = lab.run("view", &["read", "alone.h5", "v", "1"]).failed();
    assert!(run.stderr.contains("as its attribute h5calib_file_magic"), "{}", run.stderr);
    assert_eq!(run.stderr.matches("HDF5-DIAG").count(), 1, "{}", run.stderr);
}

#[test]
fn valgrind_finds_nothing_in_it() {
    let lab = Lab::new();
    lab.build("-shlib");
    let valgrind = ["--quiet", "--error-exitcode=1", "--leak-check=full", "--errors-for-leak-kinds=definite"];
    let read = ["--show-leak-kinds=definite", "./view", "read", "original.h5", "proc_agipd_v2", "20"];
    let run = lab.run("valgrind", &[&valgrind[..], &read].concat()).succeeded().printed("1 open");
    assert!(run.stderr.is_empty(), "{}", run.stderr);
}

#[test]
fn the_tools_read_views() {
    let lab = Lab::new();
    for view in VIEWS {
        let words = |file| {
            let run = lab.run("h5dump", &["-d", view, "-w", "0", file]).succeeded();
            run.stdout.split_once("DATA {").expect("a data section").1.to_owned()
        };
        assert_eq!(words("original.h5"), words("expected.h5"));
        lab.run("h5diff", &["original.h5", "expected.h5", view]).succeeded().was_silent();
    }
}

#[test]
fn h5repack_copies_views_and_makes_frames_of_them() {
    let lab = Lab::new();
    lab.run("h5repack", &["original.h5", "copy.h5"]).succeeded().was_silent();
    lab.run("h5repack", &["-f", "NONE", "original.h5", "frames.h5"]).succeeded().was_silent();
    let filters = |file| lab.run("h5dump", &["-p", "-H", file]).succeeded().stdout;
    assert!(filters("copy.h5").contains("FILTER_ID 57836"));
    assert!(!filters("frames.h5").contains("FILTER_ID 57836"));
    for view in VIEWS {
        for file in ["copy.h5", "frames.h5"] {
            lab.run("h5diff", &[file, "expected.h5", view]).succeeded().was_silent();
        }
    }
}

#[test]
fn h5repack_with_filters_for_other_datasets_fails_with_the_reason() {
    // It reads and writes all datasets then, and copies none.
    let lab = Lab::new();
    let arguments = ["--enable-error-stack", "-f", "raw2:GZIP=4", "original.h5", "packed.h5"];
    let run = lab.run("h5repack", &arguments).failed();
    assert!(run.stderr.contains("h5calib: raw dataset /raw2 can't be opened in packed.h5"), "{}", run.stderr);
}

#[test]
fn frames_that_h5repack_writes_into_a_view_are_kept() {
    let lab = Lab::new();
    // It meets no error before it closes the dataset, when HDF5 would not survive one.
    lab.run("h5repack", &["-f", "proc_pedestal:UD=57836,0,0", "expected.h5", "views.h5"]).succeeded();
    assert!(lab.run("h5dump", &["-p", "-H", "views.h5"]).succeeded().stdout.contains("FILTER_ID 57836"));
    lab.run("h5diff", &["views.h5", "expected.h5", "proc_pedestal"]).succeeded().was_silent();
}

#[test]
fn a_plugin_exports_what_hdf5_asks_for_and_nothing_else() {
    let lab = Lab::new();
    let plugin = format!("plugins/{DLL_PREFIX}h5calib{DLL_SUFFIX}");
    let exported =
        lab.run("nm", &["-D", "--defined-only", "--format=just-symbols", &plugin]).succeeded().stdout;
    assert_eq!(exported, "H5PLget_plugin_info\nH5PLget_plugin_type\n");
    let missing =
        lab.run("nm", &["-D", "--undefined-only", "--format=just-symbols", &plugin]).succeeded().stdout;
    assert!(!missing.contains("H5"), "{missing}");
}
