import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { bodyWithin } from '../loopback';
import { answerApi } from './api';
import { answerBrowser } from './browser';
import { answerControl } from './control';
import { BODY_LIMIT_BYTES, type HttpRequest, json, page, parseJson, type Reply } from './http';
import { messagePage } from './pages/message-page';
import type { World } from './world';

const DRIP_MS = 1000;

/** Creates the sandbox's HTTP server. Only requests to Terra's API are recorded in the history. */
export function sandboxServer(world: World, log: (line: string) => void): Server {
  return createServer((message, response) => {
    void serve(world, message, response).catch((error: unknown) => {
      log(`the sandbox failed on ${message.method} ${message.url}: ${String(error)}`);
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
      response.end('{"message":"the sandbox failed","status":"error"}');
    });
  });
}

async function serve(world: World, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedMs = performance.now();
  const at = new Date(world.clock.now()).toISOString();
  const body = await bodyWithin(message, BODY_LIMIT_BYTES);
  const request = readRequest(message, body ?? Buffer.alloc(0));
  const notes: string[] = [];
  if (!request || !body) {
    await sendReply(message, response, json(request ? 413 : 400, { message: 'malformed request', status: 'error' }));
    return;
  }
  const fromApi = answerApi(world, request, remark => notes.push(remark));
  const reply = fromApi ?? (await answerPages(world, request));
  if (fromApi) {
    const sent = body.length > 0 ? parseJson(body) : undefined;
    world.history.request({
      at,
      method: request.method,
      path: request.target,
      ...(sent ? { sent: sent.value } : {}),
      result: reply.kind === 'hang' ? 'hung' : reply.kind === 'reset' ? 'reset' : reply.status,
      ms: Math.round(performance.now() - startedMs),
      notes,
    });
  }
  await sendReply(message, response, reply);
}

async function answerPages(world: World, request: HttpRequest): Promise<Reply> {
  return (
    (await answerBrowser(world, request)) ??
    (await answerControl(world, request)) ??
    page(404, messagePage('unknown_link'))
  );
}

function readRequest(message: IncomingMessage, body: Buffer): HttpRequest | undefined {
  const target = message.url ?? '/';
  // A fixed host, so that neither `//x` nor an absolute URL can change it.
  const parsed = target.startsWith('/') ? URL.parse(`http://sandbox${target}`) : null;
  if (!parsed) return undefined;
  return {
    method: message.method ?? 'GET',
    path: parsed.pathname,
    query: parsed.searchParams,
    target,
    headers: message.headers,
    body,
  };
}

async function sendReply(message: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  switch (reply.kind) {
    case 'hang':
      return;
    case 'reset':
      message.socket.resetAndDestroy();
      return;
    case 'drip':
      response.writeHead(reply.status, reply.headers);
      await drip(response, Buffer.from(reply.body));
      return;
    case 'answer':
      if (reply.afterMs !== undefined) await pause(response, reply.afterMs);
      response.writeHead(reply.status, reply.headers);
      response.end(message.method === 'HEAD' ? undefined : reply.body);
  }
}

async function drip(response: ServerResponse, body: Buffer): Promise<void> {
  for (let sent = 0; sent < body.length && !response.destroyed; sent += 1) {
    response.write(body.subarray(sent, sent + 1));
    await pause(response, DRIP_MS);
  }
  response.end();
}

/** Waits, but only while the client is connected. */
function pause(response: ServerResponse, ms: number): Promise<void> {
  return new Promise(resolve => {
    if (response.destroyed) return resolve();
    const timer = setTimeout(done, ms);
    response.once('close', done);
    function done(): void {
      clearTimeout(timer);
      response.off('close', done);
      resolve();
    }
  });
}
