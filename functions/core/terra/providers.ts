/**
 * Providers that connect on the phone, through Terra's mobile SDK, and have no web page.
 * Sources: Terra's SDK reference (Android `Connections`) and the `sdk_providers` of `GET /integrations`.
 */
const sdkProviders: ReadonlySet<string> = new Set([
  'APPLE',
  'APPLE_HEALTH',
  'SAMSUNG',
  'HEALTH_CONNECT',
  'GOOGLEFIT',
  'GOOGLE_FIT',
  'FREESTYLELIBRESDK',
]);

/** Returns a provider's name in Terra's spelling: upper case. */
export const providerId = (name: string): string => name.trim().toUpperCase();

/** Returns how a provider is connected: `web` in a browser, `sdk` with the mobile SDK. */
export const providerKind = (provider: string): 'web' | 'sdk' =>
  sdkProviders.has(providerId(provider)) ? 'sdk' : 'web';
