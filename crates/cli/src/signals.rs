//! What signals do to this program. Beside `h5`, the one module with unsafe code: calls of libc.

use std::io;

/// When a signal ends the program, `clean_up` runs first. Signals that are ignored, as nohup does, stay so.
#[cfg(unix)]
pub fn before_end(clean_up: impl Fn() + Send + 'static) -> io::Result<()> {
    use libc::{SIGHUP, SIGINT, SIGTERM};

    let signals: Vec<_> =
        [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)).collect();
    let mut signals = signal_hook::iterator::Signals::new(signals)?;
    std::thread::Builder::new().spawn(move || {
        if let Some(signal) = signals.forever().next() {
            clean_up();
            // As shells report a program that a signal has ended.
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}

/// When Ctrl-C ends the program, `clean_up` runs first.
#[cfg(not(unix))]
pub fn before_end(clean_up: impl Fn() + Send + 'static) -> io::Result<()> {
    let handler = move || {
        clean_up();
        std::process::exit(130);
    };
    ctrlc::set_handler(handler).map_err(io::Error::other)
}

#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action, this only writes the present one to `action`.
    let status = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: it was written, if that has succeeded, and otherwise is zero, which is an action, too.
    status == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// Writing more than `ulimit -f` allows becomes an error, instead of the end of the program.
pub fn survive_file_size_limit() {
    #[cfg(unix)]
    // SAFETY: no handler is installed.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}
