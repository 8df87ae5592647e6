// What needs the mock: it publishes on demand, breaks connections, holds hostile stories, and tells what was sent to it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { settled, VIEWS } from './steps.mjs';

const LONG = 50; // ms

async function said(mock, path) {
  const { log } = await mock.control('log');
  return log.filter((one) => one.path === path).at(-1)?.body;
}

async function until(act, what) {
  for (let tries = 0; tries < 100; tries++) {
    const found = await act();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  throw new Error(`${what} did not come`);
}

const positions = (page) => page.evaluate(() => [...document.querySelectorAll('.alert')].length);
const newest = (page) => page.locator('.alert').first().innerText();

async function ferries(base) {
  const found = await (await fetch(`${base}api/v1/threads?q=ferries`)).json();
  return found.items[0].id;
}

/**
 * Runs `act` and gives the processor time, in ms, of the page's tasks that took LONG or more of it. Time on the processor, not on the wall:
 * what else the machine does at the moment is none of the page's business.
 */
async function longTasks(browser, page, act) {
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline', 'toplevel', '__metadata'] });
  await act();
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const mains = new Set(traceEvents.filter((one) => one.name === 'thread_name' && one.args.name === 'CrRendererMain').map((one) => `${one.pid}:${one.tid}`));
  const tasks = traceEvents.filter((one) => one.ph === 'X' && /RunTask$/.test(one.name) && mains.has(`${one.pid}:${one.tid}`));
  assert.ok(tasks.length > 50, `only ${tasks.length} tasks were traced`);
  const times = tasks.map((one) => Math.round((one.tdur ?? one.dur) / 1000)).sort((x, y) => y - x);
  return { most: times[0], long: times.filter((one) => one >= LONG) };
}

export const mocked = [
  ['an alert comes by itself; held back while one reads further down', async ({ open, mock }) => {
    const page = await open();
    await page.waitForSelector('#connection[data-tone="live"]');
    await page.waitForSelector('.alert');
    const before = await newest(page);
    await mock.control('publish?count=1');
    await page.waitForFunction((text) => document.querySelector('.alert').innerText !== text, before, { timeout: 3000 });
    assert.match(await page.locator('#said').innerText(), /accused|rejected|declined|admitted/);
    await page.locator('.list').evaluate((list) => (list.scrollTop = 900));
    await page.waitForTimeout(100);
    const seen = await page.evaluate(() => {
      const list = document.querySelector('.list').getBoundingClientRect();
      return [...document.querySelectorAll('.alert')].filter((one) => one.getBoundingClientRect().top >= list.top).map((one) => one.innerText.slice(0, 60))[0];
    });
    await mock.control('publish?count=12');
    await page.waitForFunction(() => document.querySelector('.fresh')?.textContent === '12 new' && !document.querySelector('.fresh').hidden);
    const after = await page.evaluate(() => {
      const list = document.querySelector('.list').getBoundingClientRect();
      return [...document.querySelectorAll('.alert')].filter((one) => one.getBoundingClientRect().top >= list.top).map((one) => one.innerText.slice(0, 60))[0];
    });
    assert.equal(after, seen, 'what is read stays where it is');
    await page.keyboard.press('.');
    await page.waitForFunction(() => document.querySelector('.fresh').hidden && document.querySelector('.list').scrollTop === 0);
  }],
  ['an alert that is held is shown as such, found by its state, and drawn anew when it goes out, also over a break', async ({ open, startMock }) => {
    const own = await startMock();
    try {
      const page = await open('#/live', { at: own.at, expected: ['ERR_', '503'] });
      await page.waitForSelector('#connection[data-tone="live"]');
      const waits = page.locator('.alert', { has: page.locator('.held') });
      await waits.first().scrollIntoViewIfNeeded();
      await waits.first().focus();
      const words = await waits.first().locator('.evidence').innerText();
      const only = await open('#/live?state=held', { at: own.at, expected: ['ERR_'] });
      await only.waitForSelector('.alert .held');
      assert.equal(await only.locator('select[name="state"]').inputValue(), 'held');
      assert.equal(await only.locator('.alert').count(), 1);
      const sent = await open('#/live?state=out', { at: own.at, expected: ['ERR_'] });
      await sent.waitForSelector('#connection[data-tone="live"]');
      const before = await sent.evaluate(() => Number(document.querySelector('.alert').getAttribute('aria-setsize')));
      await own.control('letgo');
      await page.waitForFunction(() => !document.querySelector('.alert .held'), null, { timeout: 3000 });
      assert.equal(await page.evaluate(() => document.activeElement.querySelector('.evidence')?.innerText), words, 'the focus stays');
      await only.waitForFunction(() => !document.querySelector('.alert'));
      assert.match(await only.locator('.foot').innerText(), /No alert matches/);
      await sent.waitForFunction((wanted) => Number(document.querySelector('.alert').getAttribute('aria-setsize')) === wanted, before + 1);
    } finally {
      own.stop();
    }
    const broken = await startMock();
    try {
      const page = await open('#/live', { at: broken.at, expected: ['ERR_', '503'] });
      await page.waitForSelector('.alert .held');
      await broken.control('down?on=1');
      await page.waitForSelector('#connection[data-tone="off"]');
      await broken.control('letgo');
      await broken.control('down?on=0');
      await page.waitForFunction(() => document.querySelector('.alert') && !document.querySelector('.alert .held'), null, { timeout: 15_000 });
    } finally {
      broken.stop();
    }
  }],
  ['sound and notifications, once they are switched on', async ({ open, mock }) => {
    const page = await open();
    await page.evaluate(() => {
      window.told = [];
      window.Notification = class {
        static permission = 'granted';
        constructor(title, options) {
          window.told.push([title, options.body]);
        }
      };
      document.hasFocus = () => false;
    });
    await page.waitForSelector('#connection[data-tone="live"]');
    await mock.control('publish?count=1');
    await page.waitForFunction(() => document.querySelector('#said').textContent);
    assert.deepEqual(await page.evaluate(() => window.told), [], 'nothing unasked');
    await page.click('summary:has-text("Tell me")');
    await page.click('button:has-text("Sound")');
    await page.click('button:has-text("Desktop notification")');
    assert.deepEqual(await page.locator('.menu[open] [aria-pressed="true"]').allInnerTexts(), ['Sound', 'Desktop notification']);
    await page.keyboard.press('Escape');
    await page.goto(page.url().replace(/#.*/, '#/status'));
    await mock.control('publish?count=1');
    await page.waitForFunction(() => window.told.length === 1);
    const [[title, body]] = await page.evaluate(() => window.told);
    assert.match(title, /^(Allegation|Denial|No comment|Confirmation): /);
    assert.ok(body.length > 10);
  }],
  ['after a break nothing is missing and nothing is twice', async ({ open, mock }) => {
    const page = await open('#/live', { expected: ['ERR_', '503'] });
    await page.waitForSelector('#connection[data-tone="live"]');
    await page.waitForSelector('.alert');
    const total = async () => Number((await mock.control('log')).alerts);
    const first = await page.evaluate(() => Number(document.querySelector('.alert').getAttribute('aria-setsize')));
    const start = await total();
    for (let round = 0; round < 3; round++) {
      await mock.control('publish?count=3');
      await mock.control('drop');
      await mock.control('publish?count=4');
    }
    await mock.control('down?on=1');
    await page.waitForSelector('#connection[data-tone="off"]');
    await mock.control('publish?count=5');
    await mock.control('down?on=0');
    const came = (await total()) - start;
    assert.equal(came, 26);
    await page.waitForFunction((wanted) => Number(document.querySelector('.alert').getAttribute('aria-setsize')) === wanted, first + came, { timeout: 15_000 });
    await page.waitForSelector('#connection[data-tone="live"]');
    assert.match(await page.locator('#said').innerText(), /connection is back|new alerts/);
  }],
  ['a stream that cannot resume has the list loaded anew', async ({ open, mock }) => {
    const page = await open('#/live', { expected: ['ERR_', '503'] });
    await page.waitForSelector('#connection[data-tone="live"]');
    await page.waitForSelector('.alert');
    await mock.control('down?on=1');
    await page.waitForSelector('#connection[data-tone="off"]');
    await mock.control('publish?count=150');
    await mock.control('forget');
    await mock.control('down?on=0');
    const { items } = await until(async () => {
      const page = await fetch(`${mock.at}api/v1/alerts?limit=1`);
      return page.ok && page.json();
    }, 'the daemon');
    await page.waitForFunction((sentence) => document.querySelector('.alert .evidence')?.textContent === sentence, items[0].alert.evidence.sentence, { timeout: 20_000 });
    await page.waitForSelector('#connection[data-tone="live"]');
    await mock.control('publish?count=1');
    await page.waitForFunction((sentence) => document.querySelector('.alert .evidence')?.textContent !== sentence, items[0].alert.evidence.sentence);
  }],
  ['hostile stories show as text in every view', async ({ open, base, say }) => {
    const page = await open();
    await page.waitForSelector('.alert');
    const all = [];
    for (let cursor = ''; cursor !== null;) {
      const found = await (await fetch(`${base}api/v1/threads?limit=200${cursor && `&cursor=${cursor}`}`)).json();
      all.push(...found.items);
      cursor = found.next;
    }
    const threads = all.filter((one) => one.outlets.some((name) => /svg|Turned|pple|-1\+1|LLL|وكالة/.test(name)));
    assert.equal(threads.length, 6);
    const addresses = [...VIEWS.map((view) => `#/${view}`), '#/live?q=window.pwned', '#/search?q=%3Cscript%3E', ...threads.map((one) => `#/thread/${one.id}`), '#/thread/%2e%2e%2f%2e%2e', '#/__proto__/x', '#/live?kind=<img+src=x+onerror=window.pwned=1>'];
    for (const address of addresses) {
      if (address.includes('kind=<')) page.problems.length = 0;
      await page.evaluate((hash) => (location.hash = hash), address);
      await settled(page);
      const found = await page.evaluate(() => ({
        pwned: window.pwned,
        made: [...document.querySelectorAll('main script, main iframe, main b > b, main img, main bdi *')].filter((one) => !one.matches('.ghost, .mixed, mark')).map((one) => one.outerHTML.slice(0, 80)),
        links: [...document.querySelectorAll('a[href]')].filter((one) => !/^(https?:|#)/.test(one.getAttribute('href'))).map((one) => one.outerHTML.slice(0, 80)),
        outside: [...document.querySelectorAll('a.out')].filter((one) => one.rel !== 'noopener noreferrer' || one.target !== '_blank').length,
        turned: /[\u202a-\u202e\u2066-\u2069\u200b\ufeff\u0000-\u0008]/.test(document.body.innerText),
      }));
      assert.deepEqual(found, { pwned: undefined, made: [], links: [], outside: 0, turned: false }, address);
      page.problems = page.problems.filter((one) => !/404/.test(one));
    }
    await page.goto(`${base}#/deliveries?status=dead`);
    await page.locator('tbody .about summary').first().click();
    await page.waitForSelector('.tries');
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    await page.goto(`${base}#/live?q=whose+host`);
    await page.waitForFunction(() => [...document.querySelectorAll('.alert a.out')].some((one) => one.textContent.includes('xn--')));
    say(`${addresses.length} addresses: no element, script or link was made of data`);
  }],
  ['a thread: evidence with its cue, links, revisions, why; each act is sent', async ({ open, base, mock }) => {
    const page = await open(`#/thread/${await ferries(base)}`);
    await page.waitForSelector('.event');
    assert.deepEqual(await page.locator('.event mark.cue').allInnerTexts(), ['accused', 'did not return calls', 'denied', 'confirming']);
    assert.match(await page.locator('.event .answer').nth(1).innerText(), /Maritime Safety Authority.*93.%.*earlier document/s);
    await page.keyboard.press('w');
    await page.waitForSelector('.facts dl');
    await page.click('button:has-text("Follow")');
    await until(async () => (await said(mock, 'feedback'))?.act === 'follow', 'follow');
    await page.waitForSelector('button:has-text("Unfollow")');
    await page.waitForSelector('.toast:has-text("Undo")');
    await page.keyboard.press('u');
    await until(async () => (await said(mock, 'feedback'))?.act === 'unfollow', 'unfollow');
    await page.keyboard.press('m');
    await until(async () => (await said(mock, 'feedback'))?.act === 'mute', 'mute');
    const denial = page.locator('.event.denial').first();
    const claim = (await denial.getAttribute('id')).replace('claim-', '');
    const correct = async (label) => {
      await denial.locator('details.correct').evaluate((box) => (box.open = true));
      await denial.locator('details.correct').getByText(label, { exact: true }).click();
    };
    await correct('Confirmation');
    assert.deepEqual(await until(async () => { const one = await said(mock, 'feedback'); return one?.act === 'wrong_kind' && one; }, 'kind'), { act: 'wrong_kind', claim, kind: 'confirmation' });
    await page.waitForTimeout(1500);
    await correct('It does not answer that');
    assert.equal((await until(async () => { const one = await said(mock, 'feedback'); return one?.act === 'wrong_link' && one; }, 'link')).claim, claim);
    await page.waitForTimeout(1500);
    await denial.locator('details.correct').evaluate((box) => (box.open = true));
    await denial.locator('input[aria-label="Right speaker"]').fill('Marta Ilves Senior');
    await denial.locator('form button[type="submit"]').click();
    assert.equal((await until(async () => { const one = await said(mock, 'feedback'); return one?.act === 'wrong_speaker' && one; }, 'speaker')).speaker, 'Marta Ilves Senior');
    await page.waitForTimeout(1500);
    await denial.getByRole('button', { name: 'Split off' }).click();
    assert.equal((await until(async () => { const one = await said(mock, 'feedback'); return one?.act === 'split' && one; }, 'split')).claim, claim);
    await page.click('.actions button:has-text("Merge with …")');
    await page.waitForSelector('dialog .choice button');
    await page.fill('dialog input', 'silo');
    await page.waitForFunction(() => document.querySelectorAll('dialog .choice button').length === 1);
    await page.click('dialog .choice button');
    await until(async () => (await said(mock, 'feedback'))?.act === 'merge', 'merge');
    await page.waitForSelector('.likely li button');
    await page.locator('.likely li button').first().click();
    await page.waitForSelector('.toast:has-text("Merged: both are one thread")');
  }],
  ['a correction shows what changed, a withdrawal is struck', async ({ open, base }) => {
    const find = async (word) => (await (await fetch(`${base}api/v1/threads?q=${word}`)).json()).items[0].id;
    const page = await open(`#/thread/${await find('sprinter')}`);
    await page.waitForSelector('.revision');
    assert.equal((await page.locator('.diff del').allInnerTexts()).join(' ').includes('three'), true);
    assert.equal((await page.locator('.diff ins').allInnerTexts()).join(' ').includes('two'), true);
    await page.goto(`${base}#/thread/${await find('vice-mayor')}`);
    await page.waitForSelector('.event.taken del');
    assert.match(await page.locator('.event.withdrawn').innerText(), /killed by its outlet/);
    await page.goto(`${base}#/live?type=claim.withdrawn`);
    await page.waitForSelector('.alert.taken del');
    assert.match(await page.locator('.alert.taken').first().innerText(), /Taken back/);
  }],
  ['feeds are narrowed to those that fail', async ({ open }) => {
    const page = await open('#/feeds');
    await page.waitForSelector('.spark');
    await page.click('.tile:has-text("failing")');
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  }],
  ['feeds: one of a page is added, polled, paused, taken back and removed', async ({ open, mock }) => {
    const page = await open('#/feeds', { expected: ['422'] });
    await page.waitForSelector('.spark');
    await page.locator('tbody tr').first().focus();
    await page.keyboard.press('a');
    await page.waitForSelector('dialog.add');
    await page.keyboard.type('https://harbour.example/page');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog .error:not([hidden])');
    assert.match(await page.locator('dialog .choice li').innerText(), /Harbour <b>News<\/b>U\+202E.*RSS, 12 entries/s);
    assert.match(await page.evaluate(() => document.activeElement.textContent), /Add this/, 'the choice has the focus');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.toast:has-text("is added")');
    assert.deepEqual(await said(mock, 'feeds'), { url: 'https://harbour.example/rss', unseen: false });
    const row = page.locator('tr', { hasText: 'Harbour News' });
    await row.getByText('added here').waitFor();
    await row.getByRole('button', { name: 'Poll now' }).click();
    await page.waitForSelector('.toast:has-text("is polled now")');
    await row.getByRole('button', { name: 'Pause' }).click();
    await row.getByText('paused since').waitFor();
    await page.keyboard.press('u');
    await row.getByRole('button', { name: 'Poll now' }).waitFor();
    await row.getByText('Last polls').click();
    await row.locator('.tries li').first().waitFor();
    assert.match(await row.locator('.tries').innerText(), /20 entries, 3 new 200/);
    await row.getByRole('button', { name: 'Remove' }).click();
    await page.click('dialog button.main');
    await page.waitForFunction(() => ![...document.querySelectorAll('tbody tr')].some((one) => one.textContent.includes('Harbour News')));
  }],
  ['deliveries: a dead letter is replayed after a look, an endpoint pinged, a silence added and ended', async ({ open, mock }) => {
    const page = await open('#/deliveries');
    await page.waitForSelector('.endpoint');
    await page.waitForSelector('tbody tr');
    await page.locator('.endpoint', { hasText: 'slack-crisis' }).getByText('Replay dead').click();
    await page.waitForSelector('dialog .choice li');
    assert.equal((await said(mock, 'deliveries/replay')).dry_run, true);
    await page.click('dialog button.main');
    await until(async () => (await said(mock, 'deliveries/replay')).dry_run === false, 'replay');
    await page.waitForFunction(() => !document.querySelector('tr.trouble'));
    await page.locator('.endpoint', { hasText: 'desk' }).getByText('Ping').click();
    await page.waitForSelector('.toast:has-text("answered 204 in 12 ms")');
    await page.click('.silences button:has-text("Add")');
    await page.fill('dialog input[required]', 'known in full');
    await page.click('dialog button.main');
    await page.waitForSelector('dialog .error:not([hidden])');
    await page.fill('dialog input[name="speaker"]', 'Irena Sauter');
    await page.click('dialog button.main');
    await page.waitForSelector('.silences li:has-text("Irena Sauter")');
    await page.locator('.silences li', { hasText: 'Irena Sauter' }).getByText('End').click();
    await page.waitForFunction(() => ![...document.querySelectorAll('.silences > ul li')].some((one) => one.textContent.includes('Irena Sauter')));
    await page.locator('tbody .about summary').first().click();
    await page.waitForSelector('.tries');
  }],
  ['exports hold what the filters let through', async ({ open }) => {
    const page = await open('#/live?kind=denial');
    await page.waitForSelector('.alert');
    await page.click('.bar .menu summary:has-text("Export")');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('.menu[open] button:has-text("JSON Lines")')]);
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n').map(JSON.parse);
    assert.ok(lines.length > 20 && lines.every((one) => one.alert.claim.kind === 'denial'));
    await page.goto(`${page.url().replace(/#.*/, '')}#/feeds?state=failing`);
    await page.waitForSelector('tbody tr');
    await page.click('.bar .menu summary:has-text("Export")');
    const [table] = await Promise.all([page.waitForEvent('download'), page.click('.menu[open] button:has-text("CSV")')]);
    const rows = (await readFile(await table.path(), 'utf8')).trim().split('\n');
    assert.deepEqual(rows.slice(1).map((one) => one.split(',')[0]), ['lakeside-post']);
  }],
  ['a feed says how it stands with its hub', async ({ open }) => {
    const page = await open('#/feeds');
    for (const [outlet, words] of [['Vesper Online', 'pushed by https://hub.example/'], ['Coastal Courier', 'hub https://hub.example/: it answers 404']]) {
      assert.equal(await page.locator('tr', { hasText: outlet }).locator('.note').textContent(), words);
    }
  }],
  ['a token is asked for, a wrong one again, and it is kept for the tab', async ({ open, startMock }) => {
    const guarded = await startMock('--token', 'right');
    try {
      const page = await open('#/live', { at: guarded.at, token: null, expected: ['401'] });
      await page.waitForSelector('dialog.token');
      await page.keyboard.press('Escape');
      await page.fill('dialog input[name="token"]', 'wrong');
      await page.keyboard.press('Enter');
      await page.waitForSelector('dialog.token:has-text("does not take")');
      await page.fill('dialog input[name="token"]', 'right');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.alert');
      await page.waitForSelector('#connection[data-tone="live"]');
      assert.equal(await page.evaluate(() => localStorage.getItem('gainsay.token')), null);
      await page.reload();
      await page.waitForSelector('.alert');
      const reader = await open('#/threads', { at: guarded.at, token: 'right-reader', expected: ['403'] });
      await reader.waitForSelector('.card');
      await reader.keyboard.press('j');
      await reader.keyboard.press('Enter');
      await reader.click('button:has-text("Follow")');
      await reader.waitForSelector('.toast:has-text("may only read")');
      await reader.keyboard.press('?');
      await Promise.all([reader.waitForEvent('load'), reader.click('dialog button:has-text("Forget the token")')]);
    } finally {
      guarded.stop();
    }
  }],
  ['pictures for the book', async ({ open, startMock, shot }) => {
    const calm = await startMock('--calm');
    try {
      const find = async (word) => (await (await fetch(`${calm.at}api/v1/threads?q=${word}`)).json()).items[0].id;
      const pictures = [['live', '#/live', {}], ['live-dark', '#/live', { scheme: 'dark' }], ['thread', `#/thread/${await find('ferries')}`, { height: 900 }], ['revision', `#/thread/${await find('sprinter')}`, { height: 700 }], ['feeds', '#/feeds', {}], ['deliveries', '#/deliveries', {}], ['trends', '#/trends?days=30', {}], ['search', '#/search?q=ferr', { height: 420 }], ['status', '#/status', { height: 480 }], ['phone', '#/live', { width: 390, height: 780 }]];
      for (const [name, hash, options] of pictures) {
        const page = await open(hash, { width: 1240, height: 780, at: calm.at, ...options });
        await settled(page);
        if (name.startsWith('live')) await page.waitForSelector('.pane .event');
        await page.waitForTimeout(300);
        await shot(page, `page-${name}`);
      }
    } finally {
      calm.stop();
    }
  }],
  ['ten thousand alerts stay smooth: few are in the document, nothing blocks', async ({ open, mock, browser, say, strict }) => {
    await mock.control('alerts?count=10000');
    const page = await open();
    await page.waitForSelector('.alert');
    const total = () => page.evaluate(() => Number(document.querySelector('.alert')?.getAttribute('aria-setsize')));
    let most = 0;
    const loading = await longTasks(browser, page, async () => {
      while (!/that is all/.test(await page.locator('.foot').innerText())) {
        await page.locator('.list').evaluate((list) => (list.scrollTop = list.scrollHeight));
        await page.waitForTimeout(40);
        most = Math.max(most, await positions(page));
      }
    });
    assert.ok((await total()) >= 10_000, `${await total()} alerts are held`);
    const moving = await longTasks(browser, page, async () => {
      // A sweep through all of it, as a hand on the scroll bar does; then by key; then a thousand at once.
      await page.locator('.list').evaluate(async (list) => {
        for (let at = 0; at <= 120; at++) {
          list.scrollTop = (list.scrollHeight * at) / 120;
          await new Promise(requestAnimationFrame);
        }
        list.scrollTop = 0;
      });
      most = Math.max(most, await positions(page));
      for (let at = 0; at < 40; at++) await page.keyboard.press('j');
      await page.locator('.list').evaluate((list) => (list.scrollTop = 0));
      await page.waitForTimeout(100);
      await mock.control('publish?count=1000');
      await page.waitForFunction(() => Number(document.querySelector('.alert').getAttribute('aria-setsize')) >= 11_000, null, { timeout: 30_000 });
    });
    assert.ok(most < 60, `${most} alerts are in the document`);
    say(`at most ${most} of ${await total()} in the document; longest task ${loading.most} ms while loading, ${moving.most} ms while scrolling and with 1,000 new ones; of ${LONG} ms or more: ${loading.long.length} and ${moving.long.length}`);
    if (strict) assert.deepEqual([...loading.long, ...moving.long], []);
  }],
];
