// A thread: what was alleged and what was answered as a time line, with the evidence in its context, and the user's word on it.
import { alerts as held } from './alerts.js';
import { change, get } from './api.js';
import { bdi, button, h, inner, link, path, replace } from './dom.js';
import { changed } from './diff.js';
import { explained } from './explain.js';
import { exportMenu } from './export.js';
import { likely, mergeDialogue } from './merge.js';
import { answer, article, basisWord, outlets, sentence, speaker } from './said.js';
import { KINDS, age, kindBadge, moment, percent, plural, shape, span, stanceKind, stanceWord, stateBadge, typeBadge, typeOf } from './words.js';

const GAP = 3600; // seconds between two events from which on the gap is shown
const ALERTS_MAX = 60; // alerts whose text is fetched for links and earlier wordings
const AT_ONCE = 6;
const APPLIED = 1300; // ms until the daemon has taken in what was said
const APPLIED_TRIES = 8; // looks for what was said before

/** Shows a thread in an element; `dispose()` ends it. */
export function mountThread(element, id, context, { isPane = false, alert = null } = {}) {
  const abort = new AbortController();
  const body = h('div', { class: 'thread' }, h('p', { class: 'empty' }, 'Loading …'));
  element.append(body);
  let thread = null;
  let timer = null;
  let offer = null; // what may be the same matter, asked once for the claims that the thread has

  async function load() {
    try {
      const [found, claims] = await Promise.all([get(['threads', id], null, abort.signal), get(['claims'], { thread: id, limit: 200 }, abort.signal)]);
      const told = await bodies(found.timeline, abort.signal);
      if (abort.signal.aborted) return;
      thread = found;
      replace(body, drawn({ thread, claims: new Map(claims.items.map((one) => [one.id, one])), told, act, join, offered, isPane, context, alert }));
      if (alert) body.querySelector(`[data-alert="${CSS.escape(alert)}"]`)?.scrollIntoView({ block: 'center' });
    } catch (error) {
      if (abort.signal.aborted) return;
      replace(body, h('p', { class: 'empty' }, error.status === 404 ? 'There is no such thread: it may have left the window, or been merged into another.' : `The thread could not be loaded: ${error.message}`), button('Try again', load));
    }
  }

  /** Sends a user's word; `undo` is the word that takes it back. */
  async function act(body, said, undo) {
    try {
      await change('POST', ['feedback'], body);
      context.toast(said, undo && ['Undo', async () => {
        const back = typeof undo === 'function' ? await undo() : undo;
        if (back) await change('POST', ['feedback'], back);
        later();
      }]);
      later();
    } catch (error) {
      context.toast(error.status === 403 ? `Not permitted: ${error.message}` : error.message);
    }
  }

  function later(what = load) {
    clearTimeout(timer);
    timer = setTimeout(what, APPLIED);
  }

  function offered() {
    const key = thread.claims.join();
    if (offer?.key !== key) offer = { key, items: get(['threads', id, 'likely'], null, abort.signal).then((found) => found.items) };
    return offer.items;
  }

  /** Goes on with the thread in which a claim is now. */
  async function follow(claim) {
    const { thread: now } = await get(['claims', claim], null, abort.signal);
    if (now === id || isPane) {
      id = now;
      await load();
    } else location.replace(path(['thread', now]));
  }

  /** Makes another thread and this one. The elder's id stays; the way back splits the claims of the younger off again. */
  async function join(other) {
    const mine = id;
    const [first] = thread.claims;
    let [own, theirs] = [];
    const claimsOf = async (one) => (await get(['threads', one])).claims;
    const undo = async () => {
      for (let tries = 0; tries < APPLIED_TRIES; tries++) {
        // A thread that is no more has no claims.
        const [mineIs, otherIs] = (await Promise.all([mine, other.id].map((one) => get(['claims'], { thread: one, limit: 1 })))).map((found) => found.items.length > 0);
        if (!mineIs || !otherIs) {
          const [now, kept, gone] = mineIs ? [mine, own, theirs] : [other.id, theirs, own];
          const all = await claimsOf(now);
          await change('POST', ['feedback'], { act: 'split', thread: now, claims: gone.filter((claim) => all.includes(claim) && !kept.includes(claim)) });
          later(() => follow(first));
          return;
        }
        // The way back is for what the daemon has done by then.
        await new Promise((resolve) => setTimeout(resolve, APPLIED / 2));
      }
      throw new Error('They are still two threads: nothing was split.');
    };
    try {
      // What came to them since they were drawn is a part of them, too.
      [own, theirs] = await Promise.all([mine, other.id].map(claimsOf));
      await change('POST', ['feedback'], { act: 'merge', thread: other.id, other: mine });
      context.toast('Merged: both are one thread.', ['Undo', undo, 'Split again.']);
      later(() => follow(first));
    } catch (error) {
      context.toast(error.status === 403 ? `Not permitted: ${error.message}` : error.message);
    }
  }

  const came = (event) => event.detail.some((one) => (one.item ?? one).alert.thread?.id === id) && load();
  held.addEventListener('came', came);
  held.addEventListener('changed', came);
  load();
  return {
    get thread() {
      return thread;
    },
    act,
    dispose() {
      abort.abort();
      clearTimeout(timer);
      held.removeEventListener('came', came);
      held.removeEventListener('changed', came);
    },
  };
}

/** The alerts of a time line by their ids: they hold the links and the earlier wordings. */
async function bodies(timeline, signal) {
  const ids = [...new Set(timeline.filter((one) => one.event === 'alert').map((one) => one.alert))].slice(-ALERTS_MAX);
  const found = new Map();
  const known = new Map(held.items.map((item) => [item.alert.id, item.alert]));
  const missing = ids.filter((id) => (known.has(id) ? (found.set(id, known.get(id)), false) : true));
  const work = async () => {
    while (missing.length) {
      const id = missing.pop();
      try {
        const one = await get(['alerts', id], null, signal);
        found.set(id, one.alert || one);
      } catch (error) {
        if (error.name === 'AbortError') throw error; // One that is no longer kept is left out.
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

function drawn(all) {
  const { thread, isPane } = all;
  return [head(all), h('ol', { class: 'timeline', 'aria-label': 'What was said, in order of time' }, events(all)), isPane ? null : h('p', { class: 'dim ids' }, 'thread ', h('code', null, thread.id))];
}

function head({ thread, act, join, offered, isPane }) {
  const id = thread.id;
  const title = bdi(thread.proposition || 'without words of its own');
  return h('header', { class: 'head' },
    h('div', { class: 'line' }, stateBadge(thread.state), thread.contradiction ? h('span', { class: 'badge contradiction' }, shape('unequal'), 'outlets contradict each other') : null,
      thread.followed ? h('span', { class: 'badge linked' }, shape('dot'), 'followed') : null, thread.muted ? h('span', { class: 'badge neutral' }, shape('bars'), 'muted') : null,
      h('span', { class: 'dim' }, `${plural(thread.claims.length, 'claim')} · ${plural(thread.outlets.length, 'outlet')} · last `, age(thread.last_added || thread.last_seen))),
    isPane ? h('h2', { class: 'matter' }, inner(['thread', id], title)) : h('h1', { class: 'matter' }, title),
    thread.stances.length ? h('ul', { class: 'stances', 'aria-label': 'Who answered how' }, thread.stances.map((one) => h('li', null, h('span', { class: `badge ${KINDS[stanceKind(one.stance)][1]}` }, shape(KINDS[stanceKind(one.stance)][2]), stanceWord(one.stance)), ' ', bdi(one.respondent)))) : h('p', { class: 'dim' }, 'Nobody has answered yet.'),
    h('div', { class: 'actions' },
      thread.followed
        ? button('Unfollow', () => act({ act: 'unfollow', thread: id }, 'No longer followed.', { act: 'follow', thread: id }), { data: { key: 'follow' } })
        : button('Follow', () => act({ act: 'follow', thread: id }, 'Followed: its alerts are more urgent.', { act: 'unfollow', thread: id }), { data: { key: 'follow' } }),
      thread.muted
        ? button('Unmute', () => act({ act: 'unmute', thread: id }, 'No longer muted.', { act: 'mute', thread: id }), { data: { key: 'mute' } })
        : button('Mute', () => act({ act: 'mute', thread: id }, 'Muted: none of it is alerted, but for what takes earlier alerts back.', { act: 'unmute', thread: id }), { data: { key: 'mute' } }),
      button('Merge with …', () => mergeDialogue(thread, join), { data: { key: 'merge' } }),
      isPane ? null : why(thread.id, 'Why'),
      isPane ? null : exportMenu([['threads', id], null, 'Time line'], [['claims'], () => ({ thread: id }), 'Claims'])),
    likely(offered, join, isPane));
}

function events(all) {
  const { timeline } = all.thread;
  const kept = [];
  let before = null;
  for (const one of timeline) {
    const at = Date.parse(one.at) / 1000;
    if (before !== null && at - before >= GAP) kept.push(h('li', { class: 'gap', 'aria-hidden': 'true' }, `${span(at - before)} later`));
    before = at;
    if (one.event === 'claim') kept.push(claimEvent(one, all));
    else if (one.event === 'withdrawal') kept.push(h('li', { class: 'event withdrawn' }, h('div', { class: 'line' }, h('span', { class: 'badge withdrawn' }, shape('cross'), 'Withdrawn'), h('span', { class: 'when' }, moment(one.at))), h('p', { class: 'taken-back' }, bdi(one.why))));
    else if (one.event === 'alert') kept.push(alertEvent(one, all));
  }
  return kept;
}

function claimEvent(one, all) {
  const record = all.claims.get(one.claim);
  const claim = record?.claim || { speaker: one.speaker, target: one.target };
  const evidence = record?.evidence || { sentence: one.sentence };
  const [, tone] = KINDS[one.kind] || KINDS.statement;
  const text = one.withdrawn ? 'del' : 'span';
  return h('li', { class: `event ${tone}${one.withdrawn ? ' taken' : ''}`, id: `claim-${one.claim}`, tabindex: '0', data: { key: one.claim } },
    h('div', { class: 'line' }, kindBadge(one.kind), speaker(claim),
      one.background ? h('span', { class: 'badge neutral', title: 'a restatement of what was known' }, 'background') : null,
      one.revision > 1 ? h('span', { class: 'badge revised' }, shape('diamond'), `revision ${one.revision}`) : null,
      record?.corrected ? h('span', { class: 'badge neutral' }, 'corrected by a user') : null,
      basisWord(claim.basis) ? h('span', { class: 'dim' }, basisWord(claim.basis)) : null,
      h('span', { class: 'when' }, moment(one.at))),
    h('blockquote', { class: 'context' }, evidence.before ? h('span', { class: 'around' }, bdi(evidence.before), ' ') : null, h(text, { class: 'evidence' }, sentence(claim, evidence)), evidence.after ? h('span', { class: 'around' }, ' ', bdi(evidence.after)) : null),
    revisions(one, all),
    links(one, all),
    h('footer', null, outlets(record?.outlets || one.outlets), record?.document ? article(record.document, evidence) : link(one.url), h('span', { class: 'dim', title: 'how sure the extractor is' }, 'sure ', percent(one.confidence)), splitOff(one, all), correct(one, claim, all)));
}

/** A claim that is another matter goes into a thread of its own. */
function splitOff(one, { act, thread }) {
  if (thread.claims.length < 2) return null;
  return button('Split off', () => act({ act: 'split', thread: thread.id, claim: one.claim }, 'Split off into a thread of its own.', async () => {
    const now = await get(['claims', one.claim]);
    return now.thread && now.thread !== thread.id ? { act: 'merge', thread: now.thread, other: thread.id } : null;
  }), { class: 'quiet', title: 'Another matter: into a thread of its own', data: { key: `split-${one.claim}` } });
}

/** What the revisions of a claim changed, as far as its alerts are kept. */
function revisions(one, { told }) {
  if (!(one.revision > 1)) return null;
  const versions = [...told.values()].filter((alert) => alert.claim?.id === one.claim && alert.evidence).sort((a, b) => a.claim.revision - b.claim.revision || Date.parse(a.time) - Date.parse(b.time));
  const steps = [];
  for (let at = 1; at < versions.length; at++) {
    const [before, after] = [versions[at - 1], versions[at]];
    if (before.evidence.sentence === after.evidence.sentence && before.claim.kind === after.claim.kind) continue;
    steps.push(h('div', { class: 'revision' }, h('span', { class: 'dim' }, 'Revision ', String(after.claim.revision), ', ', moment(after.time), ': ', bdi(after.why)),
      before.claim.kind !== after.claim.kind ? h('p', null, kindBadge(before.claim.kind), ' → ', kindBadge(after.claim.kind)) : null,
      before.evidence.sentence === after.evidence.sentence ? null : changed(before.evidence.sentence, after.evidence.sentence)));
  }
  return steps.length ? h('div', { class: 'revisions' }, steps) : null;
}

/** What a claim answers: with score and reason where an alert told them. */
function links(one, { told, claims, thread }) {
  const known = new Map();
  for (const alert of told.values()) if (alert.claim?.id === one.claim) for (const link of alert.answers || []) known.set(link.claim, link);
  return (one.answers || []).map((id) => {
    const record = claims.get(id);
    const event = thread.timeline.find((other) => other.event === 'claim' && other.claim === id);
    return answer(known.get(id) || { claim: id, speaker: record?.claim.speaker?.name || event?.speaker?.name, proposition: event?.proposition || record?.evidence.sentence || `claim ${id.slice(0, 8)}` });
  });
}

function alertEvent(one, { told, alert }) {
  const body = told.get(one.alert);
  const reasons = body?.priority?.reasons || [];
  return h('li', { class: `event alerted${alert === one.alert ? ' asked' : ''}`, data: { alert: one.alert } },
    h('div', { class: 'line' }, h('span', null, 'alerted: ', h('b', null, typeOf(one.type)[0].toLowerCase())), one.priority === null ? null : h('span', { class: 'priority', title: reasons.length ? `priority ${one.priority}: ${reasons.join(', ')}` : `priority ${one.priority}` }, String(one.priority)),
      h('span', null, bdi(one.why || '')), (one.deliveries || []).map(delivered), why(one.alert, 'Why this alert'), h('span', { class: 'when' }, moment(one.at))));
}

/** Where an alert went: a tick where it arrived, else the state in words. */
function delivered(to) {
  if (to.status !== 'delivered') return h('span', { class: 'to' }, bdi(to.sink), ' ', stateBadge(to.status, { title: to.last_error }));
  return h('span', { class: 'to', title: 'delivered' }, h('span', { class: 'badge good' }, shape('tick')), h('span', { class: 'hidden' }, 'delivered to'), ' ', bdi(to.sink));
}

/** Asks the daemon why, when it is opened. */
function why(id, label) {
  const box = h('div', { class: 'facts' });
  return h('details', {
    class: 'why', data: { key: `why-${id}` },
    ontoggle: async (event) => {
      if (!event.target.open || box.childElementCount) return;
      box.append(h('p', { class: 'dim' }, 'Asking …'));
      try {
        box.replaceChildren(explained(await get(['explain', id])));
      } catch (error) {
        box.replaceChildren(h('p', { class: 'dim' }, error.message));
      }
    },
  }, h('summary', null, label), box);
}

/** The ways to correct a claim, each one click. */
function correct(one, claim, { act, thread }) {
  const kinds = Object.entries(KINDS).filter(([kind]) => kind !== 'statement' && kind !== one.kind).map(([kind, [word, tone, form]]) =>
    button([shape(form), word], () => act({ act: 'wrong_kind', claim: one.claim, kind }, `Kind set to ${word.toLowerCase()}.`, { act: 'wrong_kind', claim: one.claim, kind: one.kind }), { class: `chip ${tone}` }));
  kinds.push(button('No claim', () => act({ act: 'wrong_kind', claim: one.claim, kind: null }, 'Said to be no claim: who was alerted of it is told.', { act: 'wrong_kind', claim: one.claim, kind: one.kind }), { class: 'chip neutral' }));
  const name = h('input', { type: 'text', value: '', placeholder: 'right name', 'aria-label': 'Right speaker', maxlength: 200, autocomplete: 'off' });
  const earlier = claim.speaker?.name ?? null;
  const setSpeaker = (to) => act({ act: 'wrong_speaker', claim: one.claim, speaker: to }, to ? `Speaker set to ${to}.` : 'Said to name nobody.', { act: 'wrong_speaker', claim: one.claim, speaker: earlier });
  return h('details', { class: 'menu correct', data: { key: `correct-${one.claim}` } }, h('summary', null, 'Correct'), h('div', { class: 'sheet wide' },
    h('div', { class: 'row' }, h('span', { class: 'what' }, 'Wrong kind, it is'), kinds),
    h('form', { class: 'row', onsubmit: (event) => {
      event.preventDefault();
      if (name.value.trim()) setSpeaker(name.value.trim());
    } }, h('span', { class: 'what' }, 'Wrong speaker, it is'), name, h('button', { type: 'submit' }, 'Set'), button('Nobody', () => setSpeaker(null))),
    (one.answers || []).length ? h('div', { class: 'row' }, h('span', { class: 'what' }, 'Wrong link'), one.answers.map((other) => button('It does not answer that', () => act({ act: 'wrong_link', claim: one.claim, other }, 'The link is cut.', { act: 'right_link', claim: one.claim, other })))) : null,
    earlier ? h('div', { class: 'row' }, h('span', { class: 'what' }, 'Speaker'), button(['Mute ', bdi(earlier)], () => act({ act: 'mute', speaker: earlier }, `${earlier} is muted: no more alerts of what they say.`, { act: 'unmute', speaker: earlier }))) : null,
    h('p', { class: 'dim' }, 'claim ', h('code', null, one.claim), ' ', inner(['thread', thread.id], 'permalink'))));
}

/** The view of one thread. */
export function threadView(element, context, [id], params) {
  const alert = params.get('alert');
  const mounted = mountThread(element, id, context, { alert });
  const steps = () => [...element.querySelectorAll('.event[tabindex]')];
  const step = (by) => {
    const all = steps();
    const at = all.indexOf(document.activeElement?.closest('.event[tabindex]'));
    const next = all[Math.min(all.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  };
  const press = (key) => element.querySelector(`[data-key="${key}"]`)?.click();
  return {
    title: 'Thread',
    keys: {
      j: () => step(1),
      k: () => step(-1),
      o: () => document.activeElement?.closest('.event')?.querySelector('a.out')?.click(),
      w: () => {
        const box = document.activeElement?.closest('.event')?.nextElementSibling?.querySelector('details.why') || element.querySelector('details.why');
        if (box) box.open = !box.open;
      },
      c: () => {
        const box = document.activeElement?.closest('.event')?.querySelector('details.correct') || element.querySelector('details.correct');
        if (box) (box.open = !box.open), box.querySelector('button')?.focus();
      },
      f: () => press('follow'),
      m: () => press('mute'),
      Backspace: () => history.back(),
    },
    dispose: () => mounted.dispose(),
  };
}

/** An alert's address leads to its thread; one without a thread is shown by itself. */
export function alertView(element, context, [id]) {
  const abort = new AbortController();
  (async () => {
    try {
      const found = await get(['alerts', id], null, abort.signal);
      const one = found.alert || found;
      if (one.thread) {
        location.replace(`#/thread/${encodeURIComponent(one.thread.id)}?alert=${encodeURIComponent(id)}`);
        return;
      }
      const box = h('details', { class: 'why', open: true }, h('summary', null, 'Why'), h('p', { class: 'dim' }, 'Asking …'));
      element.append(h('article', { class: 'thread' }, h('div', { class: 'line' }, typeBadge(one.type), age(one.time)), h('h1', { class: 'matter' }, bdi(one.feed?.outlet || typeOf(one.type)[0])), h('p', null, bdi(one.feed?.detail || one.why)), one.feed ? link(one.feed.url) : null, box));
      box.lastChild.replaceWith(explained(await get(['explain', id], null, abort.signal)));
    } catch (error) {
      if (!abort.signal.aborted) element.append(h('p', { class: 'empty' }, error.status === 404 ? 'There is no such alert, or it is no longer kept.' : error.message));
    }
  })();
  return { title: 'Alert', keys: { Backspace: () => history.back() }, dispose: () => abort.abort() };
}
