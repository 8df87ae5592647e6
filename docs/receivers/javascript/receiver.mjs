// A receiver of gainsay's webhooks: verifies each signature, takes each alert once, answers 204, or 401 to anybody else.
//
//     npm install
//     WEBHOOK_KEY=whsec_... PORT=8000 node receiver.mjs

import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_KEY);
const BODY_BYTES_MAX = 1 << 20;
const IDS_KEPT = 100_000;

// What was taken. A receiver that must not act twice keeps the ids where it keeps what it does, in one transaction.
const seen = new Set();

function take(id, alert) {
  if (seen.has(id)) return;
  seen.add(id);
  if (seen.size > IDS_KEPT) seen.delete(seen.values().next().value);
  console.log(id, alert.type);
}

async function bodyOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const server = createServer(async (request, response) => {
  const answer = (status) => response.writeHead(status).end();
  try {
    const body = await bodyOf(request);
    if (body === undefined) return answer(413);
    // Throws where no signature of the list fits, or the timestamp is more than five minutes from now.
    const alert = webhook.verify(body, request.headers);
    take(request.headers["webhook-id"], alert);
    answer(204);
  } catch (error) {
    console.error("refused:", error.message);
    answer(401);
  }
});

server.requestTimeout = 30_000;
server.listen(Number(process.env.PORT ?? 8000), "127.0.0.1");
