// An alert as an entry of the live list.
import { bdi, h, inner, link } from './dom.js';
import { answer, article, basisWord, outlets, sentence, speaker } from './said.js';
import { age, percent, stateBadge, typeBadge, typeOf } from './words.js';

const URGENT = 70; // priorities from here on are set off

/** The entry; `earlier` is the alert that it corrects, where it is known. */
export function alertRow({ alert, state, held }) {
  const [word, tone] = typeOf(alert.type);
  const { claim } = alert;
  const isBack = alert.type === 'claim.withdrawn';
  return h('article', { class: `alert ${tone}${isBack ? ' taken' : ''}`, 'aria-label': `${word}${claim?.speaker ? `, ${claim.speaker.name}` : ''}` },
    h('header', null, typeBadge(alert.type), claim ? speaker(claim) : subject(alert), priority(alert.priority), age(alert.time)),
    back(alert),
    alert.evidence ? h(isBack ? 'del' : 'p', { class: 'evidence' }, sentence(claim, alert.evidence)) : h('p', { class: 'plain' }, bdi(alert.feed?.detail || alert.why)),
    (alert.answers || []).slice(0, 3).map((one) => answer(one, alert.thread?.id)),
    digest(alert.digest),
    waits(state, held || []),
    h('footer', null,
      alert.story ? outlets(alert.story.outlets, alert.story.copies) : null,
      article(alert.document, alert.evidence),
      alert.feed ? link(alert.feed.url) : null,
      claim ? h('span', { class: 'dim', title: 'how sure the extractor is' }, 'sure ', percent(claim.confidence)) : null,
      basisWord(claim?.basis) ? h('span', { class: 'dim' }, basisWord(claim.basis)) : null,
      alert.thread ? stateBadge(alert.thread.state, { title: 'state of its thread' }) : null,
      alert.thread?.contradiction && alert.type !== 'thread.contradiction' ? h('span', { class: 'badge contradiction' }, '≠ outlets contradict') : null,
      alert.also?.length ? h('span', { class: 'dim' }, `+${alert.also.length} of this thread`) : null,
      alert.thread ? inner(['thread', alert.thread.id], 'Thread', { class: 'more', tabindex: '-1' }) : inner(['alert', alert.id], 'Why', { class: 'more', tabindex: '-1' })));
}

function subject(alert) {
  const name = alert.feed?.outlet || alert.feed?.id || (alert.digest ? `${alert.digest.alerts.length + alert.digest.left_out} alerts over the day's budget` : '');
  return h('span', { class: 'speaker' }, h('strong', null, bdi(name)));
}

function priority(one) {
  if (!one) return null;
  return h('span', { class: `priority${one.score >= URGENT ? ' urgent' : ''}`, title: one.reasons?.length ? `priority ${one.score}: ${one.reasons.join(', ')}` : `priority ${one.score}` }, h('span', { class: 'hidden' }, 'priority '), String(one.score));
}

/** What takes an earlier alert back says so in words. */
function back(alert) {
  if (alert.type === 'claim.withdrawn') return h('p', { class: 'taken-back' }, h('strong', null, 'Taken back: '), bdi(alert.why));
  if (alert.type === 'claim.revised') return h('p', { class: 'taken-back' }, h('strong', null, `Revision ${alert.claim?.revision ?? ''}: `), bdi(alert.why));
  return null;
}

const REASONS = { group: 'others of its thread', collected: 'the next digest', quiet_hours: 'the end of quiet hours', rate_cap: 'the next hour, its cap is reached', budget: 'the next day, its budget is used up' };
const SINKS_SHOWN = 4;

/** For what an alert waits that nobody was told of yet. */
function waits(state, held) {
  if (state === 'taken_back') return h('p', { class: 'dim' }, 'taken back before anybody was told');
  if (state !== 'held') return null;
  const more = held.length > SINKS_SHOWN ? ` and ${held.length - SINKS_SHOWN} more` : '';
  return h('p', { class: 'dim held' }, held.slice(0, SINKS_SHOWN).map((one, at) => h('span', { title: one.until ? `until ${one.until}` : `since ${one.since}` }, at ? '; ' : 'held: ', bdi(one.sink), ' waits for ', REASONS[one.reason] || bdi(one.reason))), more);
}

function digest(one) {
  if (!one) return null;
  return h('ul', { class: 'digest' }, one.alerts.slice(0, 8).map((entry) => h('li', null, typeBadge(entry.type), ' ', entry.speaker ? [bdi(entry.speaker), ': '] : null, bdi(entry.content || entry.headline || entry.why))));
}
