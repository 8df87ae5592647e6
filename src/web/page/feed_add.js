// The dialogue that adds a feed; where the address is that of a page, it offers the feeds behind it.
import { change } from './api.js';
import { bdi, button, dialogue, field, h, link } from './dom.js';
import { age, plural } from './words.js';

/** Asks for an address and adds the feed there; `added` is called when that is done. */
export function addFeed(context, added) {
  const address = h('input', { type: 'url', name: 'url', required: true, maxlength: 2000, autocomplete: 'off', autofocus: true, placeholder: 'https://', spellcheck: 'false' });
  const outlet = h('input', { type: 'text', name: 'outlet', maxlength: 200, autocomplete: 'off', placeholder: 'as the feed calls itself' });
  const unseen = h('input', { type: 'checkbox', name: 'unseen' });
  const problem = h('p', { class: 'error', role: 'alert', hidden: true });
  const choices = h('ul', { class: 'choice', 'aria-label': 'Feeds behind this address' });
  const submit = h('button', { type: 'submit', class: 'main' }, 'Add');
  const form = h('form', { onsubmit: (event) => {
    event.preventDefault();
    add(address.value.trim());
  } }, h('p', { class: 'dim' }, 'The address of a feed, or of a page that leads to one. It is kept beside the config, which stays as it is.'),
  field('Address', address), field('Name of the outlet', outlet), h('label', { class: 'check' }, unseen, ' Add it without a look at what is there'), problem, choices,
  h('div', { class: 'actions' }, button('Cancel', () => box.close()), submit));
  const box = dialogue('Add a feed', form, null, { class: 'add' });

  async function add(url) {
    problem.hidden = true;
    choices.replaceChildren();
    submit.disabled = true;
    submit.textContent = 'Looking …';
    try {
      const done = await change('POST', ['feeds'], { url, ...(outlet.value.trim() ? { outlet: outlet.value.trim() } : {}), unseen: unseen.checked });
      box.close();
      context.toast(`${done.outlet} is added. What it carries now is its baseline; what comes is news.`);
      added();
    } catch (error) {
      problem.hidden = false;
      problem.textContent = error.message;
      offer(error.feeds || []);
    }
    submit.disabled = false;
    submit.textContent = 'Add';
  }

  function offer(feeds) {
    choices.replaceChildren(...feeds.map((feed) => h('li', null, h('div', null, h('strong', null, bdi(feed.title || feed.url)), ' ', link(feed.url),
      h('span', { class: 'dim small' }, ` ${feed.format}, ${plural(feed.entries, 'entry', 'entries')}`, feed.newest ? [', newest ', age(feed.newest)] : null)),
    button('Add this', () => {
      address.value = feed.url;
      add(feed.url);
    }, { 'aria-label': `Add ${feed.title || feed.url}` }))));
    choices.querySelector('button')?.focus();
  }
}
