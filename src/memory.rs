//! Memory that is free serves whoever asks next, and goes back to the system.
//!
//! The C library keeps what is freed for the threads that ask next, in an arena for every few of them. After thousands of first polls, or
//! any other flood, that is more than the daemon holds.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use crate::parallel;

/// Lets all threads share as many arenas as there are cores, where there may be eight times as many otherwise: dozens of threads wait for the
/// disk or for work, and what each has freed serves none of the others. Does nothing where the C library is not GNU's. To be called before
/// there are threads: what they have, they keep.
pub(crate) fn share_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it may be called from any thread at any time; a number that it does not take changes nothing.
    #[allow(unsafe_code, reason = "no safe crate offers it")]
    unsafe {
        let arenas = libc::c_int::try_from(parallel::cores().get()).unwrap_or(libc::c_int::MAX);
        libc::mallopt(libc::M_ARENA_MAX, arenas.max(2));
    }
}

/// Gives back what the C library keeps of freed memory; for a moment, what is allocated waits. Does nothing where the C library is not GNU's.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: any number is a valid argument, it may be called from any thread, and what is in use stays as it is.
    #[allow(unsafe_code, reason = "no safe crate offers it")]
    unsafe {
        libc::malloc_trim(0);
    }
}
