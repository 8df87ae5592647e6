// The daemon's API: requests, its errors in words, the token, and the stream of alerts.
import { button, dialogue, field, h } from './dom.js';

const ROOT = new URL('api/v1/', document.baseURI);
const STREAM_SILENT_MAX = 40_000; // ms; the server says something every 15 s
const BACKOFF_MAX = 15_000; // ms
const REQUEST_TIMEOUT = 20_000; // ms

let token = sessionStorage.getItem('gainsay.token') || localStorage.getItem('gainsay.token');
let asking = null;

/** What went wrong, in words for a person. */
export class ApiError extends Error {
  constructor(status, title, detail, feeds) {
    super(detail || title || `the daemon answered ${status}`);
    this.status = status;
    this.title = title;
    /** Feeds that could be added in place of what was asked for. */
    this.feeds = feeds || [];
  }
}

function address(parts, params) {
  const url = new URL(parts.map(encodeURIComponent).join('/'), ROOT);
  for (const [key, value] of Object.entries(params || {})) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== '' && one !== null && one !== undefined) url.searchParams.append(key, one);
  }
  return url;
}

const headers = (more) => ({ ...(token ? { authorization: `Bearer ${token}` } : {}), ...more });

/** Every request ends in time but a stream, which watches itself. */
function limited({ signal, time = REQUEST_TIMEOUT }) {
  if (!time) return signal;
  const timeout = AbortSignal.timeout(time);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

async function send(parts, params, options) {
  for (;;) {
    const used = token;
    let answer;
    try {
      answer = await fetch(address(parts, params), { credentials: 'same-origin', ...options, headers: headers(options.headers), signal: limited(options) });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new ApiError(0, 'no answer', error.name === 'TimeoutError' ? 'the daemon did not answer in time' : 'the daemon cannot be reached');
    }
    if (answer.status === 401) {
      if (used === token) await ask(Boolean(used));
      continue;
    }
    if (!answer.ok) throw await problem(answer);
    return answer;
  }
}

async function problem(answer) {
  try {
    const body = await answer.json();
    return new ApiError(answer.status, body.title, body.detail, body.feeds);
  } catch {
    return new ApiError(answer.status, answer.statusText, `the daemon answered ${answer.status} ${answer.statusText}`);
  }
}

/** GET; the parts of the path are encoded. */
export async function get(parts, params, signal) {
  return (await send(parts, params, { headers: { accept: 'application/json' }, signal })).json();
}

/** A request that changes something; the answer's JSON, or null where it has none. */
export async function change(method, parts, body) {
  const options = { method, headers: { 'content-type': 'application/json', 'x-gainsay': '1' }, body: body === undefined ? '{}' : JSON.stringify(body), time: 60_000 };
  const answer = await send(parts, null, options);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

/** Saves as a file what a view shows with its filters, all pages of it. */
export async function save(parts, params, format) {
  const answer = await send(parts, { ...params, format }, { headers: {}, time: 120_000 });
  const url = URL.createObjectURL(await answer.blob());
  const name = `gainsay-${parts.join('-')}-${new Date().toISOString().slice(0, 16).replace(/[-:]/g, '')}.${format}`;
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Whether a token is held, and how to let go of it. */
export const signedIn = () => token !== null;
export function signOut() {
  token = null;
  sessionStorage.removeItem('gainsay.token');
  localStorage.removeItem('gainsay.token');
  location.reload();
}

/** Asks for a token until there is one; all requests wait for the same form. */
function ask(isWrong) {
  asking ??= new Promise((resolve) => {
    const input = h('input', { type: 'password', required: true, autocomplete: 'current-password', name: 'token', autofocus: true });
    const keep = h('input', { type: 'checkbox', name: 'keep' });
    const form = h('form', { method: 'dialog' },
      h('p', null, isWrong ? 'The daemon does not take this token. Another one?' : 'The daemon wants a token. It stands in its config, under [web].'),
      field('Token', input),
      h('label', { class: 'check' }, keep, ' Remember it in this browser'),
      h('div', { class: 'actions' }, h('button', { type: 'submit', class: 'main' }, 'Sign in')));
    const box = dialogue('Token', form, null, { class: 'token' });
    box.addEventListener('cancel', (event) => event.preventDefault());
    form.addEventListener('submit', () => {
      token = input.value.trim();
      sessionStorage.setItem('gainsay.token', token);
      if (keep.checked) localStorage.setItem('gainsay.token', token);
      else localStorage.removeItem('gainsay.token');
    });
    box.addEventListener('close', () => {
      asking = null;
      resolve();
    });
  });
  return asking;
}

/**
 * Events of `/alerts/stream`, over fetch because EventSource can send no token. Comes back by itself after a break, at first at once and
 * then ever slower, and resumes behind the last event that it was given.
 * `on`: `open()`, `event(name, id, data)`, `state(word, wait)` with `live`, `waiting` or `connecting`.
 */
export class Stream {
  constructor(params, after, on) {
    Object.assign(this, { params, last: after, on, failures: 0, closed: false });
    this.wake = () => this.again();
    window.addEventListener('online', this.wake);
    this.run();
  }

  close() {
    this.closed = true;
    window.removeEventListener('online', this.wake);
    this.abort?.abort();
    this.skip?.();
  }

  /** Connects now rather than after the wait. */
  again() {
    this.failures = 0;
    if (this.skip) this.skip();
    else this.abort?.abort();
  }

  async run() {
    while (!this.closed) {
      this.on.state('connecting');
      try {
        await this.read();
      } catch (error) {
        if (this.closed) return;
        this.error = error;
      }
      if (this.closed) return;
      const wait = Math.min(BACKOFF_MAX, 400 * 2 ** this.failures++) * (0.75 + Math.random() / 2);
      this.on.state('waiting', wait, this.error);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.skip = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.skip = null;
    }
  }

  async read() {
    const abort = new AbortController();
    this.abort = abort;
    const resume = this.last === null || this.last === undefined ? {} : { 'last-event-id': String(this.last) };
    let heard = setTimeout(() => abort.abort(), REQUEST_TIMEOUT);
    const alive = () => {
      clearTimeout(heard);
      heard = setTimeout(() => abort.abort(), STREAM_SILENT_MAX);
    };
    try {
      const answer = await send(['alerts', 'stream'], this.params, { headers: { accept: 'text/event-stream', ...resume }, signal: abort.signal, time: 0, cache: 'no-store' });
      alive();
      this.failures = 0;
      this.error = null;
      this.on.state('live');
      await this.on.open();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      let event = { name: 'message', id: null, data: [] };
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        alive();
        const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
        rest = lines.pop();
        let since = performance.now();
        for (const line of lines) {
          if (line === '') {
            if (event.data.length || event.name === 'reset') {
              await this.on.event(event.name, event.id, event.data.join('\n'));
              if (this.closed || this.abort !== abort) return;
              if (event.id !== null && event.name === 'alert') this.last = event.id;
            }
            event = { name: 'message', id: null, data: [] };
            // A burst must not keep the page from answering the keyboard.
            if (performance.now() - since > 8) {
              await new Promise((resolve) => setTimeout(resolve));
              since = performance.now();
            }
          } else if (!line.startsWith(':')) {
            const [, name, text] = /^([^:]*):? ?(.*)$/s.exec(line);
            if (name === 'event') event.name = text;
            else if (name === 'id') event.id = text;
            else if (name === 'data') event.data.push(text);
          }
        }
      }
    } finally {
      clearTimeout(heard);
      abort.abort();
    }
  }
}
