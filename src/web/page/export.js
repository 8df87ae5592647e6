// Saving what a view shows, with its filters, as JSON Lines or CSV.
import { save } from './api.js';
import { button, h } from './dom.js';
import { toast } from './toast.js';

const FORMS = [['JSON Lines', 'jsonl'], ['CSV', 'csv']];

/** A small menu of what can be saved: `[parts, params, name]` each; `params()` are the filters of the moment, the name is needed where there are several. */
export function exportMenu(...parts) {
  const menu = h('details', { class: 'menu' }, h('summary', null, 'Export'), h('div', { class: 'sheet' }, parts.map(([path, params, name]) => {
    const forms = FORMS.map(([word, format]) => button(word, () => act(path, params?.() || {}, format), { 'aria-label': name ? `${name} as ${word}` : null }));
    return name ? h('div', { class: 'files' }, h('span', null, name), forms) : forms;
  })));
  async function act(path, params, format) {
    menu.open = false;
    try {
      await save(path, params, format);
      toast('Saved.');
    } catch (error) {
      toast(`Nothing was saved: ${error.message}`);
    }
  }
  return menu;
}
