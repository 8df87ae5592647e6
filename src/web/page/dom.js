// Builds what is seen. Text from feeds comes in and goes out as text nodes, never as markup; a link is made only of http and https.

const SVG = 'http://www.w3.org/2000/svg';

/** An element with properties, listeners (`onclick`) and children; null and false are left out. */
export function h(name, given, ...children) {
  return filled(document.createElement(name), given, children);
}

/** The same for SVG. */
export function svg(name, given, ...children) {
  return filled(document.createElementNS(SVG, name), given, children);
}

function filled(element, given, children) {
  for (const [key, value] of Object.entries(given || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'data') Object.assign(element.dataset, value);
    else if (key === 'value') element.value = value;
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// What turns the direction of writing, has no width or is a control: shown as a small label instead of being obeyed.
// Joiners (U+200C, U+200D) are spelling in many scripts and stay where they stand between letters of such.
const ODD = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|(?<![^\u0000-\u024f])[\u200c\u200d]/gu;

function pieces(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(ODD)) {
    if (match.index > from) found.push(...words(text.slice(from, match.index)));
    const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    found.push(h('span', { class: 'ghost', title: `invisible character U+${code}` }, `U+${code}`));
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push(...words(text.slice(from)));
  return found;
}

// A word whose letters come from alphabets that look alike is hardly ever honest.
const MIXED = /(?=\p{L}*\p{Script=Latin})(?=\p{L}*[\p{Script=Cyrillic}\p{Script=Greek}])\p{L}+/gu;

function words(text) {
  const found = [];
  let from = 0;
  for (const match of /[\u0370-\u052f]/.test(text) ? text.matchAll(MIXED) : []) {
    found.push(text.slice(from, match.index), h('span', { class: 'mixed', title: 'letters of several alphabets in one word' }, match[0]));
    from = match.index + match[0].length;
  }
  found.push(text.slice(from));
  return found;
}

/** Text of unknown origin, isolated in its direction of writing. */
export function bdi(text, given) {
  return h('bdi', given, pieces(String(text ?? '')));
}

/** Plain text without invisible characters, for titles and notifications. */
export function flat(text) {
  return String(text ?? '').replace(ODD, '\ufffd');
}

/** Text with marked ranges `[[start, end, name?]]` in code points; ranges that overlap or lie outside are left out. */
export function marked(text, ranges, given) {
  const points = Array.from(String(text ?? ''));
  const kept = [];
  let at = 0;
  for (const [start, end, name] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (!(start >= at && end > start && end <= points.length)) continue;
    if (start > at) kept.push(pieces(points.slice(at, start).join('')));
    kept.push(h('mark', { class: name }, pieces(points.slice(start, end).join(''))));
    at = end;
  }
  kept.push(pieces(points.slice(at).join('')));
  return h('bdi', given, kept);
}

/** The address where it is http or https, or null. */
export function safe(address) {
  try {
    const url = new URL(String(address));
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
  } catch {
    return null;
  }
}

/**
 * A link to a page outside. A host is shown as the network knows it, so letters that only look like others show as `xn--`;
 * anything but http and https is shown as text and leads nowhere.
 */
export function link(address, label) {
  if (!address) return label ? bdi(label) : null;
  const url = safe(address);
  if (!url) return h('span', { class: 'nolink', title: 'not a web address: not a link' }, label ? [bdi(label), ' '] : null, h('code', null, bdi(String(address).slice(0, 120))));
  const host = url.host.replace(/^www\./, '');
  const isForeign = /(^|\.)xn--/.test(host);
  const given = { href: url.href, target: '_blank', rel: 'noopener noreferrer', class: 'out', title: flat(url.href), dir: 'ltr' };
  if (!label) return h('a', given, host);
  return [h('a', given, bdi(label)), isForeign ? h('span', { class: 'puny', title: 'the host as the network knows it' }, ` ${host}`) : null];
}

/** A link within this page; the parts of the path are encoded. */
export function inner(parts, label, given) {
  return h('a', { ...given, href: path(parts) }, label);
}

/** `#/a/b?x=y` */
export function path(parts, params) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params || {})) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== '' && one !== null && one !== undefined) query.append(key, one);
  }
  const text = query.toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

export function button(label, act, given) {
  return h('button', { type: 'button', onclick: act, ...given }, label);
}

/** A labelled field. */
export function field(label, input, given) {
  return h('label', { class: 'field', ...given }, h('span', null, label), input);
}

export function select(name, options, value, act) {
  return h('select', { name, onchange: act }, options.map(([key, text]) => h('option', { value: key, selected: key === value }, text)));
}

/** Exchanges what an element holds and keeps the focus on the part with the same `data-key`, and the open details open. */
export function replace(element, ...children) {
  const focus = element.contains(document.activeElement) ? document.activeElement.dataset?.key : null;
  const open = [...element.querySelectorAll('details[open][data-key]')].map((one) => one.dataset.key);
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  for (const one of element.querySelectorAll('details[data-key]')) if (open.includes(one.dataset.key)) one.open = true;
  if (focus) [...element.querySelectorAll('[data-key]')].find((one) => one.dataset.key === focus)?.focus({ preventScroll: true });
}

/** A modal dialogue; `Escape` closes it. Resolves when it is closed. */
export function dialogue(title, content, actions, given) {
  const before = document.activeElement;
  const box = h('dialog', { 'aria-label': title, ...given }, h('h2', null, title), content, actions ? h('div', { class: 'actions' }, actions) : null);
  document.body.append(box);
  box.addEventListener('close', () => {
    box.remove();
    before?.focus?.();
  });
  box.addEventListener('click', (event) => {
    if (event.target === box) box.close();
  });
  box.showModal();
  return box;
}
