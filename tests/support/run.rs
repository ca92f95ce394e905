use std::process::{Command, ExitStatus};

/// What a program did.
pub struct Run {
    command: String,
    status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Run {
    /// Runs a program to its end; `hint` says where to get it.
    pub fn of(command: &mut Command, hint: &str) -> Self {
        let described = format!("{command:?}");
        let output = command.output().unwrap_or_else(|e| panic!("{described} can't be run: {e}{hint}"));
        Self {
            command: described,
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into(),
            stderr: String::from_utf8_lossy(&output.stderr).into(),
        }
    }

    /// Panics unless the program succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        if !self.status.success() {
            self.fail("it should have succeeded");
        }
        self
    }

    /// Panics unless the program failed by itself, not by a signal.
    #[track_caller]
    pub fn failed(self) -> Self {
        if self.status.success() || self.status.code().is_none() {
            self.fail("it should have failed");
        }
        self
    }

    /// Panics unless `text` was printed to stdout.
    #[track_caller]
    pub fn printed(self, text: &str) -> Self {
        if !self.stdout.contains(text) {
            self.fail(&format!("it should have printed: {text}"));
        }
        self
    }

    /// Panics if anything was printed.
    #[track_caller]
    pub fn was_silent(self) -> Self {
        if !self.stdout.is_empty() || !self.stderr.is_empty() {
            self.fail("it should have been silent");
        }
        self
    }

    /// Panics with all there is to know.
    #[track_caller]
    pub fn fail(&self, why: &str) -> ! {
        let Self { command, status, stdout, stderr } = self;
        panic!("{why}\n{command}\n{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    }
}
