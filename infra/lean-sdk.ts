import { CredentialsProviderError } from '@smithy/core/config';

/*
 * Stands in for modules of the AWS SDK in every bundle; `leanModules` in `bundle.ts` says for which. A Lambda function has
 * its keys, its region and all its settings in the environment, on a Node with native cryptography, and calls only what
 * `functions/` names: the rest would make each cold start longer. What is needed after all says so instead of guessing.
 */

/** For the default credential chain: the keys Lambda puts into the environment or none; no SSO, INI files, metadata servers. */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';

/** For settings from `~/.aws`: there are none, so the SDK goes on to its defaults. */
export const fromSharedConfigFiles = () => async () => {
  throw new CredentialsProviderError('settings come from the environment only');
};

/** For the region of an EC2 instance: unknown, so that a region missing from the environment is an error. */
export const getInstanceMetadataRegion = async (): Promise<undefined> => undefined;

/** For DynamoDB's endpoint discovery, off unless asked for: here it cannot be asked for. */
export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {
  environmentVariableSelector: () => false,
  configFileSelector: () => false,
  default: false,
};
export const resolveEndpointDiscoveryConfig = <Config>(config: Config): Config => config;

/** For the trace ids of several requests at once: a process here has one request, whose id the environment tells. */
export const InvokeStore = { getInstanceAsync: async (): Promise<undefined> => undefined };

/** For the SDK's own log of each call: its clients have no logger here. */
export const loggerMiddlewareOptions = {};
export const loggerMiddleware = () => (next: unknown) => next;
export const getLoggerPlugin = () => ({ applyToStack: () => undefined });

/** For SHA-256 in JavaScript, meant for a Node without native cryptography. */
export function Sha256Js(): never {
  throw new Error('this Node has no SHA-256');
}

/** For the retry mode `adaptive`, which no client here is set to. */
export function AdaptiveRetryStrategy(): never {
  throw new Error('the retry mode "adaptive" is left out of the bundles');
}

/** For the endpoints of S3's buckets. */
export function resolveParamsForS3(): never {
  throw new Error('S3 is left out of the bundles');
}

/** For the headers of signed event streams. */
export class HeaderFormatter {
  format(): never {
    throw new Error('event streams are left out of the bundles');
  }
}

/** For times in AWS's answers, which the SDK takes apart digit by digit: Node reads the same forms. */
export function parseEpochTimestamp(seconds: number | string | null | undefined): Date | undefined {
  return seconds === null || seconds === undefined ? undefined : validTime(Math.round(Number(seconds) * 1000));
}
export function parseRfc3339DateTimeWithOffset(text: string | null | undefined): Date | undefined {
  return text === null || text === undefined ? undefined : validTime(text);
}
export const parseRfc3339DateTime = parseRfc3339DateTimeWithOffset;
export const parseRfc7231DateTime = parseRfc3339DateTimeWithOffset;
export const dateToUtcString = (time: Date): string => time.toUTCString();

function validTime(told: number | string): Date {
  const time = new Date(told);
  if (Number.isNaN(time.getTime())) throw new TypeError('a time that is none');
  return time;
}
