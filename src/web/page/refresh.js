// Loads what a view shows, again while it is looked at.
import { button, h, replace } from './dom.js';

const EVERY = 15_000; // ms

/** Calls `load(signal)` now and then, and `draw(data)` with what it gave; what went wrong stands in `element` until it is well. */
export function refreshing(element, load, draw) {
  let abort = null;
  let last = null;
  let hasDrawn = false;
  async function now(isAsked = true) {
    if (!isAsked && (document.hidden || abort)) return;
    abort?.abort();
    const mine = new AbortController();
    abort = mine;
    let data;
    try {
      data = await load(mine.signal);
    } catch (error) {
      if (mine.signal.aborted) return;
      if (!hasDrawn) replace(element, h('p', { class: 'empty' }, `This could not be loaded: ${error.message} `, button('Try again', () => now())));
      last = null;
      return;
    } finally {
      if (abort === mine) abort = null;
    }
    if (mine.signal.aborted) return;
    const text = JSON.stringify(data);
    // An unchanged answer leaves the page alone: focus, selection and what is open stay.
    if (text !== last || isAsked) draw(data);
    last = text;
    hasDrawn = true;
  }
  const timer = setInterval(() => now(false), EVERY);
  return {
    now,
    soon: (wait = 1200) => setTimeout(() => now(), wait),
    dispose() {
      clearInterval(timer);
      abort?.abort();
    },
  };
}
