// What holds against any daemon that has a few alerts: views, keys, addresses, widths, contrast, names of fields.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { contrasts } from './contrast.mjs';

export const VIEWS = ['live', 'threads', 'feeds', 'deliveries', 'trends', 'status', 'search?q=a'];

/** Waits until the view that the address names has drawn what it loaded. */
export async function settled(page) {
  await page.waitForFunction((views) => {
    const main = document.querySelector('#main');
    const [wanted] = location.hash.replace(/^#\/?/, '').split(/[/?]/);
    if (views.includes(wanted) && main.dataset.view !== wanted) return false;
    return main.childElementCount && !/(Loading|Searching|Asking) …/.test(main.textContent) && main.querySelector('.alert, .card, .grid, .chart, .tile, .empty, .event, .foot:not(:empty)');
  }, [...VIEWS.map((view) => view.split('?')[0]), 'thread', 'alert'], { timeout: 10_000 });
}

const authorization = async (page) => ({ authorization: `Bearer ${await page.evaluate(() => sessionStorage.getItem('gainsay.token'))}` });

export const steps = [
  ['each view loads, without an error or a foreign request', async ({ open, say }) => {
    const page = await open();
    await settled(page);
    const files = await page.evaluate(() => [...new Set(performance.getEntriesByType('resource').map((one) => one.name).filter((name) => !name.includes('/api/')))]);
    const sizes = await Promise.all([page.url().replace(/#.*/, ''), ...files].map(async (file) => (await (await fetch(file)).arrayBuffer()).byteLength));
    const bytes = sizes.reduce((sum, one) => sum + one, 0);
    assert.ok(sizes.length > 20 && bytes < 300 * 1024, `${bytes} bytes of ${sizes.length} files`);
    await page.reload();
    await page.waitForSelector('.alert, .foot:not(:empty)');
    const time = Math.round(await page.evaluate(() => performance.now()));
    say(`the list is there ${time} ms after the reload; ${Math.round(bytes / 1024)} KiB in ${sizes.length} files`);
    for (const view of VIEWS) {
      await page.goto(page.url().replace(/#.*/, `#/${view}`));
      await settled(page);
      assert.equal(await page.locator('h1').count(), 1, `${view}: one first heading`);
      assert.equal(await page.getByText('could not be loaded').count(), 0, `${view} is loaded`);
    }
  }],
  ['a bar of the trends leads to its alerts', async ({ open }) => {
    const page = await open('#/trends?days=7');
    await page.waitForSelector('.column');
    const bars = page.locator('.column:has(.fill)');
    if (!(await bars.count())) return; // A daemon that has just begun.
    await bars.last().click();
    await page.waitForFunction(() => document.querySelector('#main').dataset.view === 'live' && /since=.*until=/.test(location.hash));
    await page.click('.chips button:has-text("×")');
    await page.waitForFunction(() => !/since=/.test(location.hash));
  }],
  ['the policy forbids scripts and styles in the markup', async ({ base }) => {
    const answer = await fetch(base);
    const policy = answer.headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.doesNotMatch(policy, /unsafe/);
    const text = await answer.text();
    assert.doesNotMatch(text, /<script(?![^>]*src=)|style=|\son\w+=/);
  }],
  ['keys alone: live, thread, back, every view, search, help', async ({ open }) => {
    const page = await open();
    await page.waitForSelector('.alert');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const second = await page.locator('.alert.chosen').getAttribute('aria-posinset');
    assert.equal(second, '3', 'j moves down');
    await page.keyboard.press('k');
    assert.equal(await page.locator('.alert.chosen').getAttribute('aria-posinset'), '2', 'k moves up');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-posinset')), '2', 'the focus follows');
    while (!(await page.locator('.alert.chosen a.more').getAttribute('href')).includes('/thread/')) await page.keyboard.press('j');
    const place = await page.locator('.alert.chosen').getAttribute('aria-posinset');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.event');
    assert.match(page.url(), /#\/thread\//);
    await page.keyboard.press('j');
    assert.ok(await page.evaluate(() => document.activeElement.classList.contains('event')), 'j goes to a claim');
    await page.keyboard.press('Backspace');
    await page.waitForSelector('.alert.chosen');
    assert.match(page.url(), /#\/live/);
    await page.waitForFunction((wanted) => document.querySelector('.alert.chosen')?.getAttribute('aria-posinset') === wanted, place);
    for (const [key, view] of [['t', 'threads'], ['f', 'feeds'], ['d', 'deliveries'], ['r', 'trends'], ['s', 'status'], ['l', 'live']]) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.waitForFunction((wanted) => document.querySelector('#main').dataset.view === wanted, view);
      assert.equal(await page.locator('#nav [aria-current="page"]').getAttribute('data-view'), view);
    }
    await page.keyboard.press('?');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('j');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !document.querySelector('dialog'));
    await page.keyboard.press('/');
    await page.keyboard.type('denied');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#main').dataset.view === 'search');
    await settled(page);
    assert.match(page.url(), /q=denied/);
  }],
  ['filters stand in the address and the back button takes them away', async ({ open }) => {
    const page = await open();
    await page.waitForSelector('.alert');
    await page.click('[data-kind="denial"]');
    await page.waitForFunction(() => [...document.querySelectorAll('.alert')].every((one) => one.classList.contains('denial') || one.querySelector('.badge')) && location.hash.includes('kind=denial'));
    await page.fill('input[name="q"]', 'zzzz-nobody');
    await page.waitForFunction(() => /No alert matches/.test(document.querySelector('.foot').textContent));
    assert.match(page.url(), /q=zzzz-nobody/);
    await page.goBack();
    await page.waitForSelector('.alert');
    assert.doesNotMatch(page.url(), /kind=/);
    await page.goForward();
    await page.waitForFunction(() => location.hash.includes('kind=denial'));
    assert.equal(await page.getAttribute('[data-kind="denial"]', 'aria-pressed'), 'true');
  }],
  ['a phone: nothing is wider than the screen, and nothing scrolls but the view', async ({ open, say }) => {
    const page = await open('#/live', { width: 360, height: 740 });
    for (const view of VIEWS) {
      await page.goto(page.url().replace(/#.*/, `#/${view}`));
      await settled(page);
      const wide = await page.evaluate(() => {
        const limit = document.documentElement.clientWidth;
        const isInScroller = (element) => {
          for (let one = element.parentElement; one; one = one.parentElement) if (one.scrollWidth > one.clientWidth && /auto|scroll|hidden/.test(getComputedStyle(one).overflowX)) return one.id !== 'main' && one !== document.body && !one.matches('.scroll, .list');
          return false;
        };
        return [document.documentElement, document.body, ...document.querySelectorAll('.scroll, .list, main')].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => `${one.tagName}.${one.className} ${one.scrollWidth}>${limit}`)
          .concat([...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > limit + 1 && !one.closest('.hidden, svg, details:not([open]) > :not(summary)') && !isInScroller(one)).slice(0, 3).map((one) => `${one.tagName}.${one.className}`));
      });
      assert.deepEqual(wide, [], `${view} is too wide`);
      const [height, limit] = await page.evaluate(() => [document.documentElement.scrollHeight, innerHeight]);
      assert.ok(height <= limit, `${view}: the page itself is ${height} of ${limit} high`);
    }
    say('views at 360 px: all fit');
  }],
  ['every field and button has a name, contrast is AA, in light and dark', async ({ open, say }) => {
    for (const scheme of ['light', 'dark']) {
      const page = await open('#/live', { scheme });
      let count = 0;
      for (const view of VIEWS) {
        await page.goto(page.url().replace(/#.*/, `#/${view}`));
        await settled(page);
        const nameless = await page.evaluate(() => [...document.querySelectorAll('input, select, button, a[href], summary, [role="img"]')].filter((one) => {
          if (one.closest('[hidden]') || one.closest('dialog:not([open])')) return false;
          return !(one.getAttribute('aria-label') || one.labels?.length || one.textContent.trim() || one.getAttribute('title'));
        }).map((one) => one.outerHTML.slice(0, 120)));
        assert.deepEqual(nameless, [], `${view}: fields without a name`);
        const found = await page.evaluate(contrasts);
        assert.deepEqual(found.low, [], `${view}, ${scheme}: too little contrast`);
        count += found.count;
      }
      say(`${count} texts in ${scheme}: all have a contrast of 4.5 or more`);
    }
  }],
  ['light and dark can be chosen and stay', async ({ open }) => {
    const page = await open();
    await page.waitForSelector('.alert');
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await ground();
    await page.keyboard.press('b');
    await page.keyboard.press('b');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    assert.notEqual(await ground(), before);
    await page.reload();
    await page.waitForSelector('.alert');
    assert.notEqual(await ground(), before);
  }],
  ['every view is saved as JSON Lines and CSV', async ({ open, base }) => {
    const page = await open();
    await page.waitForSelector('.alert');
    const [thread] = (await (await fetch(`${base}api/v1/threads?limit=1`, { headers: await authorization(page) })).json()).items;
    const views = [['live', ['alerts']], ['threads', ['threads']], ['feeds', ['feeds']], ['deliveries', ['deliveries', 'endpoints', 'silences']], ['trends', ['trends']], ['status', ['status']], ['search?q=a', ['search']], [`thread/${thread.id}`, [`threads-${thread.id}`, 'claims']]];
    for (const [view, names] of views) {
      await page.goto(page.url().replace(/#.*/, `#/${view}`));
      await settled(page);
      for (const [at, name] of names.entries()) {
        for (const ending of ['jsonl', 'csv']) {
          await page.locator('main .menu summary', { hasText: 'Export' }).first().click();
          const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.menu[open] button', { hasText: ending === 'csv' ? 'CSV' : 'JSON Lines' }).nth(at).click()]);
          assert.match(download.suggestedFilename(), new RegExp(`^gainsay-${name}-\\d+T\\d+\\.${ending}$`));
          const text = await readFile(await download.path(), 'utf8');
          if (ending === 'jsonl') for (const line of text.split('\n').filter(Boolean)) assert.ok(JSON.parse(line), `${view}: ${line}`);
          else assert.ok(text.includes(',') || name === 'silences', `${view}: ${text.slice(0, 80)}`);
        }
      }
    }
  }],
];
