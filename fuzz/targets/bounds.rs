//! Memory of one run: an allocator that counts what is held, and ends the process where one input makes it hold too much.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes that one input may make the program hold.
const HELD_BYTES_MAX: usize = 200 * 1024 * 1024;

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static BEFORE: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        if held.saturating_sub(BEFORE.load(Relaxed)) > HELD_BYTES_MAX {
            // As a crash, so that the fuzzer keeps the input.
            std::process::abort();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// One run begins: what is held by now is not this input's.
pub fn begin() {
    BEFORE.store(HELD.load(Relaxed), Relaxed);
}
