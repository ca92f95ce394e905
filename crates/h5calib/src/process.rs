//! What a process keeps between chunks.

use h5filter::{PerProcess, environment, job};

use crate::buffers::Buffers;
use crate::cache::Cache;
use crate::open_objects::OpenObjects;
use crate::shared_files::SharedFiles;

/// The state of one process.
pub struct Process {
    /// Constants that were read.
    pub cache: Cache,
    /// Memory for what is read.
    pub buffers: Buffers,
    /// What is known of the objects that are open.
    pub open_objects: OpenObjects,
    /// What is known of views in files that other processes have open, too.
    pub shared_files: SharedFiles,
    /// How many cores this process may use.
    n_cores: usize,
}

impl Process {
    /// The state of this process.
    pub fn current() -> &'static Self {
        static CURRENT: PerProcess<Process> = PerProcess::new();
        CURRENT.get_or_init(|| Self {
            cache: Cache::default(),
            buffers: Buffers::default(),
            open_objects: OpenObjects::default(),
            shared_files: SharedFiles::default(),
            n_cores: job::n_threads(),
        })
    }

    /// How many threads a chunk may use: `H5CALIB_THREADS`, or those that this process should have.
    pub fn n_threads(&self) -> usize {
        environment::number("H5CALIB_THREADS").filter(|&n| n > 0).unwrap_or(self.n_cores)
    }
}
