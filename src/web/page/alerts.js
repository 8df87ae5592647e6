// The alerts that the page holds: the newest of the chosen filters, what comes in by the stream, and older ones as they are asked for.
import { get, Stream } from './api.js';

const PAGE = 100;
const HELD_MAX = 20_000; // more are let go at the old end
const FLUSH = 60; // ms between two additions to the list

export const FILTERS = ['kind', 'type', 'state', 'speaker', 'outlet', 'confidence_min', 'q', 'since', 'until'];

class Alerts extends EventTarget {
  items = []; // {position, state, held, alert}, newest first
  waiting = []; // came while the list was held, newest first
  known = new Set();
  changed = new Map(); // by position, until the next flush
  params = null;
  next = null;
  isHeld = false;
  state = { word: 'connecting' };

  /** Shows what these filters let through; nothing happens where they are the same. */
  async start(params) {
    const key = JSON.stringify(params);
    if (this.key === key) return;
    this.key = key;
    this.params = params;
    this.stream?.close();
    this.stream = null;
    this.arrived = [];
    this.changed.clear();
    await this.load();
  }

  /** Loads the first page and opens the stream behind it. */
  async load() {
    const { key } = this;
    const isOf = () => this.key === key;
    this.loading = true;
    this.error = null;
    this.say('change');
    try {
      const page = await get(['alerts'], { ...this.params, limit: PAGE });
      if (!isOf()) return;
      this.fill(page);
      this.listen();
    } catch (error) {
      if (!isOf()) return;
      this.error = error;
      clearTimeout(this.retry);
      this.retry = setTimeout(() => isOf() && this.load(), 3000);
      this.report('waiting', 3000, error);
    } finally {
      if (isOf()) {
        this.loading = false;
        this.say('change');
      }
    }
  }

  fill(page) {
    this.items = page.items;
    this.waiting = [];
    this.known = new Set(page.items.map((item) => item.position));
    this.next = page.next;
  }

  listen() {
    const after = this.items.length ? this.items[0].position : null;
    const { key } = this;
    this.stream?.close();
    this.stream = new Stream(this.params, after, {
      open: async () => {
        this.askHeld(key);
        // Without a position the stream begins now: what came between the page and now is fetched.
        if (this.stream?.last === null && this.key === key) this.add((await get(['alerts'], { ...this.params, limit: PAGE })).items);
      },
      event: async (name, id, data) => {
        if (this.key !== key) return;
        if (name === 'reset') {
          // Older than what the daemon keeps: the list is loaded anew.
          await this.load();
          return;
        }
        try {
          if (name === 'alert') this.add([JSON.parse(data)]);
          else if (name === 'changed') this.change(JSON.parse(data));
        } catch {
          this.bad = (this.bad || 0) + 1;
        }
      },
      state: (word, wait, error) => this.key === key && this.report(word, wait, error),
    });
  }

  report(word, wait, error) {
    this.state = { word, until: wait ? Date.now() + wait : null, error, since: this.state.word === word ? this.state.since : Date.now() };
    this.say('state');
  }

  add(items) {
    for (const item of items) {
      if (this.known.has(item.position)) continue;
      this.known.add(item.position);
      this.arrived.push(item);
    }
    if (this.arrived.length) this.timer ||= setTimeout(() => this.flush(), FLUSH);
  }

  /** An alert of which something else became: it waits no longer, or for something else. */
  change(item) {
    this.changed.set(item.position, item);
    this.timer ||= setTimeout(() => this.flush(), FLUSH);
  }

  /** What became of those that waited the stream does not tell again: after a break, and at the start, it is asked for. */
  async askHeld(key) {
    try {
      // Who looks at some states misses what came into them.
      if (this.params.state?.length) for (const item of (await get(['alerts'], { ...this.params, limit: PAGE })).items) if (this.key === key && !this.known.has(item.position)) this.change(item);
      const held = [...this.items, ...this.waiting].filter((item) => item.state === 'held');
      if (!held.length) return;
      const oldest = Math.min(...held.map((item) => item.position));
      const still = new Map();
      let cursor = null;
      do {
        const page = await get(['alerts'], { state: 'held', limit: 200, cursor });
        for (const item of page.items) still.set(item.position, item);
        cursor = page.next && page.items.at(-1).position > oldest ? page.next : null;
      } while (cursor);
      for (const before of held) {
        if (this.key !== key) return;
        const now = still.get(before.position) || (await get(['alerts', before.alert.id]));
        if (JSON.stringify([now.state, now.held]) !== JSON.stringify([before.state, before.held])) this.change(now);
      }
    } catch {
      // They stay as they were; the next break asks again.
    }
  }

  /** Puts what changed in the place of what it was; gives what was put in so, with what it was. */
  exchange() {
    const { state } = this.params;
    const changed = [];
    for (const item of this.changed.values()) {
      const isWanted = !state?.length || state.includes(item.state);
      const isOn = (list) => list.findIndex((one) => one.position === item.position);
      const list = isOn(this.items) < 0 ? this.waiting : this.items;
      const at = isOn(list);
      if (at >= 0) {
        changed.push({ item, before: list[at] });
        list.splice(at, 1, ...(isWanted ? [item] : []));
        if (!isWanted) this.known.delete(item.position);
      } else if (isWanted && state?.length && (!this.next || item.position > this.items.at(-1)?.position)) {
        this.known.add(item.position);
        this.items.push(item);
        this.items.sort((a, b) => b.position - a.position);
        changed.push({ item, before: null });
      }
    }
    this.changed.clear();
    if (changed.length) [this.items, this.waiting] = [[...this.items], [...this.waiting]];
    return changed;
  }

  flush() {
    this.timer = null;
    this.takeIn();
    const changed = this.exchange();
    if (!changed.length) return;
    this.say('change');
    this.dispatchEvent(new CustomEvent('changed', { detail: changed }));
  }

  takeIn() {
    const came = this.arrived.sort((a, b) => b.position - a.position);
    this.arrived = [];
    if (!came.length) return;
    if (this.isHeld) this.waiting = [...came, ...this.waiting].slice(0, HELD_MAX);
    else this.put(came);
    this.dispatchEvent(new CustomEvent('came', { detail: came }));
    this.say('change');
  }

  put(came) {
    this.items = [...came, ...this.items];
    // Only at the seam can there be disorder, when a reload and the stream bring the same moment.
    if (this.items[came.length]?.position > came[came.length - 1].position) this.items.sort((a, b) => b.position - a.position);
    if (this.items.length > HELD_MAX) {
      for (const gone of this.items.splice(HELD_MAX)) this.known.delete(gone.position);
      this.next = null;
    }
  }

  /** Holds new alerts back, or shows those that were held. */
  hold(isHeld) {
    this.isHeld = isHeld;
    if (isHeld || !this.waiting.length) return;
    const came = this.waiting;
    this.waiting = [];
    this.put(came);
    this.say('change');
  }

  /** Older alerts. */
  async more() {
    if (!this.next || this.loading) return;
    this.loading = true;
    const { key } = this;
    try {
      const page = await get(['alerts'], { ...this.params, limit: 200, cursor: this.next });
      if (this.key !== key) return;
      const older = page.items.filter((item) => !this.known.has(item.position));
      for (const item of older) this.known.add(item.position);
      this.items = [...this.items, ...older];
      this.next = this.items.length >= HELD_MAX ? null : page.next;
    } catch (error) {
      this.error = error;
      this.next = null;
    } finally {
      this.loading = false;
      this.say('change');
    }
  }

  reconnect() {
    if (this.stream) this.stream.again();
    else if (this.params) this.load();
  }

  say(what) {
    this.dispatchEvent(new Event(what));
  }
}

export const alerts = new Alerts();
