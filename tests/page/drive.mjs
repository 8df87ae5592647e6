// Drives the page in Debian's chromium: `node drive.mjs --modules DIR [--daemon PROGRAM | --at ADDRESS [--token TOKEN]] [--shots DIR] [--only WORD] [--strict] [--measure]`.
//
// DIR is what setup.sh prints. Without `--at` it starts mock.py and runs what that can show; with `--daemon` it starts that program on a wire of
// its own and runs what needs a real one. What needs the other is skipped and counted. `--shots` keeps the pictures of the book, `--strict` fails on tasks that block the page for 50 ms.
// `--measure` tries nothing, and says how long the page takes until it is ready.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startDaemon } from './daemon.mjs';
import { caughtUp, real, stories } from './real.mjs';
import { steps } from './steps.mjs';
import { mocked } from './mocked.mjs';

const { values: given } = parseArgs({ options: { modules: { type: 'string' }, at: { type: 'string' }, token: { type: 'string' }, daemon: { type: 'string' }, shots: { type: 'string' }, only: { type: 'string' }, measure: { type: 'boolean', default: false }, strict: { type: 'boolean', default: false } } });
const here = dirname(fileURLToPath(import.meta.url));
const { chromium } = createRequire(join(given.modules, '/'))('playwright-core');
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Starts the mock; it ends with us. */
export async function startMock(...options) {
  const child = spawn('python3', [join(here, 'mock.py'), ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
  const at = await new Promise((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data).trim()));
    child.once('exit', (code) => reject(new Error(`mock.py ended with ${code}`)));
  });
  return { at, control: async (what) => (await fetch(`${at}__mock/${what}`)).json(), stop: () => child.kill() };
}

const daemon = given.daemon ? await startDaemon(given.daemon, stories) : null;
if (daemon) await caughtUp(daemon);
const mock = given.at || daemon ? null : await startMock();
const base = given.at || (daemon || mock).at;
const browser = await chromium.launch({ executablePath: process.env.GAINSAY_CHROMIUM || BROWSERS.find((path) => {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}), args: ['--no-sandbox'] });
const results = { ok: 0, failed: [], skipped: 0 };
if (given.shots) mkdirSync(given.shots, { recursive: true });

/** A page of its own, whose errors, refused loads and foreign requests fail the step. */
async function open(hash = '#/live', { width = 1440, height = 900, scheme = 'light', at = base, token = given.token, expected = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, acceptDownloads: true, permissions: ['notifications'], locale: 'en-GB', timezoneId: 'Europe/Brussels' });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(`error in the page: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && !expected.some((one) => message.text().includes(one)) && page.problems.push(`console: ${message.text()}`));
  page.on('request', (request) => !request.url().startsWith(at) && !/^(blob|data):/.test(request.url()) && page.problems.push(`foreign request: ${request.url()}`));
  page.on('dialog', (dialog) => (page.problems.push(`dialogue: ${dialog.message()}`), dialog.dismiss()));
  if (token) await page.addInitScript((one) => sessionStorage.setItem('gainsay.token', one), token);
  await page.goto(at + hash);
  return page;
}

async function step(name, needs, act) {
  if (given.only && !name.includes(given.only)) return;
  if ((needs === 'mock' && !mock) || (needs === 'daemon' && !daemon)) {
    results.skipped += 1;
    return;
  }
  const pages = [];
  const start = performance.now();
  try {
    await act({
      base, mock, daemon, startMock, browser, strict: given.strict,
      open: async (...args) => {
        const page = await open(...args);
        pages.push(page);
        return page;
      },
      shot: async (page, file) => given.shots && page.screenshot({ path: join(given.shots, `${file}.png`) }),
      say: (text) => console.log(`     ${text}`),
    });
    const problems = pages.flatMap((page) => page.problems);
    if (problems.length) throw new Error(problems.slice(0, 4).join('; '));
    results.ok += 1;
    console.log(`ok   ${name} (${Math.round(performance.now() - start)} ms)`);
  } catch (error) {
    results.failed.push(name);
    console.log(`FAIL ${name}: ${error.stack}`);
  } finally {
    for (const page of pages) await page.context().close();
  }
}

const OPENINGS = 21;

/** Opens the page anew so often, with nothing kept from the time before, and says how long it took from the start of the navigation until the list was drawn and the stream was open. */
async function measure() {
  const times = [];
  for (let at = 0; at < OPENINGS; at += 1) {
    const page = await open('#/live');
    const time = await page.waitForFunction(() => document.querySelector('.alert') && document.querySelector('#connection[data-tone="live"]') && performance.now(), null, { polling: 'raf' });
    times.push(await time.jsonValue());
    await page.context().close();
  }
  times.sort((one, other) => one - other);
  console.log(`page ready, ${OPENINGS} openings: median ${Math.round(times[OPENINGS >> 1])} ms, slowest ${Math.round(times[OPENINGS - 1])} ms`);
}

if (given.measure) {
  await measure();
} else {
  for (const [name, act] of steps) await step(name, 'any', act);
  for (const [name, act] of mocked) await step(name, 'mock', act);
  for (const [name, act] of real) await step(name, 'daemon', act);
}
await browser.close();
mock?.stop();
await daemon?.stop();
if (!given.measure) console.log(`${results.ok} passed, ${results.failed.length} failed, ${results.skipped} skipped (they need the ${mock ? 'daemon' : 'mock'})`);
process.exit(results.failed.length ? 1 : 0);
