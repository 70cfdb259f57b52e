import { appLook } from '../settings/app-look';
import type { Environment } from './connect-function';
import type { Settings } from '../settings/settings';

/** The parts of the environment that several functions share, as the settings make them. */
export function environmentOf(settings: Settings) {
  const issuer = { ISSUER: settings.issuer };
  const referenceId = { REFERENCE_ID: settings.referenceId };
  return {
    issuer,
    referenceId,
    identity: { ...issuer, ...referenceId, OWNER_NAMESPACE: settings.ownerNamespace },
    terra: { TERRA_API_URL: settings.terraApiUrl, TERRA_WIDGET_URL: settings.terraWidgetUrl },
    confirmation: { CONFIRMATION: settings.confirmation, CONFIRM_WITHIN_MINUTES: `${settings.confirmWithinMinutes}` },
    appLook: settings.app === undefined ? {} : { APP_LOOK: JSON.stringify(appLook(settings.app)) },
    returnTargets: { RETURN_TARGETS: JSON.stringify(settings.returnTargets) },
  } satisfies Record<string, Environment>;
}
