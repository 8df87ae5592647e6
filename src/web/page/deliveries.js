// Deliveries: how each endpoint does, what waits and what was given up; replay, ping, silences.
import { change, get } from './api.js';
import { bdi, button, dialogue, field, h, inner, link, replace, select } from './dom.js';
import { exportMenu } from './export.js';
import { all } from './feeds.js';
import { refreshing } from './refresh.js';
import { age, count, moment, plural, stateBadge, typeBadge } from './words.js';

const STATUSES = [['', 'any status'], ...['pending', 'delivered', 'dead', 'silenced', 'expired'].map((word) => [word, word])];
/** What a silence is about, in words. */
function matcher(one) {
  const parts = Object.entries(one || {}).filter(([, value]) => value);
  return parts.length ? parts.map(([name, value], at) => [at ? ', ' : '', `${name} `, bdi(value)]) : 'everything';
}

const BODY_MAX = 20_000; // characters shown of a delivered body

export function deliveries(element, context) {
  let filter = {};
  let cursor = null;
  let items = [];
  let timer = null;
  const cards = h('div', { class: 'endpoints' });
  const silenced = h('section', { class: 'silences', 'aria-label': 'Silences' });
  const q = h('input', { type: 'search', 'aria-label': 'Words', placeholder: 'Speaker, headline, error', autocomplete: 'off', maxlength: 200, oninput: typed });
  const sink = select('sink', [['', 'any endpoint']], '', typed);
  sink.setAttribute('aria-label', 'Endpoint');
  const status = select('status', STATUSES, '', typed);
  status.setAttribute('aria-label', 'Status');
  const body = h('div', { class: 'listing' });
  const replayAll = button('Replay these …', () => replay({ ...filter }), { hidden: true });
  element.append(h('h1', { class: 'hidden' }, 'Deliveries'), h('div', { class: 'scroll' }, cards, silenced,
    h('div', { class: 'bar inner' }, h('div', { class: 'fields' }, q, sink, status), h('div', { class: 'tools' }, replayAll, exportMenu([['deliveries'], () => filter, 'Deliveries'], [['endpoints'], null, 'Endpoints'], [['silences'], null, 'Silences']))), body));
  const page = refreshing(cards, (signal) => Promise.all([all(['endpoints'], {}, signal), all(['silences'], {}, signal)]), ([endpoints, silences]) => {
    drawEndpoints(endpoints);
    drawSilences(silences, endpoints);
  });
  const rows = refreshing(body, (signal) => get(['deliveries'], { ...filter, limit: 50 }, signal), (found) => {
    items = found.items;
    cursor = found.next;
    drawRows();
  });

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(() => context.go({ sink: sink.value, status: status.value, q: q.value.trim() }, { replace: true }), 250);
  }

  function drawEndpoints(endpoints) {
    const options = [['', 'any endpoint'], ...endpoints.map((one) => [one.name, one.name])];
    if (sink.options.length !== options.length) sink.replaceChildren(...options.map(([value, text]) => h('option', { value }, text)));
    sink.value = filter.sink || '';
    replace(cards, endpoints.length ? endpoints.map((one) => h('article', { class: `endpoint ${one.state}`, 'aria-label': `Endpoint ${one.name}` },
      h('div', { class: 'line' }, h('strong', null, bdi(one.name)), stateBadge(one.state), h('span', { class: 'dim small' }, one.kind)),
      h('div', { class: 'dim small where' }, one.kind === 'webhook' ? link(one.address) : bdi(one.address || '')),
      one.reason ? h('p', { class: 'error' }, bdi(one.reason), one.since ? [' · since ', age(one.since)] : null) : null,
      one.last_error && one.state !== 'ok' && !one.reason?.includes(one.last_error) ? h('p', { class: 'error' }, bdi(one.last_error)) : null,
      h('div', { class: 'numbers' }, [['pending', one.pending], ['delivered', one.delivered], ['dead', one.dead], ['silenced', one.silenced]].map(([word, number]) =>
        h('a', { class: `number${word === 'dead' && number ? ' alarm' : ''}`, href: `#/deliveries?sink=${encodeURIComponent(one.name)}&status=${word}`, data: { key: `${one.name}-${word}` } }, h('b', null, count(number)), word))),
      h('div', { class: 'line small' }, h('span', { class: 'dim' }, 'last success '), age(one.last_success)),
      h('div', { class: 'actions' },
        button('Ping', () => ping(one, 'ping'), { data: { key: `ping-${one.name}` }, title: 'an empty request: is it there?' }),
        button('Test', () => ping(one, 'test'), { data: { key: `test-${one.name}` }, title: 'a made-up alert, marked as a test' }),
        ['disabled', 'gone', 'paused'].includes(one.state) ? button('Enable', () => enable(one), { data: { key: `enable-${one.name}` } }) : null,
        one.dead ? button('Replay dead …', () => replay({ sink: one.name, status: 'dead' }), { data: { key: `replay-${one.name}` } }) : null,
        button('Silence …', () => silence({ sink: one.name }, endpoints), { data: { key: `silence-${one.name}` } }))))
      : h('p', { class: 'empty' }, 'There is no endpoint: a [[sink]] in the config makes one.'));
  }

  async function ping(one, what) {
    context.toast(`Asking ${one.name} …`);
    try {
      const found = await change('POST', ['endpoints', one.name, what]);
      context.toast(found.error ? `${one.name}: ${found.error}` : `${one.name} answered ${found.status ?? 'well'} in ${found.duration_ms} ms.`);
    } catch (error) {
      context.toast(`${one.name}: ${error.message}`);
    }
    page.soon(300);
  }

  async function enable(one) {
    try {
      await change('POST', ['endpoints', one.name, 'enable']);
      context.toast(`${one.name} is enabled; what waits for it is tried.`);
    } catch (error) {
      context.toast(`${one.name}: ${error.message}`);
    }
    page.soon(300);
  }

  /** Shows what a replay would send, and sends it if told to. */
  async function replay(what) {
    const clean = Object.fromEntries(Object.entries(what).filter(([key, value]) => value && ['alert', 'sink', 'status', 'since', 'until'].includes(key)));
    try {
      const dry = await change('POST', ['deliveries', 'replay'], { ...clean, dry_run: true });
      if (!dry.count) {
        context.toast('There is nothing to replay.');
        return;
      }
      const box = dialogue(`Send ${plural(dry.count, 'alert')} again?`, [h('p', { class: 'dim' }, 'Under the same ids and with the same bytes: who remembers ids sees none twice.'),
        h('ul', { class: 'choice' }, dry.items.slice(0, 12).map((one) => h('li', null, typeBadge(one.type), ' ', bdi(one.sink), h('span', { class: 'dim' }, ' · '), bdi(one.speaker || one.outlet || ''), one.headline ? [': ', bdi(one.headline)] : null))),
        dry.count > 12 ? h('p', { class: 'dim' }, `and ${count(dry.count - 12)} more`) : null],
      [button('Cancel', () => box.close()), button(`Send ${count(dry.count)}`, async () => {
        box.close();
        try {
          const done = await change('POST', ['deliveries', 'replay'], { ...clean, dry_run: false });
          context.toast(`${plural(done.count, 'alert')} on the way.`);
        } catch (error) {
          context.toast(error.message);
        }
        page.soon(500);
        rows.soon(500);
      }, { class: 'main' })]);
    } catch (error) {
      context.toast(error.message);
    }
  }

  function drawSilences(silences, endpoints) {
    const now = silences.filter((one) => one.state === 'active');
    const past = silences.filter((one) => one.state !== 'active');
    const line = (one) => h('li', { class: one.state }, h('span', { class: 'line' }, stateBadge(one.state), h('strong', null, matcher(one.matcher)), one.comment ? [' ', bdi(one.comment)] : null),
      h('span', { class: 'dim small' }, one.by ? [' by ', bdi(one.by)] : null, ' until ', moment(one.until), ` · ${plural(one.silenced, 'alert')} kept back `),
      one.state === 'active' ? button('End', () => end(one), { data: { key: `end-${one.id}` } }) : null);
    replace(silenced, h('div', { class: 'line' }, h('h2', null, 'Silences'), h('span', { class: 'dim' }, now.length ? '' : 'none is active'), button('Add …', () => silence({}, endpoints), { data: { key: 'silence' } })),
      h('ul', { class: 'plain' }, now.map(line)), past.length ? h('details', { data: { key: 'past' } }, h('summary', null, `${plural(past.length, 'silence')} of the past`), h('ul', { class: 'plain' }, past.map(line))) : null);
  }

  async function end(one) {
    try {
      await change('DELETE', ['silences', one.id]);
      context.toast('The silence is ended.', ['Undo', async () => {
        await change('POST', ['silences'], { comment: one.comment, until: one.until, ...Object.fromEntries(Object.entries(one.matcher).filter(([, value]) => value)) });
        page.soon(300);
      }]);
    } catch (error) {
      context.toast(error.message);
    }
    page.soon(300);
  }

  function silence(given, endpoints) {
    const text = (name, label, more) => [label, h('input', { type: 'text', name, maxlength: 300, autocomplete: 'off', value: given[name] || '', ...more })];
    const fields = [text('speaker', 'Speaker'), text('outlet', 'Outlet'), text('thread', 'Thread (id)'), text('feed', 'Feed (id)'), text('when', 'Expression, as in rules')];
    const kind = select('kind', [['', 'any kind'], ...['allegation', 'denial', 'confirmation', 'no_comment', 'retraction'].map((word) => [word, word.replace('_', ' ')])], '');
    const to = select('sink', [['', 'any endpoint'], ...(endpoints || []).map((one) => [one.name, one.name])], given.sink || '');
    const hours = select('hours', [['1', '1 hour'], ['4', '4 hours'], ['12', '12 hours'], ['24', '1 day'], ['168', '1 week']], '4');
    const comment = h('input', { type: 'text', required: true, maxlength: 300, autocomplete: 'off', autofocus: true });
    const problem = h('p', { class: 'error', role: 'alert', hidden: true });
    const form = h('form', { onsubmit: async (event) => {
      event.preventDefault();
      const wanted = { comment: comment.value.trim(), until: new Date(Date.now() + Number(hours.value) * 3_600_000).toISOString() };
      for (const [, input] of fields) if (input.value.trim()) wanted[input.name] = input.value.trim();
      if (kind.value) wanted.kind = kind.value;
      if (to.value) wanted.sink = to.value;
      if (Object.keys(wanted).length === 2) {
        problem.hidden = false;
        problem.textContent = 'Say what is silenced: a speaker, an outlet, a thread, a feed, a kind or an endpoint.';
        return;
      }
      try {
        await change('POST', ['silences'], wanted);
        box.close();
        context.toast('Silenced. What is kept back is counted and can be replayed.');
        page.soon(300);
      } catch (error) {
        problem.hidden = false;
        problem.textContent = error.message;
      }
    } }, field('Why', comment), h('div', { class: 'two' }, fields.map(([label, input]) => field(label, input)), field('Kind', kind), field('Endpoint', to), field('For', hours)), problem, h('div', { class: 'actions' }, button('Cancel', () => box.close()), h('button', { type: 'submit', class: 'main' }, 'Silence')));
    const box = dialogue('Add a silence', form);
  }

  function drawRows() {
    replayAll.hidden = !items.length || filter.status !== 'dead';
    replace(body, items.length ? h('table', { class: 'grid' }, h('thead', null, h('tr', null, ['Status', 'Alert', 'Endpoint', 'Tries', 'When', ''].map((name) => h('th', { scope: 'col' }, name || h('span', { class: 'hidden' }, 'Actions'))))), h('tbody', null, items.map(row)))
      : h('p', { class: 'empty' }, 'No delivery matches.'), cursor ? h('div', { class: 'foot' }, button('More', more)) : null);
  }

  async function more() {
    try {
      const found = await get(['deliveries'], { ...filter, limit: 100, cursor });
      items = [...items, ...found.items];
      cursor = found.next;
      drawRows();
    } catch (error) {
      context.toast(error.message);
    }
  }

  function row(one) {
    const key = `${one.alert}-${one.sink}`;
    const detail = h('div', { class: 'attempts' });
    return h('tr', { class: one.status === 'dead' ? 'trouble' : null, tabindex: '0', data: { key } },
      h('td', { data: { label: 'Status' } }, stateBadge(one.status)),
      h('td', { class: 'wide', data: { label: 'Alert' } },
        h('details', { class: 'about', data: { key: `tries-${key}` }, ontoggle: (event) => event.target.open && !detail.childElementCount && attempts(one, detail) }, h('summary', { title: 'attempts and body' }, typeBadge(one.type), ' ', one.speaker ? h('strong', null, bdi(one.speaker)) : null, ' ', bdi(one.headline || one.outlet || '')), detail),
        one.last_error && one.status !== 'delivered' ? h('p', { class: 'error' }, bdi(one.last_error)) : null),
      h('td', { data: { label: 'Endpoint' } }, bdi(one.sink)),
      h('td', { class: 'figure', data: { label: 'Tries' } }, String(one.attempts)),
      h('td', { data: { label: 'When' } }, age(one.settled || one.time), one.status === 'pending' && Date.parse(one.due) > Date.now() ? h('span', { class: 'dim small' }, ' next ', age(one.due)) : null),
      h('td', { class: 'acts' }, inner(['alert', one.alert], 'Open'), button('Replay …', () => replay({ alert: one.alert, sink: one.sink }), { data: { key: `again-${key}` } })));
  }

  async function attempts(one, box) {
    box.append(h('p', { class: 'dim' }, 'Loading …'));
    try {
      const found = await get(['deliveries', one.alert], { sink: one.sink });
      const made = found.attempts_made || [];
      let body = found.body || '';
      try {
        body = JSON.stringify(JSON.parse(body), null, 2);
      } catch {
        // Not JSON: shown as it is.
      }
      box.replaceChildren(made.length ? h('ol', { class: 'tries' }, made.map((it) => h('li', null, moment(it.at), ' ', h('strong', null, bdi(it.result)), it.status ? ` ${it.status}` : '', h('span', { class: 'dim' }, ` in ${it.duration_ms} ms`), it.error ? h('p', { class: 'error' }, bdi(it.error)) : null, it.head ? h('pre', { class: 'body' }, bdi(it.head.slice(0, 2000))) : null))) : h('p', { class: 'dim' }, 'No attempt yet.'),
        h('details', null, h('summary', null, 'Body'), h('pre', { class: 'body', tabindex: '0' }, bdi(body.slice(0, BODY_MAX)), body.length > BODY_MAX ? ' …' : '')));
    } catch (error) {
      box.replaceChildren(h('p', { class: 'dim' }, error.message));
    }
  }

  page.now();
  return {
    title: 'Deliveries',
    update(params) {
      filter = Object.fromEntries(['sink', 'status', 'q', 'since', 'until'].map((name) => [name, params.get(name) || '']).filter(([, value]) => value));
      if (document.activeElement !== q) q.value = filter.q || '';
      status.value = filter.status || '';
      sink.value = filter.sink || '';
      rows.now();
    },
    keys: { ...context.cardKeys(element, 'tbody tr'), Enter: () => {
      const box = document.activeElement.closest('tr')?.querySelector('details');
      if (box) box.open = !box.open;
    } },
    dispose: () => (page.dispose(), rows.dispose(), clearTimeout(timer)),
  };
}
