use anyhow::{Result, anyhow};

/// Does `work` under HDF5's lock. A negative result is an error, with what HDF5 has to say of it.
pub(super) fn call<T: PartialOrd + Default>(work: impl FnOnce() -> T) -> Result<T> {
    hdf5::sync::sync(|| {
        let value = work();
        if value >= T::default() {
            return Ok(value);
        }
        Err(hdf5::Error::query().map_or_else(|e| anyhow!("{e}"), |e| explain(&e)))
    })
}

/// Takes over the id that `work`, under HDF5's lock, has opened or created.
macro_rules! call_for_id {
    ($work:expr) => {{
        use $crate::h5::Explain;
        let id = $crate::h5::call(|| $work)?;
        // SAFETY: HDF5 has just made this id, which nobody else has.
        unsafe { hdf5::from_id(id) }.explained()
    }};
}

pub(super) use call_for_id;

/// For results of the crate `hdf5`.
pub trait Explain<T> {
    /// The same with the innermost of HDF5's messages, which says the cause.
    fn explained(self) -> Result<T>;
}

impl<T> Explain<T> for hdf5::Result<T> {
    fn explained(self) -> Result<T> {
        self.map_err(|e| explain(&e))
    }
}

fn explain(error: &hdf5::Error) -> anyhow::Error {
    let Some(stack) = error.stack() else { return anyhow!("{error}") };
    // Outermost first.
    let causes: Vec<_> = stack.iter().map(|frame| frame.desc().trim().to_owned()).collect();
    match causes.last() {
        Some(cause) => anyhow!("{cause}"),
        None => anyhow!("HDF5 failed without saying why"),
    }
}
