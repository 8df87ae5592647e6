// A long list of which only what is seen is in the document: items of unequal height, newest first, one of them selected.
import { h } from './dom.js';

const AHEAD = 400; // px drawn above and below of what is seen
const NEAR = 1600; // px before the end at which older items are asked for

export class WindowedList {
  /** `draw(item)` gives an element, `key(item)` its identity; `open(item)` is Enter or a click; `end()` is called near the end. */
  constructor({ label, draw, key, open, end, scrolled, selected, guess = 132 }) {
    Object.assign(this, { draw, key, open, end, scrolled, onselect: selected, guess });
    this.items = [];
    this.heights = new Map();
    this.rows = new Map();
    this.offsets = new Float64Array(1);
    this.chosen = null;
    this.space = h('div', { class: 'rows', role: 'feed', 'aria-label': label, 'aria-busy': 'false' });
    this.foot = h('div', { class: 'foot' });
    this.element = h('div', { class: 'list', tabindex: '-1' }, this.space, this.foot);
    this.element.addEventListener('scroll', () => this.ask(), { passive: true });
    this.width = 0;
    this.watch = new ResizeObserver(() => {
      if (this.width !== this.element.clientWidth) {
        this.width = this.element.clientWidth;
        this.heights.clear();
        for (const row of this.rows.values()) row.isMeasured = false;
        this.measure();
      }
      this.ask();
    });
    this.watch.observe(this.element);
  }

  dispose() {
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.isGone = true;
  }

  get isAtTop() {
    return this.element.scrollTop < 8;
  }

  /** Exchanges the items; what is seen stays where it is unless the list is at its top. */
  set(items) {
    const anchor = this.isAtTop ? null : this.anchor();
    this.items = items;
    this.measure();
    if (anchor) {
      const at = items.findIndex((item) => this.key(item) === anchor.key);
      if (at >= 0) {
        this.space.style.height = `${(this.total = this.offsets[items.length])}px`;
        this.element.scrollTop = this.offsets[at] + anchor.inside;
      }
    }
    this.paint();
  }

  anchor() {
    const at = this.at(this.element.scrollTop);
    return at < this.items.length ? { key: this.key(this.items[at]), inside: this.element.scrollTop - this.offsets[at] } : null;
  }

  measure() {
    const { items, heights, guess } = this;
    if (this.offsets.length < items.length + 1) this.offsets = new Float64Array(Math.max(64, (items.length + 1) * 2));
    let y = 0;
    for (let i = 0; i < items.length; i++) {
      this.offsets[i] = y;
      y += heights.get(this.key(items[i])) ?? guess;
    }
    this.offsets[items.length] = y;
  }

  /** The last item that begins at or above `y`. */
  at(y) {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsets[middle + 1] <= y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  ask() {
    if (this.isGone) return;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
      this.scrolled?.(this.isAtTop);
    });
  }

  /** Draws an item anew, and keeps the focus where it was. */
  redraw(key) {
    const row = this.rows.get(key);
    if (!row) return;
    const hadFocus = row.element.contains(document.activeElement);
    this.rows.delete(key);
    row.element.remove();
    this.paint();
    if (hadFocus) this.rows.get(key)?.element.focus({ preventScroll: true });
  }

  paint() {
    if (this.isGone || !this.element.isConnected) return;
    // Read once, before anything is written: each reading between writings would have the browser lay the page out anew.
    const seen = { top: this.element.scrollTop, height: this.element.clientHeight, isMoved: false };
    for (let round = 0; round < 3; round++) if (!this.pass(seen)) break;
    const total = this.offsets[this.items.length];
    if (this.total !== total) this.space.style.height = `${(this.total = total)}px`;
    if (seen.isMoved) this.element.scrollTop = seen.top;
    if (total - seen.top - seen.height < NEAR) this.end?.();
  }

  /** Draws what is seen; true when heights turned out otherwise than thought. */
  pass(seen) {
    const first = this.at(seen.top - AHEAD);
    const last = Math.min(this.items.length, this.at(seen.top + seen.height + AHEAD) + 1);
    const kept = new Set();
    let before = null;
    for (let i = first; i < last; i++) {
      const item = this.items[i];
      const key = this.key(item);
      kept.add(key);
      const row = this.rows.get(key) ?? this.made(item, key);
      this.place(row, key, i);
      // Kept in order for those who read or tab through the document.
      if (row.element.parentNode !== this.space || row.element.previousElementSibling !== before) this.space.insertBefore(row.element, before ? before.nextSibling : this.space.firstChild);
      before = row.element;
    }
    for (const [key, row] of this.rows) {
      if (!kept.has(key) && row.element !== document.activeElement) {
        row.element.remove();
        this.rows.delete(key);
      }
    }
    return this.correct(first, last, seen);
  }

  made(item, key) {
    const element = this.draw(item);
    element.addEventListener('click', (event) => this.clicked(event, key));
    element.addEventListener('focus', () => this.choose(key, false));
    element.tabIndex = -1;
    const row = { element };
    this.rows.set(key, row);
    return row;
  }

  /** Tells a row where it stands, as far as that has changed. */
  place(row, key, at) {
    const { element } = row;
    const y = this.offsets[at];
    if (row.y !== y) element.style.transform = `translateY(${(row.y = y)}px)`;
    if (row.at !== at) element.setAttribute('aria-posinset', (row.at = at) + 1);
    if (row.size !== this.items.length) element.setAttribute('aria-setsize', (row.size = this.items.length));
    const isChosen = key === this.chosen;
    const isReached = isChosen || (this.chosen === null && at === 0);
    if (row.isChosen !== isChosen) element.classList.toggle('chosen', (row.isChosen = isChosen));
    if (row.isReached !== isReached) element.tabIndex = (row.isReached = isReached) ? 0 : -1;
  }

  /** Measures what was drawn, and keeps what is seen where it is. */
  correct(first, last, seen) {
    const { top } = seen;
    let isOther = false;
    let above = 0;
    for (let i = first; i < last; i++) {
      const key = this.key(this.items[i]);
      const row = this.rows.get(key);
      if (this.heights.has(key) && row.isMeasured) continue;
      const height = row.element.offsetHeight;
      const known = this.heights.get(key) ?? this.guess;
      row.isMeasured = true;
      if (!height) continue;
      this.heights.set(key, height);
      if (height === known) continue;
      isOther = true;
      if (this.offsets[i] < top - 1 && top > 8) above += height - known;
    }
    if (!isOther) return false;
    this.measure();
    if (above) {
      seen.top = top + above;
      seen.isMoved = true;
    }
    return true;
  }

  clicked(event, key) {
    if (event.target.closest('a, button, summary, input, select') || String(getSelection())) return;
    this.choose(key, false);
    const item = this.items.find((one) => this.key(one) === key);
    if (item) this.open?.(item);
  }

  get selected() {
    return this.items.find((item) => this.key(item) === this.chosen) ?? null;
  }

  choose(key, focus = true) {
    const isNew = this.chosen !== key;
    this.chosen = key;
    const at = this.items.findIndex((item) => this.key(item) === key);
    if (at < 0) return;
    if (focus) {
      const top = this.offsets[at];
      const bottom = this.offsets[at + 1];
      const { scrollTop, clientHeight } = this.element;
      if (top < scrollTop) this.element.scrollTop = top;
      else if (bottom > scrollTop + clientHeight) this.element.scrollTop = Math.min(top, bottom - clientHeight);
      this.paint();
      this.rows.get(key)?.element.focus({ preventScroll: true });
    } else {
      for (const [one, row] of this.rows) this.place(row, one, row.at);
    }
    if (isNew) this.onselect?.(this.items[at]);
  }

  /** Moves the selection by so many items. */
  move(by) {
    if (!this.items.length) return;
    const now = this.items.findIndex((item) => this.key(item) === this.chosen);
    const next = now < 0 ? this.at(this.element.scrollTop + 1) : now + by;
    this.choose(this.key(this.items[Math.min(this.items.length - 1, Math.max(0, next))]));
  }

  toTop() {
    this.element.scrollTop = 0;
    this.paint();
  }
}
