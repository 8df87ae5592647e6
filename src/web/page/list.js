// A long list of which only what is seen is in the document: items of unequal height, newest first, one of them selected.
import { h } from './dom.js';

const AHEAD = 500; // px drawn above and below of what is seen

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
      if (at >= 0) this.element.scrollTop = this.offsets[at] + anchor.inside;
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
    this.space.style.height = `${y}px`;
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

  /** Draws an item anew at the next painting. */
  forget(key) {
    this.rows.get(key)?.remove();
    this.rows.delete(key);
    this.ask();
  }

  paint() {
    if (this.isGone || !this.element.isConnected) return;
    for (let round = 0; round < 3; round++) if (!this.pass()) break;
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    if (scrollHeight - scrollTop - clientHeight < 800) this.end?.();
  }

  /** One pass; true when heights turned out otherwise than thought. */
  pass() {
    const top = this.element.scrollTop;
    const first = this.at(top - AHEAD);
    const last = Math.min(this.items.length, this.at(top + this.element.clientHeight + AHEAD) + 1);
    const seen = new Set();
    let before = null;
    for (let i = first; i < last; i++) {
      const item = this.items[i];
      const key = this.key(item);
      seen.add(key);
      let row = this.rows.get(key);
      if (!row) {
        row = this.draw(item);
        row.addEventListener('click', (event) => this.clicked(event, key));
        row.addEventListener('focus', () => this.choose(key, false));
        row.tabIndex = -1;
        this.rows.set(key, row);
      }
      row.style.transform = `translateY(${this.offsets[i]}px)`;
      row.setAttribute('aria-posinset', i + 1);
      row.setAttribute('aria-setsize', this.items.length);
      row.classList.toggle('chosen', key === this.chosen);
      row.tabIndex = key === this.chosen || (this.chosen === null && i === 0) ? 0 : -1;
      // Kept in order for those who read or tab through the document.
      if (row.parentNode !== this.space || row.previousElementSibling !== before) this.space.insertBefore(row, before ? before.nextSibling : this.space.firstChild);
      before = row;
    }
    for (const [key, row] of this.rows) {
      if (!seen.has(key) && row !== document.activeElement) {
        row.remove();
        this.rows.delete(key);
      }
    }
    return this.correct(first, last, top);
  }

  correct(first, last, top) {
    const found = [];
    for (let i = first; i < last; i++) found.push(this.rows.get(this.key(this.items[i])).offsetHeight);
    let isOther = false;
    let above = 0;
    found.forEach((height, index) => {
      const key = this.key(this.items[first + index]);
      const known = this.heights.get(key) ?? this.guess;
      if (height && height !== this.heights.get(key)) {
        this.heights.set(key, height);
        if (height !== known) {
          isOther = true;
          if (this.offsets[first + index] < top - 1 && top > 8) above += height - known;
        }
      }
    });
    if (!isOther) return false;
    this.measure();
    if (above) this.element.scrollTop = top + above;
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
      this.rows.get(key)?.focus({ preventScroll: true });
    } else {
      for (const [one, row] of this.rows) {
        row.classList.toggle('chosen', one === key);
        row.tabIndex = one === key ? 0 : -1;
      }
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
