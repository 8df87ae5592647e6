// What changed between two wordings, word by word.
import { bdi, h } from './dom.js';

const WORDS_MAX = 400;

/** Parts `[sign, text]` with sign -1 (only before), 0 (both), 1 (only after): a longest common subsequence of words. */
export function compare(before, after) {
  const a = before.split(/(\s+)/).filter(Boolean).slice(0, WORDS_MAX);
  const b = after.split(/(\s+)/).filter(Boolean).slice(0, WORDS_MAX);
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const here = i * width + j;
      table[here] = a[i] === b[j] ? table[here + width + 1] + 1 : Math.max(table[here + width], table[here + 1]);
    }
  }
  const parts = [];
  const push = (sign, word) => {
    const last = parts[parts.length - 1];
    if (last && last[0] === sign) last[1] += word;
    else parts.push([sign, word]);
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const here = i * width + j;
    if (i < a.length && j < b.length && a[i] === b[j]) push(0, (j++, a[i++]));
    else if (i < a.length && (j === b.length || table[here + width] >= table[here + 1])) push(-1, a[i++]);
    else push(1, b[j++]);
  }
  return parts;
}

/** The comparison as a paragraph with struck and inserted words. */
export function changed(before, after) {
  return h('p', { class: 'diff' }, compare(before, after).map(([sign, text]) => (sign < 0 ? h('del', null, bdi(text)) : sign > 0 ? h('ins', null, bdi(text)) : bdi(text))));
}
