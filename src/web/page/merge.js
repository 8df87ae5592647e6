// Threads that are one matter: those that the daemon takes for likely are offered, each merged by one click; others are looked for.
import { get } from './api.js';
import { bdi, button, dialogue, field, flat, h, inner, select } from './dom.js';
import { age, percent, plural, stateBadge } from './words.js';

const STATES = ['alleged', 'answered', 'contested', 'confirmed', 'withdrawn', 'closed'];

/** What may be the same matter as a thread; `offered()` asks the daemon, `join(other)` merges. Beside a list it asks when it is opened. */
export function likely(offered, join, isPane) {
  const list = h('ul', { class: 'plain' });
  const box = h('details', { class: 'likely', open: !isPane, hidden: !isPane, data: { key: 'likely' }, ontoggle: () => box.open && !list.childElementCount && load() }, h('summary', null, 'The same matter?'), list);

  async function load() {
    list.replaceChildren(h('li', { class: 'dim' }, 'Asking …'));
    try {
      const items = await offered();
      box.hidden = !isPane && !items.length;
      list.replaceChildren(...(items.length ? items.map(row) : [h('li', { class: 'dim' }, 'No other thread looks like it.')]));
    } catch (error) {
      // Nobody asked for it: that it is missing disturbs nobody.
      list.replaceChildren(h('li', { class: 'dim' }, error.message));
    }
  }

  function row({ thread, probability, reason }) {
    const matter = thread.proposition || 'without words of its own';
    return h('li', null, button('Merge', () => join(thread), { 'aria-label': `Merge with: ${flat(matter)}`, title: 'Both become one thread' }),
      h('span', { class: 'about' }, h('span', { class: 'line small' }, stateBadge(thread.state), h('span', { class: 'dim' }, percent(probability), ' · ', bdi(reason), ' · ', plural(thread.claims.length, 'claim'), ' · ', (thread.outlets || []).slice(0, 2).map((name, at) => [at ? ', ' : '', bdi(name)]), ' · ', age(thread.last_added || thread.last_seen))),
        inner(['thread', thread.id], bdi(matter))));
  }

  if (!isPane) load();
  return box;
}

/** Looks for the thread that is the same matter, among all. */
export function mergeDialogue(thread, join) {
  const results = h('ul', { class: 'choice' });
  const input = h('input', { type: 'search', 'aria-label': 'Words of the other thread', placeholder: 'words or a name', autocomplete: 'off', autofocus: true });
  const state = select('state', [['', 'any state'], ...STATES.map((word) => [word, word])], '', look);
  let timer = null;
  async function look() {
    try {
      const found = await get(['threads'], { q: input.value.trim(), state: state.value, limit: 20 });
      results.replaceChildren(...found.items.filter((one) => one.id !== thread.id).map((one) => h('li', null, button([stateBadge(one.state), ' ', bdi(one.proposition)], () => {
        box.close();
        join(one);
      }))));
      if (!results.childElementCount) results.append(h('li', { class: 'dim' }, 'No other thread has these words.'));
    } catch (error) {
      results.replaceChildren(h('li', { class: 'dim' }, error.message));
    }
  }
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(look, 250);
  });
  const box = dialogue('Which thread is the same matter?', [h('p', { class: 'dim' }, '“', bdi(thread.proposition), '” and the thread that you choose become one.'), h('div', { class: 'row' }, field('Look for', input), field('State', state)), results], [button('Cancel', () => box.close())]);
  look();
}
