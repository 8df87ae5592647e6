//! Work done side by side on threads of its own, and its results in order.
//!
//! Not on a pool that steals work: the networks of the judge run on a pool each, and a worker of a stealing pool that waits for one
//! begins another document meanwhile, on the same stack, until that runs over.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// Bytes of a thread's stack; only what is touched of it is taken.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// As many threads as there are cores for this process.
pub fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// What `work` makes of each item, in the order of the items, on at most so many threads.
///
/// # Panics
/// Where `work` does.
pub fn in_order<T: Send, R: Send>(threads: NonZeroUsize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let count = threads.get().min(items.len());
    let waiting = Mutex::new(items.into_iter().enumerate());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let some = || {
        let mut done = Vec::new();
        while let Some((at, item)) = next() {
            done.push((at, work(item)));
        }
        done
    };
    let mut done = Vec::new();
    std::thread::scope(|scope| {
        let mut begun = Vec::with_capacity(count);
        for _ in 0..count {
            let thread = std::thread::Builder::new().name("analyse".to_owned()).stack_size(STACK_BYTES);
            // Where the system gives no more, fewer do it too, only later.
            let Ok(thread) = thread.spawn_scoped(scope, some) else { break };
            begun.push(thread);
        }
        if begun.is_empty() {
            done = some();
        }
        for thread in begun {
            done.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    done.sort_unstable_by_key(|&(at, _)| at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..200).collect();
        let slow_first = |item: u64| {
            std::thread::sleep(std::time::Duration::from_micros(200 - item));
            item * 2
        };
        for threads in [1, 3, 400] {
            let done = in_order(NonZeroUsize::new(threads).unwrap(), items.clone(), slow_first);
            assert!(done.iter().copied().eq((0..200).map(|item| item * 2)), "{threads}");
        }
        assert!(in_order(cores(), Vec::<u64>::new(), slow_first).is_empty());
    }
}
