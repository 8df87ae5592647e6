// Trends: claims by kind over time, who speaks most, what is contested most.
import { get } from './api.js';
import { meter, stacked } from './chart.js';
import { bdi, h, inner, path, replace } from './dom.js';
import { exportMenu } from './export.js';
import { refreshing } from './refresh.js';
import { threadRow } from './threads.js';
import { KINDS, count, plural, shape } from './words.js';

const PERIODS = [['1', '24 hours'], ['7', '7 days'], ['30', '30 days'], ['90', '90 days']];
const ORDER = ['allegation', 'denial', 'confirmation', 'no_comment', 'retraction'];

export function trends(element) {
  let days = 7;
  let data = null;
  const body = h('div', { class: 'scroll trends' });
  const periods = h('div', { class: 'segments', role: 'group', 'aria-label': 'Period' }, PERIODS.map(([value, word]) => h('a', { href: `#/trends?days=${value}`, data: { days: value } }, word)));
  element.append(h('h1', { class: 'hidden' }, 'Trends'), h('div', { class: 'bar' }, periods, h('div', { class: 'tools' }, exportMenu([['trends'], shown]))), body);
  const page = refreshing(body, (signal) => get(['trends'], shown(), signal), (found) => {
    data = found;
    draw();
  });
  let width = 0;
  const watch = new ResizeObserver(() => {
    if (data && Math.abs(width - body.clientWidth) > 4) draw();
  });
  watch.observe(body);

  /** The period as the API takes it: to the full hour, so that an unchanged answer is seen as such. */
  function shown() {
    return { since: new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - days * 86_400_000).toISOString(), bucket: days <= 2 ? 'hour' : 'day' };
  }

  function draw() {
    width = body.clientWidth;
    const series = ORDER.map((kind) => [kind, KINDS[kind][0], KINDS[kind][1], data.kinds[kind] || []]);
    const isHours = days <= 2;
    const label = (at) => new Date(data.buckets[at]).toLocaleString(undefined, isHours ? { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } : { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });
    const short = (at) => new Date(data.buckets[at]).toLocaleString(undefined, isHours ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } : { day: 'numeric', month: 'short', timeZone: 'UTC' });
    const length = isHours ? 3_600_000 : 86_400_000;
    const href = (at) => path(['live'], { since: data.buckets[at], until: new Date(Date.parse(data.buckets[at]) + length).toISOString() });
    const total = (numbers) => numbers.reduce((sum, one) => sum + one, 0);
    const most = Math.max(1, ...data.speakers.map((one) => one.claims));
    replace(body,
      h('section', { class: 'panel' }, h('h2', null, `Claims by kind, ${isHours ? 'by the hour' : 'by the day (UTC)'}`),
        h('ul', { class: 'legend' }, series.map(([kind, word, tone, numbers]) => h('li', null, h('a', { href: path(['live'], { kind }), class: `badge ${tone}` }, shape(KINDS[kind][2]), word), ' ', h('b', null, count(total(numbers)))))),
        stacked({ buckets: data.buckets, series, label, short, href, width: Math.max(280, width - 56) }),
        h('details', { data: { key: 'table' } }, h('summary', null, 'As a table'), h('div', { class: 'across' }, h('table', { class: 'grid small' }, h('thead', null, h('tr', null, h('th', { scope: 'col' }, isHours ? 'Hour' : 'Day'), series.map(([, word]) => h('th', { scope: 'col' }, word)))),
          h('tbody', null, data.buckets.map((_, at) => h('tr', null, h('th', { scope: 'row' }, h('a', { href: href(at) }, label(at))), series.map(([, word, , numbers]) => h('td', { class: 'figure', data: { label: word } }, String(numbers[at] || 0)))))))))),
      h('div', { class: 'columns' },
        h('section', { class: 'panel' }, h('h2', null, 'Who speaks most'), data.speakers.length ? h('table', { class: 'bars' }, h('thead', { class: 'hidden' }, h('tr', null, ['Speaker', 'Claims', 'Of which'].map((word) => h('th', { scope: 'col' }, word)))), h('tbody', null, data.speakers.slice(0, 12).map((one) => h('tr', null,
          h('th', { scope: 'row' }, h('a', { href: path(['live'], { speaker: one.name }) }, bdi(one.name))),
          h('td', { class: 'figure' }, count(one.claims)),
          h('td', null, meter([['allegation', one.allegations], ['denial', one.denials], ['neutral', Math.max(0, one.claims - one.allegations - one.denials)]], most), h('span', { class: 'dim small' }, `${plural(one.allegations, 'allegation')}, ${plural(one.denials, 'denial')}`)))))) : h('p', { class: 'empty' }, 'Nobody yet.')),
        h('section', { class: 'panel' }, h('h2', null, 'Most contested'), data.contested.length ? h('ul', { class: 'cards' }, data.contested.slice(0, 10).map((one) => threadRow(one, h('span', { class: 'dim small' }, plural(one.answers, 'answer'))))) : h('p', { class: 'empty' }, 'Nothing is contested in this period. ', inner(['threads'], 'All threads')))));
  }

  return {
    title: 'Trends',
    update(params) {
      days = PERIODS.some(([value]) => value === params.get('days')) ? Number(params.get('days')) : 7;
      for (const one of periods.children) one.setAttribute('aria-current', Number(one.dataset.days) === days ? 'true' : 'false');
      page.now();
    },
    keys: {},
    dispose: () => (page.dispose(), watch.disconnect()),
  };
}
