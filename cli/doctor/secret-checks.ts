import { isoTime } from '../../functions/core/platform/clock';
import { fingerprintOf, namingFault } from '../../functions/core/state/owner';
import { parsers, secretFault, type SecretName, type SecretStore } from '../secret-store';
import { type Check, fault, ok, type CheckResult, warning } from './check';

export const terraApiSecretCheck: Check = {
  name: 'secret-terra-api',
  run: ({ secrets }) =>
    checkSecret(secrets, 'terra-api', 'Set it: `npm run secrets -- set terra-api`.', () =>
      ok('Dev-id and API key are set'),
    ),
};

export const webhookSecretCheck: Check = {
  name: 'secret-terra-webhook',
  run: ({ secrets, clock }) =>
    checkSecret(secrets, 'terra-webhook', 'Set it: `npm run secrets -- set terra-webhook`.', text => {
      const { previous } = parsers['terra-webhook'](text);
      if (previous === undefined && /"previous"/.test(text)) {
        return warning(
          'The previous webhook secret has no previousValidUntil, so the functions ignore it',
          'Rotate with `npm run secrets -- rotate terra-webhook`, which sets previousValidUntil.',
        );
      }
      const until =
        previous && clock() < previous.validUntil
          ? `, the previous one is valid until ${isoTime(previous.validUntil)}`
          : '';
      return ok(`The signing secret is set${until}`);
    }),
};

const KEEP_KEY =
  'Restore it with `npm run secrets -- import-key`. Without it, no user can be matched to their connections.';

export const referenceKeySecretCheck: Check = {
  name: 'secret-reference-key',
  run: ({ secrets }) => checkSecret(secrets, 'reference-key', KEEP_KEY, () => ok('The reference-id key is set')),
};

export const referenceKeyCheck: Check = {
  name: 'reference-key-fingerprint',
  async run({ secrets, store, settings }) {
    const key = parsers['reference-key']((await secrets.read('reference-key')).text);
    const known = await store().findFingerprint();
    if (known === undefined) return ok('The reference-id key has not been used yet');
    const { REFERENCE_ID: referenceId, OWNER_NAMESPACE: namespace } = settings();
    const found = namingFault(known, fingerprintOf(key, { referenceId, namespace }));
    if (found)
      return fault(`${sentence(found.finding)}: no request of a user can be served`, `${sentence(found.remedy)}.`);
    return ok(
      known.naming === undefined
        ? 'The reference-id key matches the table; namespace and mode are stored with the next session or token'
        : 'Reference-id key, namespace and mode match the table',
    );
  },
};

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

async function checkSecret(
  secrets: SecretStore,
  name: SecretName,
  remedy: string,
  judge: (text: string) => CheckResult,
): Promise<CheckResult> {
  const { text } = await secrets.read(name);
  const problem = secretFault(name, text);
  return problem === undefined ? judge(text) : fault(`The secret ${name} ${problem}`, remedy);
}
