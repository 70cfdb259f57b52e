/**
 * Providers that connect on the phone, through Terra's mobile SDK, and have no web page to send a browser to.
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

/** Terra's spelling of a provider: upper case. Names are compared without case. */
export const providerId = (name: string): string => name.trim().toUpperCase();

/** How a provider is connected: in a browser, or with the mobile SDK. */
export const providerKind = (provider: string): 'web' | 'sdk' =>
  sdkProviders.has(providerId(provider)) ? 'sdk' : 'web';
