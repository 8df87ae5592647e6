// The words, colours and shapes of what is shown, and times as people say them.
import { h, svg } from './dom.js';

/** Kinds of claims: word, stem of the CSS class, shape. */
export const KINDS = {
  allegation: ['Allegation', 'allegation', 'triangle'],
  denial: ['Denial', 'denial', 'barred'],
  confirmation: ['Confirmation', 'confirmation', 'tick'],
  no_comment: ['No comment', 'silence', 'ring'],
  retraction: ['Retraction', 'retraction', 'back'],
  statement: ['Statement', 'neutral', 'dot'],
};

/** Types of alerts: word, class, shape. */
const TYPES = {
  'allegation.new': KINDS.allegation,
  'denial.new': KINDS.denial,
  'claim.confirmed': KINDS.confirmation,
  'claim.no_comment': KINDS.no_comment,
  'claim.retracted': KINDS.retraction,
  'claim.revised': ['Correction', 'revised', 'diamond'],
  'claim.withdrawn': ['Withdrawn', 'withdrawn', 'cross'],
  'thread.linked': ['Answer found', 'linked', 'chain'],
  'thread.contradiction': ['Contradiction', 'contradiction', 'unequal'],
  'thread.closed': ['Closed', 'neutral', 'square'],
  'feed.failing': ['Feed fails', 'bad', 'cross'],
  'feed.recovered': ['Feed is back', 'good', 'tick'],
  'feed.stale': ['Feed silent', 'odd', 'ring'],
  'feed.empty': ['Feed empty', 'odd', 'ring'],
  'feed.moved': ['Feed moved', 'neutral', 'back'],
  'feed.gone': ['Feed gone', 'bad', 'cross'],
  'sink.failing': ['Endpoint fails', 'bad', 'cross'],
  'sink.disabled': ['Endpoint disabled', 'bad', 'cross'],
  'sink.recovered': ['Endpoint is back', 'good', 'tick'],
  digest: ['Digest', 'neutral', 'lines'],
};

/** States of threads, feeds, deliveries, endpoints and checks. */
const STATES = {
  alleged: ['alleged', 'allegation', 'triangle'],
  answered: ['answered', 'linked', 'dot'],
  contested: ['contested', 'contradiction', 'unequal'],
  confirmed: ['confirmed', 'confirmation', 'tick'],
  withdrawn: ['withdrawn', 'withdrawn', 'cross'],
  closed: ['closed', 'neutral', 'square'],
  healthy: ['healthy', 'good', 'tick'],
  ok: ['ok', 'good', 'tick'],
  good: ['good', 'good', 'tick'],
  delivered: ['delivered', 'good', 'tick'],
  active: ['active', 'linked', 'dot'],
  pending: ['pending', 'neutral', 'ring'],
  new: ['new', 'neutral', 'ring'],
  ended: ['ended', 'neutral', 'square'],
  expired: ['expired', 'neutral', 'square'],
  paused: ['paused', 'neutral', 'bars'],
  dropped: ['dropped', 'neutral', 'square'],
  moved: ['moved', 'neutral', 'back'],
  silenced: ['silenced', 'silence', 'bars'],
  held: ['held', 'silence', 'bars'],
  odd: ['odd', 'odd', 'triangle'],
  stale: ['silent', 'odd', 'ring'],
  empty: ['empty', 'odd', 'ring'],
  'backing-off': ['backing off', 'odd', 'triangle'],
  failing: ['failing', 'bad', 'cross'],
  denied: ['refused', 'bad', 'barred'],
  gone: ['gone', 'bad', 'cross'],
  disabled: ['disabled', 'bad', 'barred'],
  dead: ['dead', 'bad', 'cross'],
  bad: ['bad', 'bad', 'cross'],
};

const STANCES = { denied: 'denial', confirmed: 'confirmation', partly_confirmed: 'confirmation', no_comment: 'no_comment', retracted: 'retraction' };

const SHAPES = {
  triangle: 'M6 1.2 11.2 10.6H.8Z',
  barred: 'M6 .8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 6 .8ZM2.6 5.1h6.8v1.8H2.6Z',
  tick: 'M1 6.4 2.6 4.8 4.9 7.1 9.6 2l1.6 1.6L4.9 10.2Z',
  ring: 'M6 .8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 6 .8Zm0 1.9a3.3 3.3 0 1 1 0 6.6 3.3 3.3 0 0 1 0-6.6Z',
  back: 'M4.6 1 .6 4.6l4 3.6V5.7h2.9a1.7 1.7 0 0 1 0 3.4H4v2h3.5a3.7 3.7 0 0 0 0-7.4H4.6Z',
  dot: 'M6 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z',
  diamond: 'M6 .5 11.5 6 6 11.5.5 6Z',
  cross: 'M2.3.9 6 4.6 9.7.9l1.4 1.4L7.4 6l3.7 3.7-1.4 1.4L6 7.4 2.3 11.1.9 9.7 4.6 6 .9 2.3Z',
  chain: 'M1 4.5h4v1.2H2.2v1.6H5v1.2H1Zm6 0h4v4H7V7.3h2.8V5.7H7ZM4 6h4v1H4Z',
  unequal: 'M1 3.3h5.7L7.9.8l1.5.7-.9 1.8H11v1.7H7.7L6.8 7H11v1.7H6L4.6 11.4l-1.5-.7 1-2H1V7h3.9l.9-2H1Z',
  square: 'M1.5 1.5h9v9h-9Z',
  bars: 'M2 1.5h3v9H2Zm5 0h3v9H7Z',
  lines: 'M1 2h10v1.6H1Zm0 3.2h10v1.6H1Zm0 3.2h7V10H1Z',
};

export function shape(name) {
  return svg('svg', { viewBox: '0 0 12 12', class: 'shape', 'aria-hidden': 'true', focusable: 'false' }, svg('path', { d: SHAPES[name] || SHAPES.dot, 'fill-rule': 'evenodd' }));
}

function badge([word, tone, form], given) {
  return h('span', { ...given, class: `badge ${tone} ${given?.class || ''}` }, shape(form), word);
}

export const kindBadge = (kind) => badge(KINDS[kind] || [String(kind), 'neutral', 'dot']);
export const typeBadge = (type) => badge(typeOf(type));
export const stateBadge = (state, given) => badge(STATES[state] || [String(state ?? 'unknown'), 'neutral', 'dot'], { ...given, class: 'state' });
export const typeOf = (type) => TYPES[type] || [String(type), 'neutral', 'dot'];
export const stanceKind = (stance) => STANCES[stance] || 'statement';
export const stanceWord = (stance) => ({ denied: 'denies', confirmed: 'confirms', partly_confirmed: 'partly confirms', no_comment: 'no comment', retracted: 'takes back' })[stance] || stance;
/** What a kind does, for sentences: "alleged by". */
export const verb = (kind) => ({ allegation: 'alleges', denial: 'denies', confirmation: 'confirms', no_comment: 'does not comment', retraction: 'takes back', statement: 'says' })[kind] || 'says';

const UNITS = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];

/** Seconds in words of two units at most: "2 h 5 min". */
export function span(seconds) {
  let left = Math.max(0, Math.round(seconds));
  if (left < 60) return `${left} s`;
  const parts = [];
  for (const [name, size] of UNITS) {
    const count = Math.floor(left / size);
    if (count && name !== 's') parts.push(`${count} ${name}`);
    left -= count * size;
    if (parts.length === 2 || (parts.length && name === 'd' && count > 6)) break;
  }
  return parts.join(' ');
}

function ago(time) {
  const seconds = (Date.now() - time) / 1000;
  if (seconds < -5) return `in ${span(-seconds)}`;
  if (seconds < 10) return 'now';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  if (seconds < 7 * 86400) return `${Math.floor(seconds / 86400)} d`;
  return (isThisYear(time) ? DAY : DATE).format(time);
}

// Made once: a formatter costs more than all that it formats.
const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
const day = { day: 'numeric', month: 'short' };
const [CLOCK, DAY, DATE, DAY_CLOCK, DATE_CLOCK] = [clock, day, { ...day, year: 'numeric' }, { ...day, ...clock }, { ...day, year: 'numeric', ...clock }].map((form) => new Intl.DateTimeFormat(undefined, form));
const isThisYear = (time) => new Date(time).getFullYear() === new Date().getFullYear();
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
const exact = (time) => `${EXACT.format(time)} (${new Date(time).toISOString().replace('.000Z', 'Z')})`;

/** A moment as an age that ticks; the exact time is its title. */
export function age(text, given) {
  const time = Date.parse(text ?? '');
  if (Number.isNaN(time)) return h('span', { class: 'dim' }, '–');
  return h('time', { datetime: new Date(time).toISOString(), title: exact(time), data: { age: '' }, ...given }, ago(time));
}

/** A moment as the clock shows it here, with the day where it is not today. */
export function moment(text) {
  const time = Date.parse(text ?? '');
  if (Number.isNaN(time)) return h('span', { class: 'dim' }, '–');
  const format = new Date(time).toDateString() === new Date().toDateString() ? CLOCK : isThisYear(time) ? DAY_CLOCK : DATE_CLOCK;
  return h('time', { datetime: new Date(time).toISOString(), title: exact(time) }, format.format(time));
}

/** Lets all ages that are in the document tick. */
export function tick() {
  for (const one of document.querySelectorAll('time[data-age]')) {
    const word = ago(Date.parse(one.dateTime));
    if (one.textContent !== word) one.textContent = word;
  }
}

export const count = (number) => String(number ?? 0).replace(/\B(?=(\d{3})+$)/g, '\u202f');
export const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many || `${one}s`}`;
export const percent = (share) => (typeof share === 'number' ? `${Math.round(share * 100)}\u202f%` : '–');
export const bytes = (number) => (number >= 1073741824 ? `${(number / 1073741824).toFixed(1)} GiB` : number >= 1048576 ? `${(number / 1048576).toFixed(1)} MiB` : `${Math.round((number || 0) / 1024)} KiB`);
