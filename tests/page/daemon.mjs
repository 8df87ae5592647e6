// A real daemon in a folder of its own, on a wire and an endpoint that the steps control; all of it on loopback, and ended with us.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_TIMEOUT = 90_000; // ms; a debug build that shares the machine loads its models for a while

const escaped = (text) => String(text).replace(/[&<>"]/g, (one) => `&#${one.codePointAt(0)};`);

async function listening(handler) {
  const server = createServer(handler);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { at: `http://127.0.0.1:${server.address().port}`, close: () => (server.closeAllConnections(), server.close()) };
}

/** Feeds and pages by path; entries can be added while it serves. */
async function startWire() {
  const feeds = new Map();
  const pages = new Map();
  const item = ({ guid, title, body, link, date }) => `<item><guid isPermaLink="false">${escaped(guid)}</guid><title>${escaped(title)}</title>${link ? `<link>${escaped(link)}</link>` : ''}<description>${escaped(body)}</description><pubDate>${date}</pubDate></item>`;
  const server = await listening((request, response) => {
    if (pages.has(request.url)) return response.writeHead(200, { 'content-type': 'text/html' }).end(pages.get(request.url));
    const entries = feeds.get(request.url);
    if (!entries) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': 'application/rss+xml' }).end(`<rss version="2.0"><channel><title>Paper of ${escaped(request.url)}</title>${entries.map(item).join('')}</channel></rss>`);
  });
  const publish = (path, entry) => feeds.set(path, [{ date: new Date().toUTCString(), guid: `${path}-${feeds.get(path)?.length ?? 0}`, ...entry }, ...(feeds.get(path) ?? [])]);
  return { ...server, publish, page: (path, text) => pages.set(path, text) };
}

/** An endpoint that notes what it is sent, and refuses what holds the word of `refuse`. */
async function startEndpoint() {
  const endpoint = { received: [], refuse: null };
  const server = await listening((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const isRefused = Boolean(endpoint.refuse && body.includes(endpoint.refuse));
      endpoint.received.push({ id: request.headers['webhook-id'], body, isRefused });
      response.writeHead(isRefused ? 500 : 204).end();
    });
  });
  return Object.assign(endpoint, server);
}

async function freePort() {
  const server = await listening(() => {});
  server.close();
  return new URL(server.at).port;
}

/** Starts the program `binary` on stories of `publish(wire)`. */
export async function startDaemon(binary, publish) {
  const folder = mkdtempSync(join(tmpdir(), 'gainsay-page-'));
  const [wire, endpoint, port] = [await startWire(), await startEndpoint(), await freePort()];
  publish(wire);
  const feed = (id, outlet) => `[[feed]]\nid = "${id}"\nurl = "${wire.at}/${id}"\noutlet = ${JSON.stringify(outlet)}\n`;
  writeFileSync(join(folder, 'gainsay.toml'), `database = "gainsay.db"\n[http]\nlisten = "127.0.0.1:${port}"\n[intake]\npoll_interval = "1h"\nbackfill = "3650d"\nallow_networks = ["127.0.0.0/8"]
${feed('wire', 'Harbour Wire')}${feed('hostile', '<b>Bold</b> \u202eweN')}${feed('gone', 'Lost Post')}
[[sink]]\nname = "desk"\ntype = "webhook"\nurl = "${endpoint.at}/"\nsecret = "whsec_${Buffer.alloc(32, 7).toString('base64')}"\nalerts_per_day = 0\nretry_schedule = ["0s"]\nbreaker_failures = 1000
[[rule]]\nname = "all"\nconfidence_min = 0\n`);
  const at = `http://127.0.0.1:${port}/`;
  let child = null;

  async function start() {
    child = spawn(binary, ['run', '-c', join(folder, 'gainsay.toml')], { stdio: ['ignore', 'ignore', process.env.GAINSAY_PAGE_LOG ? 'inherit' : 'ignore'] });
    const since = Date.now();
    while (!(await fetch(`${at}readyz`).then((answer) => answer.ok, () => false))) {
      if (child.exitCode !== null || Date.now() - since > START_TIMEOUT) throw new Error(`${binary} is not ready (exit code ${child.exitCode})`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function kill() {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  const api = {
    get: async (path) => (await fetch(`${at}api/v1/${path}`)).json(),
    post: async (path, body = {}) => (await fetch(`${at}api/v1/${path}`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-gainsay': '1' }, body: JSON.stringify(body) })).json(),
  };
  process.on('exit', () => child?.kill('SIGKILL'));
  await start();
  return { at, wire, endpoint, start, kill, ...api, async stop() {
    await kill();
    wire.close();
    endpoint.close();
    rmSync(folder, { recursive: true, force: true });
  } };
}
