// Saving what a view shows, with its filters, as JSON Lines or CSV.
import { save } from './api.js';
import { button, h } from './dom.js';
import { toast } from './toast.js';

/** A small menu; `params()` are the filters of the moment. */
export function exportMenu(parts, params) {
  const act = (format) => async () => {
    menu.open = false;
    try {
      await save(parts, params() || {}, format);
      toast('Saved.');
    } catch (error) {
      toast(`Nothing was saved: ${error.message}`);
    }
  };
  const menu = h('details', { class: 'menu' }, h('summary', null, 'Export'), h('div', { class: 'sheet' }, button('JSON Lines', act('jsonl')), button('CSV', act('csv'))));
  return menu;
}
