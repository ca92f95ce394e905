//! What a process may take of its machine when it is one of many: a rank of MPI, a worker of dask.

use std::env;
use std::thread;

/// Where launchers say how many processes of a job are on this machine: Open MPI; MPICH, Intel MPI; MVAPICH;
/// HPE's PALS.
const LOCAL_SIZES: [&str; 4] =
    ["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_LOCAL_SIZE", "PALS_LOCAL_SIZE"];
/// The same of Slurm's srun, for each machine: "16(x3),2". In a script that sbatch starts it is not set, or 1.
const SLURM: &str = "SLURM_STEP_TASKS_PER_NODE";
/// What dask, Ray and joblib set for their workers, and users for all that has threads.
const THREADS: &str = "OMP_NUM_THREADS";

/// How many threads a process should have: the cores that it may use, its share of the machine, and
/// `OMP_NUM_THREADS`, whichever is least.
pub fn n_threads() -> usize {
    let allowed = thread::available_parallelism().map_or(1, |n| n.get());
    share(allowed, n_cores().unwrap_or(allowed).max(allowed), n_processes(), first_number(THREADS))
}

/// The cores of the machine, whoever may use them.
fn n_cores() -> Option<usize> {
    #[cfg(unix)]
    // SAFETY: the call has no preconditions.
    return usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).ok();
    #[cfg(not(unix))]
    None
}

/// How many processes of the same job are on this machine, as far as the launcher tells.
pub fn n_processes() -> usize {
    LOCAL_SIZES.into_iter().chain([SLURM]).find_map(first_number).unwrap_or(1)
}

/// Launchers that give each process cores of its own allow it no others; then `allowed` is what counts.
fn share(allowed: usize, machine: usize, n_processes: usize, asked: Option<usize>) -> usize {
    allowed.min(machine / n_processes).min(asked.unwrap_or(usize::MAX)).max(1)
}

/// The number, not 0, that an environment variable starts with.
fn first_number(name: &str) -> Option<usize> {
    let value = env::var(name).ok()?;
    let digits = value.trim().split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|&n| n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_share_a_machine() {
        assert_eq!(share(64, 64, 1, None), 64);
        assert_eq!(share(64, 64, 16, None), 4);
        // Bound to cores of their own, or to one of two sockets.
        assert_eq!(share(4, 64, 16, None), 4);
        assert_eq!(share(32, 64, 4, None), 16);
        assert_eq!(share(2, 2, 5, None), 1);
    }

    #[test]
    fn nobody_has_more_threads_than_were_asked_for() {
        assert_eq!(share(8, 8, 1, Some(1)), 1);
        assert_eq!(share(8, 8, 4, Some(6)), 2);
    }
}
