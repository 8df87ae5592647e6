// Feeds: how each does, when it is polled next and why; add, poll, pause, remove.
import { change, get } from './api.js';
import { sparkline } from './chart.js';
import { bdi, button, dialogue, h, link, replace, select } from './dom.js';
import { exportMenu } from './export.js';
import { addFeed } from './feed_add.js';
import { refreshing } from './refresh.js';
import { age, count, moment, plural, span, stateBadge } from './words.js';

const TROUBLES = ['gone', 'failing', 'denied', 'empty', 'stale', 'backing-off'];
const STATES = ['gone', 'failing', 'denied', 'empty', 'stale', 'backing-off', 'new', 'paused', 'moved', 'healthy', 'dropped'];
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

/** How it stands with a feed's hub. */
const pushed = ({ hub, until, trouble }) => (trouble ? `hub ${hub}: ${trouble}` : until ? `pushed by ${hub}` : `hub ${hub}: it has not agreed to push yet`);

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
  element.append(h('h1', { class: 'hidden' }, 'Feeds'), h('div', { class: 'bar' }, h('div', { class: 'fields' }, q, state), h('div', { class: 'tools' }, exportMenu([['feeds'], () => filter]), button('Add …', add, { title: 'Add a feed (a)', data: { key: 'add' } }))), summary, body);

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
    replace(body, rows.length ? h('table', { class: 'grid' }, h('thead', null, h('tr', null, ['State', 'Feed', 'Last 48 hours', 'Newest', 'Polled', 'Next poll', ''].map((name) => h('th', { scope: 'col' }, name || h('span', { class: 'hidden' }, 'Actions'))))), h('tbody', null, rows.slice(0, 500).map(row)))
      : h('p', { class: 'empty' }, items.length ? 'No feed matches.' : ['There is no feed yet. ', button('Add one …', add), ' with the address of an RSS, Atom or JSON feed, or of a page that names its feed.']),
    rows.length > 500 || isCut ? h('p', { class: 'foot' }, 'There are more: narrow the list.') : null);
  }

  function add() {
    addFeed(context, () => page.soon(300));
  }

  /** Does something to a feed and says what came of it; a refusal is said in its own words. */
  async function act(feed, what, said, undo) {
    try {
      const done = await change('POST', ['feeds', feed.id, what]);
      context.toast(said(done), undo);
    } catch (error) {
      context.toast(`${feed.outlet || feed.id}: ${error.message}`);
    }
    page.soon(300);
    page.soon(1500);
  }

  const name = (feed) => feed.outlet || feed.id;
  const poll = (feed) => act(feed, 'poll', (done) => (done.held ? `${name(feed)} is polled in ${span((Date.parse(done.at) - Date.now()) / 1000)}: ${done.held}.` : `${name(feed)} is polled now.`));
  const resume = (feed) => act(feed, 'resume', () => `${name(feed)} is polled again; what it carries that is not known yet is news.`);
  const pause = (feed) => act(feed, 'pause', () => `${name(feed)} rests until you resume it.`, ['Undo', () => resume(feed)]);

  function remove(feed) {
    const box = dialogue(`Remove ${name(feed)}?`, h('p', null, 'It is polled no more. What came of it stays; added again, it goes on where it was.'), [button('Cancel', () => box.close()), button('Remove', async () => {
      box.close();
      try {
        await change('DELETE', ['feeds', feed.id]);
        context.toast(`${name(feed)} is removed.`);
      } catch (error) {
        context.toast(error.message);
      }
      page.soon(300);
    }, { class: 'main' })]);
  }

  function acts(feed) {
    const of = (what) => ({ data: { key: `${what}-${feed.id}` }, 'aria-label': `${what} ${name(feed)}` });
    if (feed.state === 'dropped') return null;
    return [feed.paused ? button('Resume', () => resume(feed), of('Resume')) : [button('Poll now', () => poll(feed), of('Poll now')), button('Pause', () => pause(feed), of('Pause'))],
      feed.origin === 'added' ? button('Remove …', () => remove(feed), of('Remove')) : null];
  }

  /** The last polls, asked for when they are opened. */
  async function polls(feed, box) {
    box.replaceChildren(h('p', { class: 'dim' }, 'Loading …'));
    try {
      const found = (await get(['feeds', feed.id])).polls;
      box.replaceChildren(found.length ? h('ol', { class: 'tries' }, found.reverse().map((one) => h('li', null, moment(one.at), ' ', h('strong', null, { entries: plural(one.entries, 'entry', 'entries'), not_modified: 'nothing changed', failed: 'failed' }[one.result] || one.result),
        one.new ? `, ${count(one.new)} new` : '', one.status ? h('span', { class: 'dim' }, ` ${one.status}`) : null, h('span', { class: 'dim' }, ` in ${one.duration_ms} ms`), one.error ? h('p', { class: 'error' }, bdi(one.error)) : null))) : h('p', { class: 'dim' }, 'None since the daemon started.'));
    } catch (error) {
      box.replaceChildren(h('p', { class: 'dim' }, error.message));
    }
  }

  function row(feed) {
    const detail = h('div', { class: 'attempts' });
    return h('tr', { class: TROUBLES.includes(feed.state) ? 'trouble' : null, tabindex: '0', data: { key: `feed-${feed.id}` } },
      h('td', { data: { label: 'State' } }, stateBadge(feed.state)),
      h('td', { class: 'wide', data: { label: 'Feed' } }, h('strong', null, bdi(feed.outlet || feed.id)), ' ', feed.url ? link(feed.url) : null,
        feed.outlet && plain(feed.outlet) !== plain(feed.id) ? h('span', { class: 'dim small' }, ' ', bdi(feed.id)) : null,
        feed.origin && feed.origin !== 'config' ? h('span', { class: 'dim small' }, ' · ', bdi(feed.origin === 'added' ? 'added here' : feed.origin)) : null,
        feed.paused ? h('p', { class: 'note' }, 'paused', feed.paused.by ? [' by ', bdi(feed.paused.by)] : null, ' since ', moment(feed.paused.since)) : null,
        feed.error ? h('p', { class: 'error' }, bdi(feed.error), h('span', { class: 'dim' }, feed.failures > 1 ? ` · ${feed.failures} times in a row` : '', feed.since ? [' · since ', age(feed.since)] : null)) : null,
        feed.moved_to ? h('p', { class: 'note' }, 'moved to ', link(feed.moved_to)) : null,
        feed.push && !feed.paused ? h('p', { class: 'note' }, bdi(pushed(feed.push))) : null,
        h('details', { class: 'polls', data: { key: `polls-${feed.id}` }, ontoggle: (event) => event.target.open && polls(feed, detail) }, h('summary', null, 'Last polls'), detail)),
      h('td', { data: { label: '48 hours' } }, sparkline(feed.history), h('span', { class: 'dim small' }, feed.rhythm_seconds ? `one in ${span(feed.rhythm_seconds)}` : '')),
      h('td', { data: { label: 'Newest' } }, age(feed.last_entry || feed.newest), h('span', { class: 'dim small' }, feed.texts ? ` ${plural(feed.texts, 'text')}` : '')),
      h('td', { data: { label: 'Polled' } }, age(feed.last_poll)),
      h('td', { data: { label: 'Next poll' } }, age(feed.next_poll), feed.next_poll_reason ? h('span', { class: 'dim small' }, ' ', bdi(String(feed.next_poll_reason).replaceAll('_', ' '))) : null),
      h('td', { class: 'acts' }, acts(feed)));
  }

  /** The feed of the row that has the focus. */
  function focused() {
    const key = document.activeElement?.closest('tr')?.dataset.key;
    return items.find((feed) => `feed-${feed.id}` === key);
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
    keys: { ...context.cardKeys(element, 'tbody tr'), a: add, p: () => {
      const feed = focused();
      if (feed && feed.state !== 'dropped') poll(feed);
    }, Enter: () => {
      const box = document.activeElement.closest('tr')?.querySelector('details');
      if (box) box.open = !box.open;
    } },
    dispose: () => (page.dispose(), clearTimeout(timer)),
  };
}
