import { systemClock } from '../../../../functions/core/platform/clock';
import { Problem } from '../../../../functions/core/http/errors';
import { consoleLog } from '../../../../functions/core/platform/log';
import { type Behaviour, on, serve } from '../../../../functions/core/http/serve';
import { readSignature, verifySignature } from '../../../../functions/core/terra/signature';
import type { receiveWebhook } from '../../../../functions/routes';

type Deps = { secret: string };

// Declared anew: the true one brings its schemas, and with them zod.
const route = { method: 'POST', path: '/v1/webhooks/terra', caller: 'terra' } as unknown as typeof receiveWebhook;

/** A function that verifies signed deliveries and stores nothing: the size of one without the AWS SDK. */
const verify: Behaviour<typeof receiveWebhook, Deps> = async ({ headers, rawBody }, { secret }) => {
  const read = readSignature(headers, Math.floor(Date.now() / 1000));
  if (!read.ok || !verifySignature(read.claim, rawBody, [secret])) throw new Problem('unauthenticated', 'No.');
  return { status: 200, body: { outcome: 'ignored' } };
};

export const handler = serve([on(route, verify)], () => ({
  secret: process.env.SECRET ?? '',
  serve: { issuer: undefined, clock: systemClock, log: consoleLog },
}));
