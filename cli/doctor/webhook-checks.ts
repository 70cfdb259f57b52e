import { SECOND } from '../../functions/core/platform/clock';
import { sign, signatureHeaders } from '../../functions/core/terra/signature';
import { webhookUrlOf } from '../deployment';
import { parseJson } from '../json';
import { parsers } from '../secret-store';
import { type Check, fault, ok, type CheckContext } from './check';

/** A test event as Terra sends it: it names no user and changes nothing. */
const SELF_TEST = JSON.stringify({ type: 'healthcheck', status: 'success' });

const CHECK_URL = 'Check that WebhookUrl leads to this deployment and that no proxy answers instead.';

export const signedWebhookCheck: Check = {
  name: 'webhook-signed',
  async run({ deployment, secrets, clock }) {
    const { current } = parsers['terra-webhook']((await secrets.read('terra-webhook')).text);
    const signature = sign(SELF_TEST, current, Math.floor(clock() / SECOND));
    const { status, body } = await deliver(deployment, { [signatureHeaders[0]]: signature });
    if (status === 200 && outcomeOf(body) === 'ignored') return ok('A signed test event is accepted and ignored');
    if (status === 401) {
      return fault(
        'WebhookUrl refuses a test event signed with the stored secret: it leads to another deployment, or a proxy changes the body',
        CHECK_URL,
      );
    }
    if (status === 503) {
      return fault('receive-webhook cannot read its secret or the table', 'Read the log of receive-webhook.');
    }
    return fault(`WebhookUrl answers ${status} to a signed test event, not 200 as this deployment does`, CHECK_URL);
  },
};

export const unsignedWebhookCheck: Check = {
  name: 'webhook-unsigned',
  async run({ deployment }) {
    const { status } = await deliver(deployment, {});
    if (status === 401) return ok('An unsigned test event is refused');
    return fault(`WebhookUrl answers ${status} to an unsigned test event, not 401`, CHECK_URL);
  },
};

async function deliver(deployment: CheckContext['deployment'], signature: Record<string, string>) {
  const answer = await fetch(webhookUrlOf(deployment), {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...signature },
    body: SELF_TEST,
    signal: AbortSignal.timeout(15 * SECOND),
  });
  return { status: answer.status, body: await answer.text() };
}

const outcomeOf = (text: string): unknown => Object(parseJson(text)).outcome;
