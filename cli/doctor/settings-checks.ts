import { SECOND } from '../../functions/core/platform/clock';
import { disagreements } from '../deployed-settings';
import { apiUrlOf } from '../deployment';
import { type Check, plural, fault, ok, warning } from './check';

const DEPLOY = 'Deploy again from the settings: `npx cdk deploy`.';

export const settingsCheck: Check = {
  name: 'settings',
  async run({ deployment, settings }) {
    const { CALLBACK_BASE, REFERENCE_ID, ALLOW_UNBOUND_TOKENS } = settings();
    const differing = disagreements(deployment);
    if (differing.length > 0) return fault(`Functions have different values of ${differing.join(', ')}`, DEPLOY);
    const { CallbackBase } = deployment.outputs;
    if (CallbackBase !== undefined && CallbackBase !== CALLBACK_BASE) {
      return fault('The output CallbackBase differs from the functions’ CALLBACK_BASE', DEPLOY);
    }
    if (REFERENCE_ID === 'subject' && ALLOW_UNBOUND_TOKENS) {
      return warning(
        'allowUnboundTokens with referenceId "subject" lets any user of the app disconnect another user',
        'Set allowUnboundTokens to false, unless your Terra account has no bound tokens.',
      );
    }
    return ok(`${plural(deployment.functions.length, 'function')} have the same settings`);
  },
};

export const confirmationCheck: Check = {
  name: 'confirmation',
  async run({ settings }) {
    if (settings().CONFIRMATION === 'required') return ok('Users must confirm a connection before it counts');
    return warning(
      'confirmation "off" lets any user of the app send a link to another person and receive that person\'s health data',
      'Set confirmation to "required", unless all users of the app may collect the data of other people.',
    );
  },
};

export const issuerCheck: Check = {
  name: 'issuer',
  async run({ settings }) {
    const { ISSUER } = settings();
    const url = `${ISSUER.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const remedy =
      'API Gateway needs it to verify tokens: correct "issuer" in the settings, or repair the identity provider.';
    const answer = await fetch(url, { signal: AbortSignal.timeout(10 * SECOND) }).catch(() => undefined);
    if (!answer?.ok) return fault(`The issuer does not answer at ${url}`, remedy);
    const configuration: unknown = await answer.json().catch(() => undefined);
    const declared = Object(configuration).issuer as unknown;
    if (declared !== ISSUER) return fault(`The "issuer" in ${url} is not byte for byte the setting`, remedy);
    return ok('The issuer answers and its name matches the setting');
  },
};

export const apiCheck: Check = {
  name: 'api',
  async run({ deployment }) {
    const url = `${apiUrlOf(deployment)}/v1/providers`;
    const { status } = await fetch(url, { signal: AbortSignal.timeout(10 * SECOND), redirect: 'manual' });
    if (status === 401) return ok('The API answers and requires a token');
    return fault(
      `${url} answers ${status} to a request without a token, not 401`,
      'Check the domain or the proxy in front of the API: it must forward requests unchanged.',
    );
  },
};

export const returnTargetsCheck: Check = {
  name: 'return-targets',
  async run({ settings }) {
    const targets = Object.entries(settings().RETURN_TARGETS);
    const custom = targets.filter(([, url]) => !/^https?:/.test(url)).map(([name]) => name);
    if (custom.length === 0) return ok(`${plural(targets.length, 'return target')}, all web addresses`);
    return warning(
      `These return targets are custom schemes, which any app on the device can claim: ${custom.join(', ')}`,
      'Use an https address that the app has claimed (universal link, app link). A stolen code is useless without the owner’s token.',
    );
  },
};
