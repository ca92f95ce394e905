//! Work on several chunks at once, in bounded memory.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, bail};
use clap::Args;

/// More gain nothing, and a system may not give them.
const MOST_THREADS: usize = 256;

/// `--threads`
#[derive(Debug, Clone, Copy, Args)]
pub struct Threads {
    /// Chunks to work on at the same time, up to 256 [default: the cores that the program may use]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

impl Threads {
    /// How many.
    pub fn n(self) -> usize {
        self.threads.or(thread::available_parallelism().ok()).map_or(1, NonZero::get).min(MOST_THREADS)
    }
}

/// Takes tasks from an iterator, on this thread; does `work` on up to `n_threads` of them at once, on
/// other threads; and hands the results to `consume`, on this thread and in the order of the tasks.
/// At most twice as many tasks and results as threads exist at a time. The first error ends it.
pub fn in_order<T: Send, R: Send>(
    n_threads: usize,
    tasks: impl Iterator<Item = Result<T>>,
    work: impl Fn(T) -> R + Sync,
    mut consume: impl FnMut(R) -> Result<()>,
) -> Result<()> {
    let (sender, receiver) = mpsc::channel::<(T, SyncSender<R>)>();
    let receiver = Mutex::new(receiver);
    let run = || {
        loop {
            let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((task, result)) = next else { return };
            // Nobody waits for it after an error.
            let _ = result.send(work(task));
        }
    };
    thread::scope(|scope| {
        // Dropped at the end of this closure, which ends the threads.
        let sender = sender;
        for _ in 0..n_threads {
            thread::Builder::new().spawn_scoped(scope, run)?;
        }
        let mut pending = VecDeque::new();
        let mut take = |pending: &mut VecDeque<mpsc::Receiver<R>>| match pending.pop_front() {
            Some(first) => match first.recv() {
                Ok(result) => consume(result),
                Err(_) => bail!("a thread panicked"),
            },
            None => Ok(()),
        };
        for task in tasks {
            let (result, waiting) = mpsc::sync_channel(1);
            if sender.send((task?, result)).is_err() {
                break;
            }
            pending.push_back(waiting);
            if pending.len() == 2 * n_threads {
                take(&mut pending)?;
            }
        }
        while !pending.is_empty() {
            take(&mut pending)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_tasks() {
        for n_threads in [1, 2, 7] {
            let mut found = Vec::new();
            let consume = |square| {
                found.push(square);
                Ok(())
            };
            in_order(n_threads, (0..100).map(Ok), |i: usize| i * i, consume).unwrap();
            assert_eq!(found, (0..100).map(|i| i * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn tasks_run_at_the_same_time_and_no_more_wait_than_twice_the_threads() {
        let barrier = Barrier::new(3);
        let (n_taken, n_consumed) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        let tasks = (0..30).map(|i| {
            n_taken.set(n_taken.get() + 1);
            assert!(n_taken.get() - n_consumed.get() <= 6);
            Ok(i)
        });
        let consume = |_| {
            n_consumed.set(n_consumed.get() + 1);
            Ok(())
        };
        let work = |_: i32| {
            barrier.wait();
        };
        in_order(3, tasks, work, consume).unwrap();
        assert_eq!(n_consumed.get(), 30);
    }

    #[test]
    fn the_first_error_ends_it() {
        let tasks = (0..).map(|i| if i == 5 { bail!("task {i}") } else { Ok(i) });
        let e = in_order(2, tasks, |i: i32| i, |_| Ok(())).unwrap_err();
        assert_eq!(e.to_string(), "task 5");
        let consume = |i| if i == 7 { bail!("result {i}") } else { Ok(()) };
        assert_eq!(in_order(2, (0..).map(Ok), |i: i32| i, consume).unwrap_err().to_string(), "result 7");
    }
}
