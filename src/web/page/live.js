// Live: alerts as they come, with filters; beside them, where there is room, the thread of the one that is selected.
import { alertRow } from './alert_row.js';
import { alerts, FILTERS } from './alerts.js';
import { change } from './api.js';
import { button, h, path, safe, select } from './dom.js';
import { exportMenu } from './export.js';
import { WindowedList } from './list.js';
import { settings, toggleDesktop, toggleSound } from './notify.js';
import { mountThread } from './thread.js';
import { KINDS, count, moment, plural, shape, span } from './words.js';

/** Where the list was left, for the way back. */
let left = null;

const PANE = matchMedia('(min-width: 1180px)');
const TYPES = [
  ['', 'All alerts'],
  ['allegation.new denial.new claim.confirmed claim.no_comment claim.retracted thread.linked', 'New claims and answers'],
  ['claim.revised claim.withdrawn claim.retracted', 'Corrections, withdrawals'],
  ['thread.contradiction', 'Contradictions'],
  ['feed.failing feed.recovered feed.stale feed.empty feed.moved feed.gone', 'Feeds'],
  ['sink.failing sink.disabled sink.recovered', 'Endpoints'],
];
const STATES = [['', 'any state'], ['out', 'sent'], ['held', 'held'], ['taken_back', 'taken back'], ['silenced', 'silenced']];
const SURE = [['', 'any sureness'], ['0.5', 'sure ≥ 50 %'], ['0.7', 'sure ≥ 70 %'], ['0.9', 'sure ≥ 90 %']];

/** The filters of the address, as the API takes them. */
export function chosen(params) {
  const found = {};
  for (const name of FILTERS) {
    const values = params.getAll(name).filter(Boolean);
    if (values.length) found[name] = values;
  }
  return found;
}

export function live(element, context) {
  let pane = null;
  let shownThread = null;
  let timer = null;
  let isPaused = false;
  const list = new WindowedList({
    label: 'Alerts, newest first',
    draw: alertRow,
    key: (item) => item.position,
    open: (item) => (location.hash = item.alert.thread ? path(['thread', item.alert.thread.id]) : path(['alert', item.alert.id])),
    end: () => alerts.more(),
    scrolled: () => hold(),
    selected: (item) => beside(item),
  });
  const fresh = h('button', { type: 'button', class: 'fresh', hidden: true, onclick: show });
  const pause = button('Pause', () => setPause(!isPaused), { class: 'quiet', 'aria-pressed': 'false', title: 'Hold new alerts back (p)' });
  const sound = button('Sound', () => mark(sound, toggleSound()), { class: 'quiet', 'aria-pressed': settings.sound });
  const desktop = button('Desktop notification', async () => {
    const now = await toggleDesktop();
    if (typeof now === 'string') context.toast(`No notifications: ${now}`);
    mark(desktop, now === true);
  }, { class: 'quiet', 'aria-pressed': settings.desktop });
  const filters = bar(context, [pause, h('details', { class: 'menu' }, h('summary', null, 'Tell me'), h('div', { class: 'sheet' }, sound, desktop)), exportMenu([['alerts'], () => alerts.params])]);
  const side = h('aside', { class: 'pane', 'aria-label': 'Thread of the selected alert' });
  element.append(h('h1', { class: 'hidden' }, 'Live'), filters.element, h('div', { class: 'split' }, h('section', { class: 'stream', 'aria-label': 'Alerts' }, fresh, list.element), side));

  function mark(one, isOn) {
    one.setAttribute('aria-pressed', isOn);
  }

  function setPause(to) {
    isPaused = to;
    mark(pause, to);
    pause.textContent = to ? 'Paused' : 'Pause';
    hold();
  }

  function hold() {
    alerts.hold(isPaused || !list.isAtTop);
    draw();
  }

  function show() {
    if (isPaused) setPause(false);
    list.toTop();
    alerts.hold(false);
    draw();
    list.element.focus({ preventScroll: true });
  }

  function draw() {
    fresh.hidden = !alerts.waiting.length;
    fresh.textContent = `${count(alerts.waiting.length)} new`;
    fresh.title = 'Show them (.)';
    if (list.items !== alerts.items) list.set(alerts.items);
    list.foot.textContent = foot();
    list.space.setAttribute('aria-busy', Boolean(alerts.loading));
    if (PANE.matches && list.chosen === null && alerts.items.length) list.choose(list.key(alerts.items[0]), false);
  }

  function foot() {
    if (alerts.error) return `The list could not be loaded: ${alerts.error.message}`;
    if (alerts.loading) return 'Loading …';
    if (!alerts.items.length) return Object.keys(alerts.params || {}).length ? 'No alert matches these filters. New ones appear here as they come.' : 'No alerts yet. The first fetch of a feed is a baseline; what it brings afterwards appears here by itself.';
    return alerts.next ? '' : `${plural(alerts.items.length, 'alert')}, that is all`;
  }

  function beside(item) {
    clearTimeout(timer);
    if (!PANE.matches || !item) return;
    timer = setTimeout(() => {
      const id = item.alert.thread?.id ?? null;
      if (id === shownThread && pane) return;
      pane?.dispose();
      side.replaceChildren();
      side.scrollTop = 0;
      shownThread = id;
      pane = id ? mountThread(side, id, context, { isPane: true }) : null;
      if (!id) side.append(h('p', { class: 'empty' }, 'This alert is about no thread.'));
    }, 120);
  }

  async function quick(act) {
    const item = list.selected;
    if (!item?.alert.thread) return;
    try {
      await change('POST', ['feedback'], { act, thread: item.alert.thread.id });
      context.toast(act === 'follow' ? 'Followed: its alerts are more urgent.' : 'Muted: no more alerts of this thread.', ['Undo', () => change('POST', ['feedback'], { act: `un${act}`, thread: item.alert.thread.id })]);
    } catch (error) {
      context.toast(error.message);
    }
  }

  const redraw = (event) => event.detail.forEach(({ item }) => list.redraw(list.key(item)));
  alerts.addEventListener('change', draw);
  alerts.addEventListener('changed', redraw);
  return {
    title: 'Live',
    update(params) {
      filters.fill(params);
      alerts.start(chosen(params));
      hold();
      if (left && alerts.items.length) {
        const at = left;
        left = null;
        requestAnimationFrame(() => list.choose(at));
      }
    },
    keys: {
      j: () => list.move(1),
      k: () => list.move(-1),
      Enter: () => list.selected && list.open(list.selected),
      o: () => {
        const url = safe(list.selected?.alert.document?.url);
        if (url) window.open(url.href, '_blank', 'noopener,noreferrer');
      },
      '.': show,
      p: () => setPause(!isPaused),
      f: () => quick('follow'),
      m: () => quick('mute'),
      '\\': () => filters.focus(),
      Home: () => list.items.length && (list.toTop(), list.choose(list.key(list.items[0]))),
    },
    dispose() {
      alerts.removeEventListener('change', draw);
      alerts.removeEventListener('changed', redraw);
      alerts.hold(true);
      left = list.chosen;
      pane?.dispose();
      clearTimeout(timer);
      list.dispose();
    },
  };
}

/** The bar of filters; each change goes into the address. */
function bar(context, tools) {
  let timer = null;
  let limits = {};
  const chips = Object.entries(KINDS).filter(([kind]) => kind !== 'statement').map(([kind, [word, tone, form]]) =>
    button([shape(form), word], () => toggle(kind), { class: `chip ${tone}`, 'aria-pressed': 'false', data: { kind, key: `kind-${kind}` } }));
  const input = (name, label) => h('input', { name, type: 'search', 'aria-label': label, placeholder: label, autocomplete: 'off', spellcheck: 'false', maxlength: 200, oninput: typed });
  const text = input('q', 'Words');
  const speaker = input('speaker', 'Speaker');
  const outlet = input('outlet', 'Outlet');
  const type = select('type', TYPES, '', typed);
  type.setAttribute('aria-label', 'Which alerts');
  const state = select('state', STATES, '', typed);
  state.setAttribute('aria-label', 'What becomes of them');
  const sure = select('confidence_min', SURE, '', typed);
  sure.setAttribute('aria-label', 'How sure the extractor is');
  const clear = button('Clear', () => context.go({}), { class: 'quiet', hidden: true });
  const period = button('', () => context.go({ ...now(), since: '', until: '' }), { class: 'chip', hidden: true, title: 'Take this limit away' });
  const more = h('details', { class: 'filters' }, h('summary', null, 'Filters'), h('div', { class: 'fields' }, text, speaker, outlet, type, state, sure, clear));
  more.open = matchMedia('(min-width: 760px)').matches;

  function now() {
    return { kind: chips.filter((chip) => chip.getAttribute('aria-pressed') === 'true').map((chip) => chip.dataset.kind), type: type.value.split(' ').filter(Boolean), state: state.value, q: text.value.trim(), speaker: speaker.value.trim(), outlet: outlet.value.trim(), confidence_min: sure.value, since: limits.since, until: limits.until };
  }

  function toggle(kind) {
    const chip = chips.find((one) => one.dataset.kind === kind);
    chip.setAttribute('aria-pressed', chip.getAttribute('aria-pressed') !== 'true');
    context.go(now());
  }

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(() => context.go(now(), { replace: true }), 300);
  }

  return {
    element: h('div', { class: 'bar', role: 'group', 'aria-label': 'Filters' }, h('div', { class: 'chips' }, chips, period), more, h('div', { class: 'tools' }, tools)),
    focus: () => {
      more.open = true;
      text.focus();
    },
    fill(params) {
      limits = { since: params.get('since') || '', until: params.get('until') || '' };
      period.hidden = !(limits.since || limits.until);
      period.replaceChildren(limits.since ? 'from ' : '', limits.since ? moment(limits.since) : '', limits.until ? ' to ' : '', limits.until ? moment(limits.until) : '', ' ×');
      const kinds = params.getAll('kind');
      for (const chip of chips) chip.setAttribute('aria-pressed', kinds.includes(chip.dataset.kind));
      for (const [one, name] of [[text, 'q'], [speaker, 'speaker'], [outlet, 'outlet'], [state, 'state'], [sure, 'confidence_min']]) if (document.activeElement !== one) one.value = params.get(name) || '';
      const types = params.getAll('type').join(' ');
      if (TYPES.some(([key]) => key === types)) type.value = types;
      clear.hidden = ![...params.keys()].length;
      if (kinds.length || [...params.keys()].length) more.dataset.on = '';
      else delete more.dataset.on;
    },
  };
}

/** What is said of the connection to the daemon. */
export function connectionWords({ word, until, error }) {
  if (word === 'live') return ['Connected', 'live'];
  if (word === 'connecting') return ['Connecting', 'wait'];
  return [`${error?.status === 0 || !error ? 'No connection' : error.message}, again in ${span(Math.max(0, (until - Date.now()) / 1000))}`, 'off'];
}
