// Charts as SVG: stacked bars over time, small rhythm bars, horizontal bars. Colours come from CSS classes.
import { h, svg } from './dom.js';

/** Entries of the last hours as small bars. */
export function sparkline(history) {
  const width = 120;
  const height = 24;
  const all = history || [];
  if (!all.length) return h('span', { class: 'dim' }, '–');
  const most = Math.max(1, ...all.map((one) => one.entries));
  const step = width / all.length;
  const total = all.reduce((sum, one) => sum + one.entries, 0);
  const words = `${total} entries in ${all.length} hours, at most ${most} in one`;
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, class: 'spark', role: 'img', 'aria-label': words, preserveAspectRatio: 'none' }, svg('title', null, words),
    svg('path', { class: 'base', d: `M0 ${height - 4.5}H${width}` }),
    all.map((one, at) => (one.entries ? svg('rect', { class: 'entries', x: at * step, width: Math.max(1, step - 0.6), y: (height - 5) * (1 - one.entries / most), height: (height - 5) * (one.entries / most) }) : null)));
}

/** A round number at or above, and the lines up to it. */
function scale(most) {
  const size = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  const top = [1, 2, 4, 5, 10].map((one) => one * size).find((one) => one >= most) || most;
  const step = top >= 4 ? top / 4 : 1;
  const lines = [];
  for (let at = step; at <= top; at += step) if (Number.isInteger(at) || top < 4) lines.push(at);
  return [top, lines];
}

/**
 * Stacked bars; each leads to `href(at)`. `series` are `[name, word, tone, numbers]` with one number for each bucket, `label(at)` the words of a bucket,
 * `short(at)` those of the axis; `width` in px.
 */
export function stacked({ buckets, series, label, short, href, width }) {
  const height = 240;
  const [left, right, top, bottom] = [38, 6, 10, 24];
  const sums = buckets.map((_, at) => series.reduce((sum, [, , , numbers]) => sum + (numbers[at] || 0), 0));
  const [most, lines] = scale(Math.max(1, ...sums));
  const y = (value) => top + (height - top - bottom) * (1 - value / most);
  const step = (width - left - right) / Math.max(1, buckets.length);
  const bar = Math.max(1, Math.min(44, step * 0.78));
  const every = Math.ceil(buckets.length / Math.max(2, Math.floor(width / 78)));
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, class: 'chart', role: 'group', 'aria-label': `Claims by kind over time: ${sums.reduce((a, b) => a + b, 0)} in ${buckets.length} periods. The table below has the numbers.` },
    [0, ...lines].map((value) => [svg('path', { class: value ? 'grid' : 'axis', d: `M${left} ${y(value)}H${width - right}` }), svg('text', { x: left - 6, y: y(value) + 3.5, class: 'tick', 'text-anchor': 'end' }, String(value))]),
    buckets.map((_, at) => {
      const x = left + step * at + (step - bar) / 2;
      let sum = 0;
      const parts = series.filter(([, , , numbers]) => numbers[at]).map(([, , tone, numbers]) => {
        sum += numbers[at];
        return svg('rect', { class: `fill ${tone}`, x, width: bar, y: y(sum), height: Math.max(0.5, y(sum - numbers[at]) - y(sum) - (bar > 4 ? 0.7 : 0)) });
      });
      const words = `${label(at)}: ${series.filter(([, , , numbers]) => numbers[at]).map(([, word, , numbers]) => `${numbers[at]} ${word.toLowerCase()}`).join(', ') || 'none'}`;
      return svg('a', { class: 'column', href: href(at), tabindex: '-1', 'aria-label': words }, svg('title', null, words), svg('rect', { class: 'hit', x: left + step * at, width: step, y: top, height: height - top - bottom }), parts,
        at % every === 0 ? svg('text', { x: x + bar / 2, y: height - 7, class: 'tick', 'text-anchor': 'middle' }, short(at)) : null);
    }));
}

/** A share of the most as a bar behind a number. */
export function meter(parts, most) {
  const width = 160;
  let x = 0;
  return svg('svg', { viewBox: `0 0 ${width} 10`, class: 'meter', 'aria-hidden': 'true', preserveAspectRatio: 'none' }, parts.filter(([, value]) => value).map(([tone, value]) => {
    const size = (value / Math.max(1, most)) * width;
    const one = svg('rect', { class: `fill ${tone}`, x, y: 0, width: Math.max(1, size - 1), height: 10, rx: 1.5 });
    x += size;
    return one;
  }));
}
