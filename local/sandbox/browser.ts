import { randomBytes } from 'node:crypto';
import { openSession } from './api-auth';
import { decide, pickInWidget, showConsent, showWidget } from './consent';
import { answer, type HttpRequest, json, page, type Reply, seeOther } from './http';
import { homePage } from './pages/home-page';
import { emblemSvg } from './pages/layout';
import { messagePage } from './pages/message-page';
import { findProvider } from './providers';
import type { World } from './world';

/** Serves the pages for browsers. Returns undefined for any other path. */
export async function answerBrowser(world: World, request: HttpRequest): Promise<Reply | undefined> {
  const { path, method } = request;
  const reads = method === 'GET' || method === 'HEAD';
  if (path === '/' && reads) {
    const nonce = randomBytes(16).toString('base64');
    return page(200, homePage(world, nonce), nonce);
  }
  if (path === '/favicon.ico') return answer(204, {}, '');
  if (path === '/session/demo/success' && reads) return page(200, messagePage('success'));
  if (path === '/session/demo/failure' && reads) return page(200, messagePage('failure'));

  if (path === '/sandbox/try' && method === 'POST') return tryWidget(world);

  const [, sessionId] = /^\/session\/([\w-]+)$/.exec(path) ?? [];
  if (sessionId) return method === 'POST' ? pickInWidget(world, request, sessionId) : showWidget(world, sessionId);

  const [, flowId] = /^\/sandbox\/consent\/([\w-]+)$/.exec(path) ?? [];
  if (flowId) return method === 'POST' ? decide(world, request, flowId) : showConsent(world, flowId);

  const [, iconOf] = /^\/sandbox\/icons\/([A-Z_]+)\.svg$/.exec(path) ?? [];
  const provider = iconOf === undefined ? undefined : findProvider(iconOf);
  if (provider) {
    return answer(
      200,
      { 'content-type': 'image/svg+xml', 'cache-control': 'max-age=3600' },
      emblemSvg(provider.id, provider.name),
    );
  }
  const [, payloadId] = /^\/sandbox\/payloads\/([\w-]+)$/.exec(path) ?? [];
  if (payloadId) {
    const payload = world.payloads.find(payloadId);
    return payload && payload.expiresAtMs > world.clock.now()
      ? answer(200, { 'content-type': 'application/json' }, payload.body)
      : json(403, { message: 'the link has expired' });
  }
  return undefined;
}

/** Opens a widget session for trying the widget without an app. */
function tryWidget(world: World): Reply {
  const session = openSession(world, {
    referenceId: 'somebody-looking',
    successUrl: null,
    failureUrl: null,
    offered: null,
    language: 'en',
    showDisconnect: true,
  });
  return seeOther(`${world.url}/session/${session.id}`);
}
