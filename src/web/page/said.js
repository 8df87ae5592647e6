// Claims as they are shown everywhere: who said it, the verbatim sentence with its cue marked, where it stood, what it answers.
import { bdi, h, inner, link, marked } from './dom.js';
import { kindBadge, percent, plural, verb } from './words.js';

const OUTLETS_SHOWN = 4;

/** Range of a quote in the sentence, in code points, or null where it is not there. */
function inside(quote, claim, sentence) {
  if (!quote?.text) return null;
  const points = Array.from(sentence);
  const size = Array.from(quote.text).length;
  const start = quote.start - (claim.sentence?.start ?? 0);
  if (start >= 0 && points.slice(start, start + size).join('') === quote.text) return [start, start + size];
  const found = sentence.indexOf(quote.text);
  if (found < 0) return null;
  const before = Array.from(sentence.slice(0, found)).length;
  return [before, before + size];
}

/** The evidence sentence with the cue marked and the source's words set off. */
export function sentence(claim, evidence, given) {
  const text = evidence?.sentence ?? '';
  const cue = inside(claim?.cue, claim, text);
  const source = inside(claim?.source, claim, text);
  const isApart = cue && source && (source[1] <= cue[0] || source[0] >= cue[1]);
  return marked(text, [cue && [...cue, 'cue'], (isApart || !cue) && source && [...source, 'who']].filter(Boolean), given);
}

/** Name and role of a speaker, whom it goes through, and whom an allegation is against. */
export function speaker(claim, given) {
  const who = claim?.speaker;
  return h('span', { class: 'speaker', ...given },
    who ? h('strong', null, bdi(who.name)) : h('strong', { class: 'unnamed' }, 'nobody named'),
    who?.role ? h('span', { class: 'role' }, ', ', bdi(who.role)) : null,
    who?.via ? h('span', { class: 'role' }, ', as told by ', bdi(who.via)) : null,
    claim?.target ? h('span', { class: 'role' }, ' against ', bdi(claim.target)) : null);
}

/** Outlets with the number of copies. */
export function outlets(names, copies) {
  const all = names || [];
  const rest = all.length - OUTLETS_SHOWN;
  return h('span', { class: 'outlets', title: rest > 0 ? all.slice(OUTLETS_SHOWN).join(', ').slice(0, 500) : null },
    all.slice(0, OUTLETS_SHOWN).map((name, at) => [at ? ', ' : '', bdi(name)]),
    rest > 0 ? ` +${rest}` : '',
    copies > 1 ? h('span', { class: 'dim' }, ` · ${plural(copies, 'copy', 'copies')}`) : null);
}

/** Headline and host of the article; a headline that is itself the evidence is not said twice. */
export function article(document, evidence) {
  if (!document) return null;
  const isSame = document.headline && document.headline === evidence?.sentence;
  return h('span', { class: 'article' }, isSame ? h('span', { class: 'dim' }, 'in the headline ') : document.headline ? [bdi(document.headline, { class: 'headline' }), ' '] : null, document.url ? link(document.url) : null);
}

/** The allegation that is answered, with score and reason of the link. */
export function answer(one, thread) {
  return h('div', { class: 'answer' },
    h('span', { class: 'hook', 'aria-hidden': 'true' }, '↳'),
    h('span', null, h('span', { class: 'dim' }, 'answers '), one.speaker ? [bdi(one.speaker, { class: 'name' }), ': '] : null,
      thread ? inner(['thread', thread], bdi(one.proposition || 'what was alleged')) : bdi(one.proposition || 'what was alleged'), ' ',
      one.link ? h('span', { class: 'score', title: `how sure the link is: ${one.link.reason}` }, percent(one.link.score), h('span', { class: 'reason' }, ' · ', bdi(one.link.reason))) : null));
}

/** A claim in one line of words. */
export function short(kind, claim, text) {
  return h('span', { class: 'short' }, kindBadge(kind), ' ', speaker(claim), h('span', { class: 'dim' }, ` ${verb(kind)}: `), bdi(text || ''));
}

export const basisWord = (basis) => ({ assertion: null, report: 'in a report', charge: 'criminal charge', lawsuit: 'lawsuit', finding: 'official finding', verdict: 'verdict' })[basis] || null;
