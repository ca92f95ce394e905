//! Work on several threads at a time.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::memory;

/// What a thread takes, if it is made as the standard library does: its stack.
const STACK_BYTES: usize = 2 << 20;

/// Applies `work` to each task, on this thread and up to `n_threads` − 1 others, and returns the
/// results in the order of the tasks. After an error no further task is started, and the first
/// error in that order is returned.
pub fn map<T: Send, R: Send, E: Send>(
    tasks: Vec<T>,
    n_threads: usize,
    work: impl Fn(T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let n_helpers = n_threads.min(tasks.len()).saturating_sub(1);
    // The standard library ends the process when there is no memory for what it keeps of a thread.
    if n_helpers == 0 || !memory::is_available(n_helpers * STACK_BYTES) {
        return tasks.into_iter().map(work).collect();
    }
    let mut results: Vec<Option<Result<R, E>>> = Vec::new();
    results.resize_with(tasks.len(), || None);
    let queue = Mutex::new(tasks.into_iter().zip(&mut results));
    let run = || {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((task, result)) = next else { return };
            let done = result.insert(work(task));
            if done.is_err() {
                queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
            }
        }
    };
    thread::scope(|scope| {
        // A system that has no thread to give makes this one do more.
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, run).ok();
        let helpers: Vec<_> = (0..n_helpers).map_while(spawn).collect();
        run();
        for helper in helpers {
            helper.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    // Tasks that were dropped come after the one that failed.
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_tasks() {
        for n_threads in [1, 2, 5, 200] {
            let squares = map((0..100).collect(), n_threads, |i: usize| Ok::<_, Infallible>(i * i));
            assert_eq!(squares, Ok((0..100).map(|i| i * i).collect::<Vec<_>>()));
        }
        assert_eq!(map(Vec::new(), 3, |i: usize| Ok::<_, Infallible>(i)), Ok(vec![]));
    }

    #[test]
    fn tasks_run_at_the_same_time() {
        let barrier = std::sync::Barrier::new(3);
        let n_leaders = AtomicUsize::new(0);
        let meet = |()| {
            n_leaders.fetch_add(usize::from(barrier.wait().is_leader()), Ordering::Relaxed);
            Ok::<_, Infallible>(())
        };
        map(vec![(); 3], 3, meet).unwrap();
        assert_eq!(n_leaders.into_inner(), 1);
    }

    #[test]
    fn an_error_ends_the_work() {
        for n_threads in [1, 3] {
            let n_done = AtomicUsize::new(0);
            let work = |i: usize| {
                n_done.fetch_add(1, Ordering::Relaxed);
                if i == 5 { Err(i) } else { Ok(i) }
            };
            assert_eq!(map((0..100_000).collect(), n_threads, work), Err(5));
            assert!(n_done.into_inner() < 100_000);
        }
    }

    #[test]
    fn a_panic_is_passed_on() {
        for n_threads in [1, 3] {
            let work = |i: usize| if i == 7 { panic!("task {i}") } else { Ok::<_, Infallible>(i) };
            let panic = std::panic::catch_unwind(|| map((0..8).collect(), n_threads, work)).unwrap_err();
            assert_eq!(panic.downcast_ref::<String>().unwrap(), "task 7");
        }
    }
}
