// The page's frame: addresses and views, keys, light and dark, the connection, the search box.
import { alerts } from './alerts.js';
import { signedIn, signOut } from './api.js';
import { deliveries } from './deliveries.js';
import { button, dialogue, flat, h, path, svg } from './dom.js';
import { feeds } from './feeds.js';
import { connectionWords, live } from './live.js';
import { notify } from './notify.js';
import { search } from './search.js';
import { status } from './status.js';
import { alertView, threadView } from './thread.js';
import { threads } from './threads.js';
import { takeBack, toast } from './toast.js';
import { trends } from './trends.js';
import { plural, tick, typeOf } from './words.js';

const VIEWS = { live, threads, thread: threadView, alert: alertView, feeds, deliveries, trends, status, search };
const NAV = [['live', 'Live', 'l'], ['threads', 'Threads', 't'], ['feeds', 'Feeds', 'f'], ['deliveries', 'Deliveries', 'd'], ['trends', 'Trends', 'r'], ['status', 'Status', 's']];
const KEYS = [
  ['Everywhere', [['g then l', 'live; so t threads, f feeds, d deliveries, r trends, s status'], ['/', 'search'], ['j k', 'down, up'], ['Enter', 'open'], ['u', 'take the last word back'], ['Esc', 'close, leave a field'], ['b', 'light or dark'], ['?', 'this help']]],
  ['Live', [['.', 'show what is new'], ['p', 'pause'], ['o', 'open the article'], ['f m', 'follow, mute the thread'], ['\\', 'to the filters']]],
  ['Feeds', [['a', 'add a feed'], ['p', 'poll the feed now'], ['Enter', 'its last polls']]],
  ['Thread', [['j k', 'next, previous claim'], ['o', 'open the article'], ['w', 'why this alert'], ['c', 'correct the claim'], ['f m', 'follow, mute'], ['Backspace', 'back']]],
];
const G_WAIT = 1500; // ms for the second key after g

const main = document.querySelector('#main');
const nav = document.querySelector('#nav');
const query = document.querySelector('#query');
const said = document.querySelector('#said');
let view = null;
let unseen = 0;

const context = {
  toast,
  /** Puts filters into the address of the view that is shown. */
  go(params, { replace = false } = {}) {
    const address = path(parsed().parts, params);
    if (address === location.hash) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', address);
    route();
  },
  /** j, k and Enter over what `selector` finds. */
  cardKeys(element, selector = '.card') {
    const step = (by) => {
      const all = [...element.querySelectorAll(selector)];
      if (!all.length) return;
      const at = all.findIndex((one) => one.contains(document.activeElement));
      const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
      next.focus();
      next.scrollIntoView({ block: 'nearest' });
    };
    return { j: () => step(1), k: () => step(-1) };
  },
};

function parsed() {
  const [place, params] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const parts = place.split('/').filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { parts: parts.length ? parts : ['live'], params: new URLSearchParams(params || '') };
}

/** Shows what the address says. */
function route() {
  const { parts, params } = parsed();
  const name = Object.hasOwn(VIEWS, parts[0]) ? parts[0] : 'live';
  const key = JSON.stringify(parts) + (name === 'thread' ? params : '');
  if (view?.key !== key) {
    view?.dispose();
    main.replaceChildren();
    main.dataset.view = name;
    view = { key, ...VIEWS[name](main, context, parts.slice(1), params) };
    const isFirst = !route.hasRun;
    route.hasRun = true;
    if (!isFirst && document.activeElement === document.body) main.focus({ preventScroll: true });
  }
  view.update?.(params);
  if (name === 'search' && document.activeElement !== query) query.value = params.get('q') || '';
  for (const one of nav.children) one.setAttribute('aria-current', one.dataset.view === (name === 'thread' ? 'threads' : name) ? 'page' : 'false');
  title();
}

function title() {
  document.title = `${unseen ? `(${unseen}) ` : ''}${view?.title ?? ''} · gainsay`;
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target;
  const isField = target.closest?.('input, select, textarea');
  if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
    const menu = target.closest?.('details.menu[open]') || document.querySelector('details.menu[open]');
    if (menu) {
      menu.open = false;
      menu.querySelector('summary').focus();
    } else if (isField) {
      target.blur();
      main.focus({ preventScroll: true });
    }
    return;
  }
  if (isField || document.querySelector('dialog[open]') || localStorage.getItem('gainsay.keys') === 'off') return;
  // A button or link that has the focus keeps its own Enter.
  if (event.key === 'Enter' && target.closest?.('a, button, summary')) return;
  const act = pressed.g && Date.now() - pressed.g < G_WAIT ? goTo(event.key) : view?.keys[event.key] || everywhere[event.key];
  pressed.g = event.key === 'g' && !act ? Date.now() : 0;
  if (!act) return;
  event.preventDefault();
  act();
}
const pressed = { g: 0 };

function goTo(key) {
  const found = NAV.find(([, , one]) => one === key);
  return found && (() => (location.hash = `#/${found[0]}`));
}

const everywhere = {
  '/': () => (query.focus(), query.select()),
  '?': help,
  u: takeBack,
  b: theme,
};

function help() {
  const keys = h('input', { type: 'checkbox', onchange: (event) => localStorage.setItem('gainsay.keys', event.target.checked ? 'on' : 'off') });
  keys.checked = localStorage.getItem('gainsay.keys') !== 'off';
  const box = dialogue('Keys', [
    h('div', { class: 'two' }, KEYS.map(([name, list]) => h('section', null, h('h3', null, name), h('dl', null, list.map(([key, word]) => [h('dt', null, key.split(' ').map((one) => (one === 'then' ? ' then ' : h('kbd', null, one)))), h('dd', null, word)]))))),
    h('label', { class: 'check' }, keys, ' single keys act (not while you write)'),
    h('p', { class: 'dim' }, 'An allegation is not a finding: gainsay says who said what, word for word, and what was answered.'),
  ], [signedIn() ? button('Forget the token', signOut) : null, button('Close', () => box.close(), { class: 'main' })], { class: 'keys' });
}

/** Light, dark, or as the system has it. */
function theme() {
  const order = ['system', 'light', 'dark'];
  const now = order[(order.indexOf(localStorage.getItem('gainsay.theme') || 'system') + 1) % 3];
  localStorage.setItem('gainsay.theme', now);
  paint();
  toast(now === 'system' ? 'Light or dark as the system has it.' : `Always ${now}.`);
}

function paint() {
  const now = localStorage.getItem('gainsay.theme') || 'system';
  if (now === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = now;
  const form = { system: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 2v10A5 5 0 0 1 8 3Z', light: 'M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM7.3 0h1.4v2.6H7.3Zm0 13.4h1.4V16H7.3ZM0 7.3h2.6v1.4H0Zm13.4 0H16v1.4h-2.6ZM2 3l1-1 1.8 1.8-1 1Zm9.2 9.2 1-1L14 13l-1 1ZM13 2l1 1-1.8 1.8-1-1ZM3.8 11.2l1 1L3 14l-1-1Z', dark: 'M6 1.5A6.5 6.5 0 1 0 14.5 10 5.5 5.5 0 0 1 6 1.5Z' }[now];
  const box = document.querySelector('#theme');
  box.replaceChildren(svg('svg', { viewBox: '0 0 16 16', class: 'shape', 'aria-hidden': 'true' }, svg('path', { d: form })));
  box.title = `${now === 'system' ? 'as the system' : now} (b)`;
}

function connection() {
  const [word, tone] = connectionWords(alerts.state);
  const box = document.querySelector('#connection');
  if (box.textContent !== word) box.textContent = word;
  if (box.dataset.tone !== tone) {
    // Told once when it breaks and once when it is back, not at each attempt.
    if (tone === 'off' && box.dataset.told !== 'off') speak('The connection to the daemon is broken; it is tried again by itself.'), (box.dataset.told = 'off');
    if (tone === 'live' && box.dataset.told === 'off') speak('The connection is back.'), (box.dataset.told = 'live');
    box.dataset.tone = tone;
  }
}

function speak(text) {
  said.textContent = text;
}

/** What was held disturbed nobody when it came; it does when it goes out, also where what is held is not shown. */
function letGo(event) {
  const gone = event.detail.filter(({ item, before }) => (!before || before.state === 'held') && item.state === 'out').map(({ item }) => item);
  if (gone.length) notify(gone);
}

let spoken = 0;
function came(event) {
  // What every sink holds back is shown, and disturbs nobody.
  const loud = event.detail.filter((item) => item.state !== 'held');
  if (loud.length) notify(loud);
  if (document.hidden) unseen += event.detail.length;
  title();
  // Those who listen hear at most one sentence in ten seconds.
  if (Date.now() - spoken < 10_000) return;
  spoken = Date.now();
  const { alert } = event.detail[0];
  speak(event.detail.length > 1 ? plural(event.detail.length, 'new alert') : `${typeOf(alert.type)[0]}: ${flat(alert.claim?.speaker?.name || alert.feed?.outlet || '')} ${flat(alert.evidence?.sentence || alert.why).slice(0, 200)}`);
}

nav.append(...NAV.map(([name, word, key]) => h('a', { href: `#/${name}`, data: { view: name }, title: `g ${key}` }, word)));
document.querySelector('#find').addEventListener('submit', (event) => {
  event.preventDefault();
  location.hash = path(['search'], { q: query.value.trim() });
  main.focus({ preventScroll: true });
});
document.querySelector('#skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
document.querySelector('#theme').addEventListener('click', theme);
document.querySelector('#help').addEventListener('click', help);
document.querySelector('#connection').addEventListener('click', () => alerts.reconnect());
document.addEventListener('keydown', press);
document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  unseen = 0;
  title();
  tick();
});
window.addEventListener('hashchange', route);
alerts.addEventListener('state', connection);
alerts.addEventListener('came', came);
alerts.addEventListener('changed', letGo);
setInterval(() => {
  tick();
  connection();
}, 1000);
paint();
route();
// The stream runs whatever view is shown first: sound and notifications belong to none of them.
if (!alerts.params) alerts.start({});
