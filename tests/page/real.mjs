// What needs a real daemon: stories go in at a feed, and what the page shows went all the way through it.
import assert from 'node:assert/strict';
import { settled, VIEWS } from './steps.mjs';

const LIVE = 1000; // ms from a feed's change to the page, with --strict
const LATE = 30_000; // ms for the same where the machine is busy

// Who denies what; each unlike the others, so that none is taken for a copy.
const DENIALS = [
  ['Mayor', 'Ada Lindqvist', 'the town had sold its waterworks to a bank', 'Nobody has even asked to buy them', 'The pipes were laid in the spring.'],
  ['Coach', 'Bruno Halvorsen', 'his team had paid two referees', 'We win with our legs', 'Nine thousand people saw the match.'],
  ['Minister', 'Carla Mendes', 'her ministry had hidden a report on polluted wells', 'Every page is in the library', 'Rain is expected in the valley.'],
  ['Director', 'Dario Novak', 'the museum had bought stolen paintings', 'Each frame has its papers', 'Entry is free on Sundays.'],
  ['Chief executive', 'Elin Sandberg', 'the airline had skipped inspections of its engines', 'No aircraft left without a check', 'Flights to the islands resume in May.'],
  ['Ambassador', 'Farid Haddad', 'his embassy had spied on students', 'We do not read letters of students', 'The visa office opens at nine.'],
  ['Judge', 'Greta Olufsen', 'she had met the defendant for lunch', 'I eat my lunch alone', 'The court sits again in June.'],
  ['Union leader', 'Hugo Marchetti', 'the strike fund had lost two million', 'The fund is whole to the last cent', 'The choir sang in the square.'],
  ['Bishop', 'Ines Kowalska', 'the diocese had destroyed letters of victims', 'Nothing was burned and nothing was shredded', 'The bells were cast in bronze.'],
  ['Farmer', 'Jonas Berger', 'he had poisoned the eagles on his land', 'I feed those birds in winter', 'Snow lay on the pass.'],
];
const LATER = {
  ferry: ['Ferry captain', 'Kaisa Rautio', 'her crew had dumped oil in the bay', 'Our tanks are sealed', 'The lighthouse was painted red.'],
  hospital: ['Surgeon', 'Luca Ferraro', 'the clinic had faked its waiting lists', 'Every patient has a number', 'A new wing opens in autumn.'],
  election: ['Governor', 'Mira Petrov', 'her office had thrown away ballots', 'Each ballot was counted twice', 'Polling stations close at eight.'],
  bank: ['Banker', 'Nils Okafor', 'the savings bank had laundered money for smugglers', 'We know all of our customers', 'The clock tower was repaired.'],
  film: ['Film producer', 'Olga Castell', 'her studio had copied the script of a student', 'The story is my own', 'Popcorn was sold in the foyer.'],
};

/** A denial, told as a wire tells it. */
function denial([role, name, deed, words, rest], more) {
  const surname = name.split(' ')[1];
  return { title: `${role} ${surname} speaks to reporters`, body: `${role} ${name} denied that ${deed}. "${words}," ${surname} said on Monday. ${rest}`, ...more };
}

/** An allegation that nobody answers. */
const accusation = { title: 'Fishermen accuse the port of dredging at night', body: "The fishermen's league accused the port authority of dredging the channel in secret. The league's head, Sten Wirtanen, said on Thursday that nets had been torn." };

/** An allegation and its answer in one story. */
const quarrel = { title: 'Union accuses Selby Freight of hiding accidents', body: "The dockers' union accused Selby Freight of hiding three accidents. Selby Freight denied the accusation. \"No accident was hidden,\" a spokesman for Selby Freight said on Tuesday." };

const hostile = [
  { title: '<script>window.pwned=1</script> Moreau denies it', body: 'Minister <img src=x onerror="window.pwned=2"> Paul Moreau denied that he had taken money from Corvane Rail. "I took nothing," Moreau said.', link: 'javascript:window.pwned=3' },
  { title: 'Chairwoman \u202eelttil\u202c denies a leak\u200b', body: 'Chairwoman Nora \u202eelttiL denied that she had leaked the report of the harbour board. "I leaked nothing," she said on Friday.', link: 'https://\u0430pple.example/story' },
  { title: '"><svg/onload=window.pwned=4> Keller denies fraud', body: 'Director Otto Keller denied that he had forged the books of Tannau Steel. "The books are in order," Keller said on Sunday.', link: 'data:text/html,<script>window.pwned=5</script>' },
];

/** One matter in two stories that share no more than whom they are about. */
const MATTER = [
  { title: 'Seafarers accuse Nordhav Shipping over lifeboats', body: "The seafarers' league accused Nordhav Shipping of locking the lifeboats on two liners. \"Nobody could have got out,\" the league's head, Pia Lund, said on Monday." },
  { title: 'Pumps were missing, inspectors say', body: 'Harbour inspectors accused Nordhav Shipping of sending ships out without bilge pumps. The report runs to ninety pages.' },
];

/** What is on the wire before the daemon starts. */
export function stories(wire) {
  for (const one of DENIALS) wire.publish('/wire', denial(one));
  wire.publish('/wire', accusation);
  wire.publish('/wire', quarrel);
  for (const one of hostile) wire.publish('/hostile', one);
  wire.page('/paper', '<!doctype html><title>Paper</title><link rel="alternate" type="application/rss+xml" title="Paper" href="/paper.xml"><p>News.');
}

async function until(act, what, limit = LATE) {
  const since = Date.now();
  for (;;) {
    const found = await act();
    if (found) return found;
    if (Date.now() - since > limit) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const size = (page) => page.evaluate(() => Number(document.querySelector('.alert')?.getAttribute('aria-setsize') ?? 0));
const count = async (daemon) => (await daemon.get('alerts?limit=200')).items.length;

/** Waits until a poll that is asked for is not held back. */
const rested = (daemon, feed) => until(async () => {
  const { last_poll: last } = await daemon.get(`feeds/${feed}`);
  return last && Date.now() - Date.parse(last) > 5200;
}, 'the time for another poll');

/** Waits until all that was there at the start is told. */
export const caughtUp = (daemon) => until(async () => (await count(daemon)) >= 14, 'the first alerts', 120_000);

export const real = [
  ['real: an alert is on the page within a second of the feed’s change', async ({ open, daemon, strict, say }) => {
    const page = await open();
    await page.waitForSelector('#connection[data-tone="live"]');
    await page.waitForSelector('.alert');
    await rested(daemon, 'wire');
    daemon.wire.publish('/wire', denial(LATER.ferry));
    const since = performance.now();
    assert.equal((await daemon.post('feeds/wire/poll')).held, null);
    await page.waitForFunction(() => document.querySelector('.alert').textContent.includes('dumped oil'), null, { timeout: LATE, polling: 20 });
    const took = Math.round(performance.now() - since);
    say(`from the feed to the page: ${took} ms`);
    if (strict) assert.ok(took < LIVE, `${took} ms`);
  }],
  ['real: over a kill of the daemon nothing is missing and nothing is twice', async ({ open, daemon }) => {
    const page = await open('#/live', { expected: ['ERR_', '503'] });
    await page.waitForSelector('#connection[data-tone="live"]');
    await page.waitForSelector('.alert');
    const before = await count(daemon);
    assert.equal(await size(page), before);
    await rested(daemon, 'wire');
    await daemon.kill();
    await page.waitForSelector('#connection:not([data-tone="live"])');
    daemon.wire.publish('/wire', denial(LATER.hospital));
    daemon.wire.publish('/wire', denial(LATER.election));
    await daemon.start();
    await daemon.post('feeds/wire/poll');
    const lost = ['faked its waiting lists', 'thrown away ballots'];
    const told = async () => (await daemon.get('alerts?limit=200')).items.map((one) => one.alert.evidence?.sentence ?? '');
    const has = (texts, words) => texts.filter((text) => text.includes(words)).length;
    const after = await until(async () => {
      const texts = await told();
      return lost.every((words) => has(texts, words) === 1) && texts.length;
    }, 'the alerts after the kill');
    assert.ok(after >= before + 2);
    await page.waitForFunction((wanted) => Number(document.querySelector('.alert').getAttribute('aria-setsize')) === wanted, after, { timeout: LATE });
    await page.waitForSelector('#connection[data-tone="live"]');
    const texts = await page.locator('.alert .evidence').allInnerTexts();
    for (const words of lost) assert.equal(has(texts, words), 1, words);
  }],
  ['real: filters find what the daemon found', async ({ open }) => {
    const page = await open('#/live');
    await page.waitForSelector('.alert');
    const all = await size(page);
    await page.fill('input[name="q"]', 'marchetti');
    await page.waitForFunction(() => Number(document.querySelector('.alert')?.getAttribute('aria-setsize')) === 1);
    assert.match(await page.locator('.alert').innerText(), /Hugo Marchetti/);
    await page.fill('input[name="q"]', '');
    await page.waitForFunction((wanted) => Number(document.querySelector('.alert')?.getAttribute('aria-setsize')) === wanted, all);
    await page.click('[data-kind="allegation"]');
    await page.waitForFunction((most) => Number(document.querySelector('.alert')?.getAttribute('aria-setsize')) < most, all);
    for (const text of await page.locator('.alert').allInnerTexts()) assert.match(text, /accused|Allegation/);
  }],
  ['real: a thread shows the allegation, its answer, and why it was alerted', async ({ open, daemon }) => {
    const { items } = await daemon.get('threads?q=accidents');
    const page = await open(`#/thread/${items[0].id}`);
    await page.waitForSelector('.event');
    const events = await page.locator('.event').allInnerTexts();
    assert.ok(events.length >= 2, 'an allegation and a denial');
    assert.match(events.join(' '), /hiding three accidents/);
    assert.match(events.join(' '), /denied the accusation/);
    await page.locator('.event').first().focus();
    await page.keyboard.press('w');
    await page.waitForSelector('.facts:not(:empty)');
  }],
  ['real: a thread of the same matter is offered, merged by one click and split again; so is one claim', async ({ open, daemon }) => {
    await rested(daemon, 'wire');
    for (const one of MATTER) daemon.wire.publish('/wire', one);
    await daemon.post('feeds/wire/poll');
    const about = async (word) => (await daemon.get(`threads?q=${word}`)).items[0];
    const [boats, pumps] = await Promise.all(['lifeboats', 'pumps'].map((word) => until(() => about(word), `the thread about ${word}`)));
    assert.notEqual(boats.id, pumps.id);
    const page = await open(`#/thread/${boats.id}`);
    const offered = page.locator('.likely li', { hasText: 'pumps' });
    await offered.waitFor();
    await offered.getByRole('button', { name: 'Merge' }).click();
    await page.waitForSelector('.toast:has-text("Merged")');
    const claims = (count) => page.waitForFunction((wanted) => document.querySelectorAll('li.event[id^="claim-"]').length === wanted, count, { timeout: LATE });
    await claims(2);
    await page.click('.toast button:has-text("Undo")');
    await page.waitForSelector('.toast:has-text("Split again")');
    await claims(1);
    await until(async () => (await about('lifeboats')).claims.length === 1 && (await about('pumps')).claims.length === 1, 'two threads');
    assert.deepEqual((await about('pumps')).claims, pumps.claims);
    await page.locator('.likely li', { hasText: 'pumps' }).getByRole('button', { name: 'Merge' }).click();
    await claims(2);
    await page.locator('li.event', { hasText: 'pumps' }).getByRole('button', { name: 'Split off' }).click();
    await claims(1);
    await page.click('.toast:has-text("Split off") button:has-text("Undo")');
    await claims(2);
  }],
  ['real: a dead letter is seen, replayed from the page and delivered under the same id', async ({ open, daemon }) => {
    daemon.endpoint.refuse = 'laundered money';
    await rested(daemon, 'wire');
    daemon.wire.publish('/wire', denial(LATER.bank));
    await daemon.post('feeds/wire/poll');
    await until(async () => (await daemon.get('deliveries?status=dead')).items.length === 1, 'the dead letter');
    const [{ id }] = daemon.endpoint.received.filter((one) => one.isRefused);
    const page = await open('#/deliveries?status=dead');
    await page.waitForSelector('tr.trouble');
    assert.match(await page.locator('tr.trouble .error').innerText(), /500/);
    daemon.endpoint.refuse = null;
    await page.locator('tr.trouble').getByRole('button', { name: 'Replay' }).click();
    await page.waitForSelector('dialog .choice li');
    await page.click('dialog button.main');
    await page.waitForSelector('.toast:has-text("1 alert on the way")');
    await until(() => daemon.endpoint.received.some((one) => one.id === id && !one.isRefused), 'the replayed alert', 60_000);
    await until(async () => (await daemon.get('deliveries?status=dead')).items.length === 0, 'its delivery');
  }],
  ['real: a feed is added through its page, polled, paused, resumed and removed', async ({ open, daemon }) => {
    daemon.wire.publish('/paper.xml', { title: 'Old news', body: 'The tide was high.' });
    const page = await open('#/feeds', { expected: ['422'] });
    await settled(page);
    await page.keyboard.press('a');
    await page.waitForSelector('dialog.add');
    await page.keyboard.type('http://10.20.30.40/rss');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog .error:has-text("a private address (10.20.30.40)")');
    await page.fill('dialog input[name="url"]', `${daemon.wire.at}/paper`);
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog .choice li');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.toast:has-text("is added")');
    const row = page.locator('tr', { hasText: 'Paper of /paper.xml' });
    await row.getByText('added here').waitFor();
    const id = (await daemon.get('feeds?q=paper.xml')).items[0].id;
    await rested(daemon, id);
    daemon.wire.publish('/paper.xml', denial(LATER.film));
    await row.getByRole('button', { name: 'Poll now' }).click();
    await page.waitForSelector('.toast:has-text("is polled")');
    await until(async () => (await daemon.get('alerts?q=castell')).items.length > 0, 'the alert of the added feed');
    await row.getByText('Last polls').click();
    await row.locator('.tries li').first().waitFor();
    await row.getByRole('button', { name: 'Pause' }).click();
    await row.getByText('paused since').waitFor();
    await row.getByRole('button', { name: 'Resume' }).click();
    await row.getByRole('button', { name: 'Poll now' }).waitFor();
    await row.getByRole('button', { name: 'Remove' }).click();
    await page.click('dialog button.main');
    await page.waitForSelector('.toast:has-text("is removed")');
    await until(async () => (await daemon.get(`feeds/${id}`)).state === 'dropped', 'its end');
  }],
  ['real: hostile titles, names and addresses of a feed stay text', async ({ open, daemon }) => {
    const { items } = await daemon.get('threads?q=books');
    const page = await open('#/live');
    await page.waitForSelector('.alert');
    for (const view of [...VIEWS, `thread/${items[0].id}`, 'search?q=denied', 'live?q=moreau', 'live?q=leak']) {
      await page.goto(page.url().replace(/#.*/, `#/${view}`));
      await settled(page);
      const found = await page.evaluate(() => ({ pwned: window.pwned, bad: [...document.querySelectorAll('a[href]')].map((one) => one.getAttribute('href')).filter((href) => !/^(https?:|#)/.test(href)), made: document.querySelectorAll('main script, main img, main iframe, main svg[onload], main b b').length }));
      assert.deepEqual(found, { pwned: undefined, bad: [], made: 0 }, view);
    }
    await page.goto(page.url().replace(/#.*/, '#/live?q=leak'));
    await page.waitForSelector('.alert .ghost');
    assert.match(await page.locator('.alert').first().innerText(), /U\+202E/);
    assert.match(await page.locator('.alert').first().innerHTML(), /xn--/, 'a host of other letters is shown as the network knows it');
    await page.goto(page.url().replace(/#.*/, '#/feeds?q=hostile'));
    await page.waitForSelector('tbody tr');
    assert.match(await page.locator('tbody tr').innerText(), /<b>Bold<\/b> U\+202EweN/);
  }],
];
