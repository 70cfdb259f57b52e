import { SECOND } from '../../functions/core/platform/clock';
import { disagreements } from '../deployed-settings';
import { apiUrlOf } from '../deployment';
import { type Check, countOf, fault, ok, warning } from './check';

const DEPLOY = 'Deploy again from the settings: `npx cdk deploy`.';

export const settingsCheck: Check = {
  name: 'settings',
  async look({ deployment, settings }) {
    const { CALLBACK_BASE, REFERENCE_ID, ALLOW_UNBOUND_TOKENS } = settings();
    const differing = disagreements(deployment);
    if (differing.length > 0) return fault(`Functions disagree on ${differing.join(', ')}`, DEPLOY);
    const { CallbackBase } = deployment.outputs;
    if (CallbackBase !== undefined && CallbackBase !== CALLBACK_BASE) {
      return fault('The stack and its functions name different callback addresses', DEPLOY);
    }
    if (REFERENCE_ID === 'subject' && ALLOW_UNBOUND_TOKENS) {
      return warning(
        'allowUnboundTokens with referenceId "subject" lets any user of the app unplug another',
        'Set allowUnboundTokens to false, unless Terra offers you no bound tokens.',
      );
    }
    return ok(`${countOf(deployment.functions.length, 'function')} agree on the settings`);
  },
};

export const confirmationCheck: Check = {
  name: 'confirmation',
  async look({ settings }) {
    if (settings().CONFIRMATION === 'required') return ok('A connection counts once its owner has confirmed it');
    return warning(
      'confirmation "off" lets any user of the app send a link to another person and receive that person\'s health data',
      'Set confirmation to "required", unless all users of the app may collect the data of other people.',
    );
  },
};

export const issuerCheck: Check = {
  name: 'issuer',
  async look({ settings }) {
    const { ISSUER } = settings();
    const url = `${ISSUER.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const remedy = 'The gateway needs it to verify tokens: mend "issuer" in the settings, or the identity provider.';
    const answer = await fetch(url, { signal: AbortSignal.timeout(10 * SECOND) }).catch(() => undefined);
    if (!answer?.ok) return fault(`The issuer does not answer at ${url}`, remedy);
    const configuration: unknown = await answer.json().catch(() => undefined);
    const told = Object(configuration).issuer as unknown;
    if (told !== ISSUER) return fault(`The issuer at ${url} names itself otherwise, byte for byte`, remedy);
    return ok('The issuer answers by its name');
  },
};

export const apiCheck: Check = {
  name: 'api',
  async look({ deployment }) {
    const url = `${apiUrlOf(deployment)}/v1/providers`;
    const { status } = await fetch(url, { signal: AbortSignal.timeout(10 * SECOND), redirect: 'manual' });
    if (status === 401) return ok('The API answers and asks for a token');
    return fault(
      `${url} answers ${status} to a request without a token, not 401`,
      'Check the domain or the proxy before the API: it must pass requests on as they are.',
    );
  },
};

export const returnTargetsCheck: Check = {
  name: 'return-targets',
  async look({ settings }) {
    const targets = Object.entries(settings().RETURN_TARGETS);
    const custom = targets.filter(([, url]) => !/^https?:/.test(url)).map(([name]) => name);
    if (custom.length === 0) return ok(`${countOf(targets.length, 'return target')}, all web addresses`);
    return warning(
      `Custom schemes bring people back with ${custom.join(', ')}: any app on the device can claim a scheme`,
      'Use an https address the app has claimed (universal link, app link). The code is of use to its owner only.',
    );
  },
};
