// Why something was alerted or not, as the daemon explains it.
import { bdi, h } from './dom.js';

const DEPTH_MAX = 4;

/** An explanation with its facts and the explanations of its parts. */
export function explained(one, depth = 0) {
  return h('div', { class: 'explained' },
    depth ? h('p', { class: 'about' }, h('span', { class: 'dim' }, one.what, ' '), bdi(one.title)) : null,
    h('p', null, h('strong', null, bdi(one.outcome.replaceAll('_', ' '))), ': ', bdi(one.why)),
    h('dl', null, (one.facts || []).map((fact) => [h('dt', null, bdi(fact.name)), h('dd', null, bdi(fact.value))])),
    depth < DEPTH_MAX ? (one.parts || []).map((part) => explained(part, depth + 1)) : null);
}
