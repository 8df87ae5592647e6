//! Memory that is free goes back to the system.
//!
//! The C library keeps what is freed for the thread that asks next, in an arena for every few threads. After thousands of first polls, or
//! any other flood, that is more than the daemon holds: with ten thousand feeds, 36 of 200 MiB.

/// Gives back what the C library keeps of freed memory; for a moment, what is allocated waits. Does nothing where the C library is not GNU's.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: any number is a valid argument, it may be called from any thread, and what is in use stays as it is.
    #[allow(unsafe_code, reason = "no safe crate offers it")]
    unsafe {
        libc::malloc_trim(0);
    }
}
