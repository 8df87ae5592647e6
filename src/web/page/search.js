// Search over claims, speakers and evidence, with what matched marked.
import { get } from './api.js';
import { bdi, button, h, marked, path, select } from './dom.js';
import { exportMenu } from './export.js';
import { KINDS, age, kindBadge, stateBadge } from './words.js';

export function search(element, context) {
  let abort = null;
  let cursor = null;
  let shown = {};
  const kind = select('kind', [['', 'any kind'], ...Object.entries(KINDS).filter(([name]) => name !== 'statement').map(([name, [word]]) => [name, word])], '', () => context.go({ q: shown.q, kind: kind.value }));
  kind.setAttribute('aria-label', 'Kind');
  const title = h('h1', { class: 'found' });
  const items = h('ol', { class: 'cards results' });
  const foot = h('div', { class: 'foot', role: 'status' });
  element.append(h('div', { class: 'bar' }, title, h('div', { class: 'tools' }, kind, exportMenu([['search'], () => shown]))), h('div', { class: 'scroll' }, items, foot));

  function row(one) {
    const id = one.thread || one.id;
    return h('li', null, h('a', { class: 'card', href: id ? path(['thread', id]) : null },
      h('span', { class: 'line' }, one.what === 'thread' ? stateBadge(one.kind || 'thread') : kindBadge(one.kind), one.what === 'thread' ? h('span', { class: 'dim' }, 'thread') : null, one.speaker ? h('strong', null, bdi(one.speaker)) : null, one.outlet ? h('span', { class: 'dim' }, bdi(one.outlet)) : null, h('span', { class: 'when' }, age(one.time))),
      h('span', { class: 'title' }, marked(one.text, one.marks || []))));
  }

  async function load(isMore) {
    abort?.abort();
    abort = new AbortController();
    const { signal } = abort;
    if (!shown.q) {
      items.replaceChildren();
      title.textContent = 'Search';
      foot.textContent = 'Words of claims, speakers, evidence or headlines; “words in quotes” stand together. Press / to write.';
      return;
    }
    title.replaceChildren('Search: ', bdi(shown.q));
    foot.textContent = 'Searching …';
    try {
      const page = await get(['search'], { ...shown, limit: 50, cursor: isMore ? cursor : null }, signal);
      const rows = page.items.map(row);
      if (isMore) items.append(...rows);
      else items.replaceChildren(...rows);
      cursor = page.next;
      foot.replaceChildren(cursor ? button('More', () => load(true)) : items.childElementCount ? `${items.childElementCount} found, that is all` : 'Nothing was found.');
    } catch (error) {
      if (!signal.aborted) foot.textContent = error.message;
    }
  }

  return {
    title: 'Search',
    update(params) {
      shown = { q: (params.get('q') || '').trim() };
      if (params.get('kind')) shown.kind = params.get('kind');
      kind.value = shown.kind || '';
      load(false);
    },
    keys: context.cardKeys(element),
    dispose: () => abort?.abort(),
  };
}
