import { Problem } from '../../functions/core/http/errors';
import type { TerraCredentials } from '../../functions/core/platform/secrets';
import { credentialsOf, terraOf } from '../services';
import { terraSubscriptions } from '../subscriptions';
import { type Check, plural, fault, ok, type CheckContext, type CheckResult, warning } from './check';

export const credentialsCheck: Check = {
  name: 'terra-credentials',
  run: async context => checkCredentials(await credentialsOf(context.secrets), context),
};

/** Tries credentials with a request that changes nothing. If Terra refuses them, tries them swapped. */
export async function checkCredentials(
  credentials: TerraCredentials,
  { settings, clock }: Pick<CheckContext, 'settings' | 'clock'>,
): Promise<CheckResult> {
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
  const remedy = 'Set them again: `npm run secrets -- set terra-api`.';
  return (await accepted(swapped))
    ? fault('Dev-id and API key are swapped: each is stored in place of the other', remedy)
    : fault('Terra refuses the dev-id and API key, also when swapped', remedy);
}

/** A reference id that no user has. Nobody sees the widget session opened for it, which expires by itself. */
const TEST_REFERENCE_ID = 'terra-connect-doctor';

export const widgetCheck: Check = {
  name: 'widget-endpoint',
  async run({ settings, secrets, clock }) {
    const set = settings();
    const terra = terraOf(set, () => credentialsOf(secrets), clock);
    const successUrl = `${set.CALLBACK_BASE}/doctor/success`;
    const failureUrl = `${set.CALLBACK_BASE}/doctor/failure`;
    try {
      await terra.openWidget({ referenceId: TEST_REFERENCE_ID, successUrl, failureUrl });
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'terra_endpoint_gone') throw error;
      const remedy =
        set.WIDGET === 'legacy'
          ? 'Set "widget" to "current" in the settings and deploy.'
          : 'Set "terraWidgetUrl" to the URL in Terra’s documentation and deploy.';
      return fault(`Terra has withdrawn the widget endpoint ${set.TERRA_WIDGET_URL} (410)`, remedy);
    }
    if (set.WIDGET === 'legacy') {
      return warning(
        'The deprecated widget endpoint is in use, which Terra planned to end on 3 November 2026',
        'Set "widget" to "current" in the settings and deploy.',
      );
    }
    return ok('The widget endpoint opens sessions');
  },
};

export const providersCheck: Check = {
  name: 'providers',
  async run({ settings, secrets, clock }) {
    const providers = await terraOf(settings(), () => credentialsOf(secrets), clock).listProviders();
    if (providers.length > 0) return ok(`${plural(providers.length, 'provider')} enabled`);
    return fault(
      'No provider is enabled for this dev-id, so users cannot connect anything',
      'Enable providers in Terra’s dashboard (Connections), in the environment of this dev-id.',
    );
  },
};
