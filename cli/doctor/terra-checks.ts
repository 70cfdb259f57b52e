import { Problem } from '../../functions/core/http/errors';
import type { TerraCredentials } from '../../functions/core/platform/secrets';
import { credentialsOf, terraOf } from '../services';
import { terraSubscriptions } from '../subscriptions';
import { type Check, countOf, fault, ok, type Patient, type Verdict, warning } from './check';

export const credentialsCheck: Check = {
  name: 'terra-credentials',
  look: async patient => judgeCredentials(await credentialsOf(patient.vault), patient),
};

/** Tries credentials with a request that changes nothing; where they are refused, tries them the other way round. */
export async function judgeCredentials(
  credentials: TerraCredentials,
  { settings, clock }: Pick<Patient, 'settings' | 'clock'>,
): Promise<Verdict> {
  const accepted = (tried: TerraCredentials) =>
    terraSubscriptions({ apiUrl: settings().TERRA_API_URL, credentials: async () => tried, clock })(0, 1).then(
      () => true,
      error => {
        if (error instanceof Problem && error.code === 'terra_credentials') return false;
        throw error;
      },
    );
  if (await accepted(credentials)) return ok('Terra accepts dev-id and API key');
  const swapped = { devId: credentials.apiKey, apiKey: credentials.devId };
  const remedy = 'Put them right: `npm run secrets -- set terra-api`.';
  return (await accepted(swapped))
    ? fault('Dev-id and API key are swapped: the one is stored in the place of the other', remedy)
    : fault('Terra accepts neither this dev-id with this API key, nor the two swapped', remedy);
}

/** A reference id no owner has: what is opened in its name is never shown to anyone and ends by itself. */
const NOBODY = 'terra-connect-doctor';

export const widgetCheck: Check = {
  name: 'widget-endpoint',
  async look({ settings, vault, clock }) {
    const set = settings();
    const terra = terraOf(set, () => credentialsOf(vault), clock);
    const successUrl = `${set.CALLBACK_BASE}/doctor/success`;
    const failureUrl = `${set.CALLBACK_BASE}/doctor/failure`;
    try {
      await terra.openWidget({ referenceId: NOBODY, successUrl, failureUrl });
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'terra_endpoint_gone') throw error;
      const remedy =
        set.WIDGET === 'legacy'
          ? 'Set "widget" to "current" in the settings and deploy.'
          : 'Look up the present address in Terra’s documentation, set "terraWidgetUrl" and deploy.';
      return fault(`Terra has withdrawn the widget endpoint ${set.TERRA_WIDGET_URL} (410)`, remedy);
    }
    if (set.WIDGET === 'legacy') {
      return warning(
        'The widget endpoint in use is the deprecated one, planned to end on 3 November 2026',
        'Set "widget" to "current" in the settings and deploy.',
      );
    }
    return ok('The widget endpoint opens sessions');
  },
};

export const providersCheck: Check = {
  name: 'providers',
  async look({ settings, vault, clock }) {
    const providers = await terraOf(settings(), () => credentialsOf(vault), clock).listProviders();
    if (providers.length > 0) return ok(`${countOf(providers.length, 'provider')} enabled`);
    return fault(
      'No provider is enabled for this dev-id: nobody can connect anything',
      'Enable them in Terra’s dashboard (Connections), in the environment this dev-id belongs to.',
    );
  },
};
