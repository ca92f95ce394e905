use std::time::Duration;

use super::File;

/// File systems may keep time in steps as large as this: a file that was changed before is not changed
/// again without another time.
const MAX_TIME_STEP: Duration = Duration::from_secs(2);

/// What the operating system tells of a file that is open: which one it is, and when it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    device: u64,
    inode: u64,
    n_bytes: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
    /// The same, and no program can set it.
    changed: (i64, i64),
}

impl FileState {
    /// Whether any change would be seen: the last one was long enough ago.
    pub fn is_settled(&self) -> bool {
        let settled = |(seconds, nanoseconds): (i64, i64)| {
            let since_1970 = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
            let age = std::time::UNIX_EPOCH.checked_add(since_1970)?.elapsed().ok()?;
            Some(age > MAX_TIME_STEP)
        };
        settled(self.modified) == Some(true) && settled(self.changed) == Some(true)
    }
}

impl File<'_> {
    /// The state of the very file that is open, even if its name is another's by now. `None` if it is
    /// not read through HDF5's usual driver, or on systems that do not tell.
    ///
    /// Of a [shared](Self::is_shared) file nothing may be asked: `H5Fget_access_plist` duplicates the
    /// communicator, which all processes have to do.
    #[cfg(unix)]
    pub fn state(&self) -> Option<FileState> {
        use std::mem::ManuallyDrop;
        use std::os::fd::FromRawFd;
        use std::os::unix::fs::MetadataExt;

        if self.is_shared() {
            return None;
        }
        let Self(id) = self;
        let f = &id.hdf5.functions;
        // SAFETY: the ids are open; the pointer is valid for the call. What the usual driver gives
        // points to its file descriptor, which is open as long as the file.
        let file = unsafe {
            let properties = id.hdf5.own((f.H5Fget_access_plist)(id.id))?;
            if (f.H5Pget_driver)(properties.id) != id.hdf5.usual_driver()? {
                return None;
            }
            let mut handle = std::ptr::null_mut();
            if (f.H5Fget_vfd_handle)(id.id, super::DEFAULT, &mut handle) < 0 || handle.is_null() {
                return None;
            }
            ManuallyDrop::new(std::fs::File::from_raw_fd(handle.cast::<libc::c_int>().read()))
        };
        let m = file.metadata().ok()?;
        Some(FileState {
            device: m.dev(),
            inode: m.ino(),
            n_bytes: m.len(),
            modified: (m.mtime(), m.mtime_nsec()),
            changed: (m.ctime(), m.ctime_nsec()),
        })
    }

    /// Nothing is known.
    #[cfg(not(unix))]
    pub fn state(&self) -> Option<FileState> {
        None
    }
}

#[cfg(unix)]
impl super::Hdf5 {
    /// `H5FD_SEC2`
    fn usual_driver(&self) -> Option<super::hid_t> {
        match self.functions.H5FD_sec2_init {
            // SAFETY: the call has no preconditions.
            Some(init) => Some(unsafe { init() }),
            None => self.usual_driver,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_settled_some_time_after_it_was_changed() {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
        let state = |modified, changed| FileState {
            device: 1,
            inode: 2,
            n_bytes: 3,
            modified: (modified, 0),
            changed: (changed, 0),
        };
        assert!(state(now - 10, now - 10).is_settled());
        assert!(!state(now, now - 10).is_settled());
        // A program has set the time of modification back.
        assert!(!state(now - 10, now).is_settled());
        assert!(!state(now + 1000, now - 10).is_settled());
        assert!(!state(-1, now - 10).is_settled());
    }
}
