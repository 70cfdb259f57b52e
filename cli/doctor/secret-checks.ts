import { isoTime } from '../../functions/core/platform/clock';
import { fingerprintOf, namingFault } from '../../functions/core/state/owner';
import { SecretFault } from '../../functions/core/platform/secrets';
import { parsers, type SecretName, type Vault } from '../vault';
import { type Check, fault, ok, type Verdict, warning } from './check';

export const terraApiSecretCheck: Check = {
  name: 'secret-terra-api',
  look: ({ vault }) =>
    shapeOf(vault, 'terra-api', 'Fill it: `npm run secrets -- set terra-api`.', () =>
      ok('Dev-id and API key are filled in'),
    ),
};

export const webhookSecretCheck: Check = {
  name: 'secret-terra-webhook',
  look: ({ vault, clock }) =>
    shapeOf(vault, 'terra-webhook', 'Fill it: `npm run secrets -- set terra-webhook`.', text => {
      const { previous } = parsers['terra-webhook'](text);
      if (previous === undefined && /"previous"/.test(text)) {
        return warning(
          'The previous webhook secret has no end and so does not count',
          'Rotate with `npm run secrets -- rotate terra-webhook`, which sets previousValidUntil.',
        );
      }
      const until =
        previous && clock() < previous.validUntil ? `, the previous one until ${isoTime(previous.validUntil)}` : '';
      return ok(`The signing secret is filled in${until}`);
    }),
};

const KEEP_KEY = 'Restore it with `npm run secrets -- import-key`; without it every user is orphaned.';

export const referenceKeySecretCheck: Check = {
  name: 'secret-reference-key',
  look: ({ vault }) => shapeOf(vault, 'reference-key', KEEP_KEY, () => ok('The reference-id key is there')),
};

export const referenceKeyCheck: Check = {
  name: 'reference-key-fingerprint',
  async look({ vault, store, settings }) {
    const key = parsers['reference-key']((await vault.read('reference-key')).text);
    const known = await store().findFingerprint();
    if (known === undefined) return ok('Nobody has used the reference-id key yet');
    const { REFERENCE_ID: referenceId, OWNER_NAMESPACE: namespace } = settings();
    const found = namingFault(known, fingerprintOf(key, { referenceId, namespace }));
    if (found) return fault(`${sentence(found.finding)}: no user can be named`, `${sentence(found.remedy)}.`);
    return ok(
      known.naming === undefined
        ? 'The reference-id key is the one the table was begun with; namespace and mode are stored with the next session or token'
        : 'Reference-id key, namespace and mode are those the table was begun with',
    );
  },
};

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

async function shapeOf(
  vault: Vault,
  name: SecretName,
  remedy: string,
  judge: (text: string) => Verdict,
): Promise<Verdict> {
  const { text } = await vault.read(name);
  try {
    parsers[name](text);
  } catch (error) {
    if (error instanceof SecretFault) return fault(`The secret ${name} ${error.message}`, remedy);
    throw error;
  }
  return judge(text);
}
