// Short messages at the foot of the page, with a way back where there is one.
import { button, h } from './dom.js';

const TIME = 9000; // ms; with a way back longer
let undo = null;

/** Says something; `[label, act]` is offered beside it, by the key `u` too. */
export function toast(text, action) {
  const box = h('div', { class: 'toast' }, h('span', null, text));
  const close = () => {
    box.remove();
    if (undo === act) undo = null;
  };
  const act = action && (async () => {
    close();
    try {
      await action[1]();
      toast(action[2] || 'Taken back.');
    } catch (error) {
      toast(error.message);
    }
  });
  if (act) {
    box.append(button(action[0], act, { title: 'u' }));
    undo = act;
  }
  box.append(button('×', close, { class: 'icon', 'aria-label': 'Close' }));
  document.querySelector('#toasts').append(box);
  while (document.querySelectorAll('.toast').length > 3) document.querySelector('.toast').remove();
  setTimeout(close, action ? TIME * 2 : TIME);
}

/** The latest way back, by key. */
export function takeBack() {
  undo?.();
}
