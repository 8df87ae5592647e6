// Status: what the daemon holds and how it does, with the checks of `gainsay doctor`.
import { get } from './api.js';
import { bdi, h, replace } from './dom.js';
import { exportMenu } from './export.js';
import { refreshing } from './refresh.js';
import { age, bytes, count, moment, stateBadge } from './words.js';

const RANK = { bad: 0, odd: 1, good: 2, ok: 2 };

export function status(element) {
  const body = h('div', { class: 'scroll status' });
  const verdict = h('div', { class: 'line verdict' });
  element.append(h('h1', { class: 'hidden' }, 'Status'), h('div', { class: 'bar' }, verdict, h('div', { class: 'tools' }, exportMenu([['status']]))), body);
  const page = refreshing(body, (signal) => get(['status'], null, signal), draw);

  function draw(data) {
    const tile = (number, word, href, isBad) => h(href ? 'a' : 'div', { class: `tile${isBad ? ' alarm' : ''}`, href }, h('b', null, number), word);
    const checks = [...data.checks].sort((a, b) => RANK[a.state] - RANK[b.state]);
    const worst = checks.length ? checks[0].state : 'good';
    replace(verdict, stateBadge(data.ready ? worst : 'bad'), h('strong', null, !data.ready ? 'The daemon is not ready.' : { bad: 'Something needs a person.', odd: 'It works; some things are odd.', good: 'All is well.', ok: 'All is well.' }[worst]),
        h('span', { class: 'dim' }, 'gainsay ', bdi(data.version), ' · up since ', moment(data.started), ' (', age(data.started), ')'));
    replace(body,
      h('div', { class: 'tiles' },
        tile(count(data.feeds.total), 'feeds', '#/feeds'), tile(count(data.feeds.failing), 'feeds in trouble', '#/feeds?state=failing', data.feeds.failing > 0),
        tile(count(data.documents), 'documents'), tile(count(data.stories), 'stories'), tile(count(data.claims), 'claims'), tile(count(data.threads), 'threads', '#/threads'), tile(count(data.alerts), 'alerts', '#/live'),
        tile(count(data.endpoints.total), 'endpoints', '#/deliveries'), tile(count(data.endpoints.failing), 'endpoints in trouble', '#/deliveries', data.endpoints.failing > 0),
        tile(count(data.pending), 'pending', '#/deliveries?status=pending'), tile(count(data.dead), 'dead letters', '#/deliveries?status=dead', data.dead > 0), tile(count(data.silenced), 'silenced', '#/deliveries?status=silenced'),
        tile(count(data.backlog), 'documents wait'), tile(bytes(data.database_bytes), 'database')),
      h('section', { class: 'panel' }, h('h2', null, 'Checks'), h('table', { class: 'grid' }, h('thead', { class: 'hidden' }, h('tr', null, ['State', 'Check', 'Detail'].map((word) => h('th', { scope: 'col' }, word)))), h('tbody', null, checks.map((one) => h('tr', { class: one.state === 'bad' ? 'trouble' : null }, h('td', null, stateBadge(one.state)), h('th', { scope: 'row' }, bdi(one.name)), h('td', { class: 'wide' }, bdi(one.detail))))))));
  }

  return { title: 'Status', update: () => page.now(), keys: {}, dispose: () => page.dispose() };
}
