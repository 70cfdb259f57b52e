import { SECOND } from '../../functions/core/platform/clock';
import { sign, signatureHeaders } from '../../functions/core/terra/signature';
import { webhookUrlOf } from '../deployment';
import { parsers } from '../vault';
import { type Check, fault, ok, type Patient } from './check';

/** Terra's own kind of test event: it names no user and changes nothing. */
const SELF_TEST = JSON.stringify({ type: 'healthcheck', status: 'success' });

const WRONG_PLACE = 'Check that WebhookUrl leads to this deployment, and that nothing in between answers for it.';

export const signedWebhookCheck: Check = {
  name: 'webhook-signed',
  async look({ deployment, vault, clock }) {
    const { current } = parsers['terra-webhook']((await vault.read('terra-webhook')).text);
    const signature = sign(SELF_TEST, current, Math.floor(clock() / SECOND));
    const { status, body } = await deliver(deployment, { [signatureHeaders[0]]: signature });
    if (status === 200 && outcomeOf(body) === 'ignored') return ok('A signed self-test is taken in and ignored');
    if (status === 401) {
      return fault(
        'WebhookUrl refuses what is signed with the stored secret: another deployment answers there, or the body is changed on its way',
        WRONG_PLACE,
      );
    }
    if (status === 503) {
      return fault('receive-webhook cannot read its secret or its table', 'Read the log of receive-webhook.');
    }
    return fault(`WebhookUrl answers a signed self-test with ${status}, not as this deployment does`, WRONG_PLACE);
  },
};

export const unsignedWebhookCheck: Check = {
  name: 'webhook-unsigned',
  async look({ deployment }) {
    const { status } = await deliver(deployment, {});
    if (status === 401) return ok('An unsigned delivery is refused');
    return fault(`WebhookUrl answers ${status} to an unsigned delivery, not 401`, WRONG_PLACE);
  },
};

async function deliver(deployment: Patient['deployment'], signature: Record<string, string>) {
  const answer = await fetch(webhookUrlOf(deployment), {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...signature },
    body: SELF_TEST,
    signal: AbortSignal.timeout(15 * SECOND),
  });
  return { status: answer.status, body: await answer.text() };
}

function outcomeOf(text: string): unknown {
  try {
    return Object(JSON.parse(text)).outcome;
  } catch {
    return undefined;
  }
}
