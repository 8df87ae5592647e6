// The list of threads, newest first.
import { get } from './api.js';
import { bdi, button, h, path, select } from './dom.js';
import { exportMenu } from './export.js';
import { KINDS, age, plural, shape, stanceKind, stanceWord, stateBadge } from './words.js';

const STATES = [['', 'any state'], ...['alleged', 'answered', 'contested', 'confirmed', 'withdrawn', 'closed'].map((word) => [word, word])];
const NAMES = ['state', 'q', 'speaker', 'outlet', 'contradiction', 'since', 'until'];

/** A thread as an entry of a list. */
export function threadRow(thread, more) {
  return h('li', null, h('a', { class: 'card', href: path(['thread', thread.id]) },
    h('span', { class: 'line' }, stateBadge(thread.state), thread.contradiction ? h('span', { class: 'badge contradiction' }, shape('unequal'), 'contradiction') : null,
      thread.followed ? h('span', { class: 'badge linked' }, 'followed') : null, thread.muted ? h('span', { class: 'badge neutral' }, 'muted') : null,
      h('span', { class: 'dim' }, `${plural(thread.claims.length, 'claim')} · `, (thread.outlets || []).slice(0, 3).map((name, at) => [at ? ', ' : '', bdi(name)]), thread.outlets?.length > 3 ? ` +${thread.outlets.length - 3}` : ''),
      h('span', { class: 'when' }, age(thread.last_added || thread.last_seen))),
    h('span', { class: 'title' }, bdi(thread.proposition || 'without words of its own')),
    thread.stances?.length ? h('span', { class: 'line small' }, thread.stances.slice(0, 6).map((one) => h('span', { class: 'to' }, h('span', { class: `badge ${KINDS[stanceKind(one.stance)][1]}` }, shape(KINDS[stanceKind(one.stance)][2]), stanceWord(one.stance)), ' ', bdi(one.respondent)))) : null,
    more || null));
}

export function threads(element, context) {
  let abort = null;
  let timer = null;
  let cursor = null;
  let shown = {};
  const q = input('q', 'Words');
  const speaker = input('speaker', 'Speaker');
  const outlet = input('outlet', 'Outlet');
  const state = select('state', STATES, '', typed);
  state.setAttribute('aria-label', 'State');
  const contradiction = h('input', { type: 'checkbox', name: 'contradiction', onchange: typed });
  const items = h('ul', { class: 'cards' });
  const foot = h('div', { class: 'foot', role: 'status' });
  element.append(h('h1', { class: 'hidden' }, 'Threads'), h('div', { class: 'bar', role: 'group', 'aria-label': 'Filters' }, h('div', { class: 'fields' }, q, speaker, outlet, state, h('label', { class: 'check' }, contradiction, ' outlets contradict')), h('div', { class: 'tools' }, exportMenu([['threads'], () => shown]))), h('div', { class: 'scroll' }, items, foot));

  function input(name, label) {
    return h('input', { name, type: 'search', 'aria-label': label, placeholder: label, autocomplete: 'off', maxlength: 200, oninput: typed });
  }

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(() => context.go({ q: q.value.trim(), speaker: speaker.value.trim(), outlet: outlet.value.trim(), state: state.value, contradiction: contradiction.checked ? 'true' : '' }, { replace: true }), 300);
  }

  async function load(isMore) {
    abort?.abort();
    abort = new AbortController();
    const { signal } = abort;
    foot.textContent = 'Loading …';
    try {
      const page = await get(['threads'], { ...shown, limit: 50, cursor: isMore ? cursor : null }, signal);
      const rows = page.items.map((one) => threadRow(one));
      if (isMore) items.append(...rows);
      else items.replaceChildren(...rows);
      cursor = page.next;
      foot.replaceChildren(cursor ? button('More', () => load(true)) : items.childElementCount ? '' : 'No thread matches.');
    } catch (error) {
      if (!signal.aborted) foot.replaceChildren(`The threads could not be loaded: ${error.message} `, button('Try again', () => load(isMore)));
    }
  }

  return {
    title: 'Threads',
    update(params) {
      shown = Object.fromEntries(NAMES.map((name) => [name, params.get(name) || '']).filter(([, value]) => value));
      for (const [one, name] of [[q, 'q'], [speaker, 'speaker'], [outlet, 'outlet'], [state, 'state']]) if (document.activeElement !== one) one.value = params.get(name) || '';
      contradiction.checked = params.get('contradiction') === 'true';
      load(false);
    },
    keys: context.cardKeys(element),
    dispose: () => (abort?.abort(), clearTimeout(timer)),
  };
}
