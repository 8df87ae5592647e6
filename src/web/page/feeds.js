// Feeds: how each does, when it is polled next and why.
import { get } from './api.js';
import { sparkline } from './chart.js';
import { bdi, h, link, replace, select } from './dom.js';
import { refreshing } from './refresh.js';
import { age, count, plural, span, stateBadge } from './words.js';

const TROUBLES = ['gone', 'failing', 'denied', 'empty', 'stale', 'backing-off'];
const STATES = ['gone', 'failing', 'denied', 'empty', 'stale', 'backing-off', 'new', 'moved', 'healthy', 'dropped'];
const PAGES_MAX = 5;

/** A list that comes in pages, as far as PAGES_MAX; `items.isCut` where there is more. */
export async function all(parts, params, signal) {
  const items = [];
  let cursor = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const found = await get(parts, { ...params, limit: 200, cursor }, signal);
    items.push(...found.items);
    cursor = found.next;
    if (!cursor) break;
  }
  items.isCut = Boolean(cursor);
  return items;
}

const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');

export function feeds(element, context) {
  let filter = {};
  let items = [];
  let isCut = false;
  let timer = null;
  const q = h('input', { type: 'search', 'aria-label': 'Feed or outlet', placeholder: 'Feed or outlet', autocomplete: 'off', maxlength: 200, oninput: typed });
  const state = select('state', [['', 'any state'], ...STATES.map((word) => [word, word])], '', typed);
  state.setAttribute('aria-label', 'State');
  const summary = h('div', { class: 'tiles' });
  const body = h('div', { class: 'scroll' });
  const page = refreshing(body, async (signal) => {
    const found = await all(['feeds'], {}, signal);
    if (!found.isCut || !(filter.q || filter.state)) return { items: found, isCut: found.isCut };
    // Too many to hold: the daemon looks through the rest.
    return { items: await all(['feeds'], filter, signal), isCut: true };
  }, (found) => {
    items = found.items;
    isCut = found.isCut;
    draw();
  });
  element.append(h('h1', { class: 'hidden' }, 'Feeds'), h('div', { class: 'bar' }, h('div', { class: 'fields' }, q, state)), summary, body);

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(() => context.go({ q: q.value.trim(), state: state.value }, { replace: true }), 200);
  }

  function draw() {
    const by = new Map();
    for (const feed of items) by.set(feed.state, (by.get(feed.state) || 0) + 1);
    const order = STATES.filter((one) => by.has(one));
    replace(summary, h('a', { class: 'tile', href: '#/feeds', 'aria-current': filter.state ? null : 'true', data: { key: 'all' } }, h('b', null, `${count(items.length)}${isCut ? '+' : ''}`), 'feeds'),
      order.map((one) => h('a', { class: 'tile', href: `#/feeds?state=${one}`, 'aria-current': filter.state === one ? 'true' : null, data: { key: one } }, h('b', null, count(by.get(one))), stateBadge(one))));
    const words = (filter.q || '').toLowerCase();
    const rows = items.filter((feed) => (!filter.state || feed.state === filter.state) && (!words || `${feed.id} ${feed.outlet} ${feed.url}`.toLowerCase().includes(words)));
    rows.sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
    replace(body, rows.length ? h('table', { class: 'grid' }, h('thead', null, h('tr', null, ['State', 'Feed', 'Last 48 hours', 'Newest', 'Polled', 'Next poll'].map((name) => h('th', { scope: 'col' }, name)))), h('tbody', null, rows.slice(0, 500).map(row)))
      : h('p', { class: 'empty' }, items.length ? 'No feed matches.' : ['There is no feed yet. Add one: ', h('code', null, 'gainsay feeds add URL'), ', with the address of an RSS, Atom or JSON feed, or of a page that names its feed.']),
    rows.length > 500 || isCut ? h('p', { class: 'foot' }, 'There are more: narrow the list.') : null);
  }

  function row(feed) {
    return h('tr', { class: TROUBLES.includes(feed.state) ? 'trouble' : null, tabindex: '0', data: { key: `feed-${feed.id}` } },
      h('td', { data: { label: 'State' } }, stateBadge(feed.state)),
      h('td', { class: 'wide', data: { label: 'Feed' } }, h('strong', null, bdi(feed.outlet || feed.id)), ' ', feed.url ? link(feed.url) : null,
        feed.outlet && plain(feed.outlet) !== plain(feed.id) ? h('span', { class: 'dim small' }, ' ', bdi(feed.id)) : null,
        feed.error ? h('p', { class: 'error' }, bdi(feed.error), h('span', { class: 'dim' }, feed.failures > 1 ? ` · ${feed.failures} times in a row` : '', feed.since ? [' · since ', age(feed.since)] : null)) : null,
        feed.moved_to ? h('p', { class: 'note' }, 'moved to ', link(feed.moved_to)) : null,
        feed.push ? h('p', { class: 'note' }, bdi(typeof feed.push === 'string' ? feed.push : `pushed by ${feed.push.hub || 'a hub'}`)) : null),
      h('td', { data: { label: '48 hours' } }, sparkline(feed.history), h('span', { class: 'dim small' }, feed.rhythm_seconds ? `one in ${span(feed.rhythm_seconds)}` : '')),
      h('td', { data: { label: 'Newest' } }, age(feed.last_entry || feed.newest), h('span', { class: 'dim small' }, feed.texts ? ` ${plural(feed.texts, 'text')}` : '')),
      h('td', { data: { label: 'Polled' } }, age(feed.last_poll)),
      h('td', { data: { label: 'Next poll' } }, age(feed.next_poll), feed.next_poll_reason ? h('span', { class: 'dim small' }, ' ', bdi(String(feed.next_poll_reason).replaceAll('_', ' '))) : null));
  }

  page.now();
  return {
    title: 'Feeds',
    update(params) {
      filter = { q: params.get('q') || '', state: params.get('state') || '' };
      if (document.activeElement !== q) q.value = filter.q;
      state.value = filter.state;
      if (isCut) page.now();
      else draw();
    },
    keys: context.cardKeys(element, 'tbody tr'),
    dispose: () => (page.dispose(), clearTimeout(timer)),
  };
}
