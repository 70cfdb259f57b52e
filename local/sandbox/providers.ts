/** How a provider is connected: in a browser, or by Terra's SDK on a phone. */
export type ProviderKind = 'web' | 'sdk';

export type Provider = {
  id: string;
  name: string;
  kind: ProviderKind;
  /** Whether the provider is enabled in this environment's dashboard. */
  enabled: boolean;
  scopes: readonly string[];
  types: readonly string[];
};

const wearable = ['activity', 'body', 'daily', 'sleep'];

/** A part of Terra's catalogue, with Terra's identifiers. Names: docs.tryterra.co set-up pages; example app. */
export const providers: readonly Provider[] = [
  web(
    'GARMIN',
    'Garmin',
    ['ACTIVITY_EXPORT', 'HEALTH_EXPORT', 'HISTORICAL_DATA_EXPORT'],
    [...wearable, 'menstruation'],
  ),
  web('FITBIT', 'Fitbit', ['activity', 'heartrate', 'sleep', 'weight', 'profile'], [...wearable, 'nutrition']),
  web('OURA', 'Oura', ['daily', 'heartrate', 'workout', 'spo2'], wearable),
  web('WHOOP', 'WHOOP', ['read:recovery', 'read:sleep', 'read:workout', 'read:profile'], wearable),
  web('WITHINGS', 'Withings', ['user.metrics', 'user.activity'], wearable),
  web('POLAR', 'Polar', ['accesslink.read_all'], wearable),
  web('STRAVA', 'Strava', ['activity:read_all', 'profile:read_all'], ['activity']),
  web('SUUNTO', 'Suunto', ['workout', 'daily'], ['activity', 'daily', 'sleep']),
  web('COROS', 'COROS', ['activity', 'daily'], ['activity', 'daily', 'sleep']),
  web('GOOGLE', 'Google Fit', ['fitness.activity.read', 'fitness.sleep.read'], wearable),
  web('DEXCOM', 'Dexcom', ['offline_access'], ['body']),
  web('EIGHT', 'Eight Sleep', ['sleep'], ['sleep']),
  { ...web('PELOTON', 'Peloton', ['activity'], ['activity']), enabled: false },
  { ...web('MAPMYFITNESS', 'MapMyFitness', ['activity'], ['activity']), enabled: false },
  sdk('APPLE', 'Apple Health'),
  sdk('SAMSUNG', 'Samsung Health'),
  sdk('HEALTH_CONNECT', 'Health Connect'),
  { ...sdk('FREESTYLELIBRESDK', 'FreeStyle Libre'), enabled: false },
];

/** Returns the provider of this name, ignoring case. The SDK uses APPLE_HEALTH for APPLE. */
export function findProvider(name: string): Provider | undefined {
  const id = name.trim().toUpperCase();
  return providers.find(provider => provider.id === (id === 'APPLE_HEALTH' ? 'APPLE' : id));
}

function web(id: string, name: string, scopes: readonly string[], types: readonly string[]): Provider {
  return { id, name, kind: 'web', enabled: true, scopes, types };
}

function sdk(id: string, name: string): Provider {
  return { id, name, kind: 'sdk', enabled: true, scopes: ['activity', 'sleep', 'heart_rate'], types: wearable };
}
