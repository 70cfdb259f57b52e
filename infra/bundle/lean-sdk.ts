import { partition } from '@aws-sdk/core/client';
import { CredentialsProviderError } from '@smithy/core/config';
import { getHttpHandlerExtensionConfiguration } from '@smithy/core/protocols';

/*
 * Replaces modules of the AWS SDK in every bundle; `leanModules` in `bundle.ts` says which. The functions need none of
 * them: a Lambda function has its credentials, its region and all its settings in the environment, runs on a Node with
 * native cryptography, and calls only what `functions/` names. Everything else would make each cold start slower.
 *
 * Each comment says what the SDK's module does, why no function needs it, and what happens if it is used after all.
 */

/**
 * Replaces the default credential chain: SSO, INI files, web identity, processes and metadata servers. Lambda puts the
 * credentials into the environment. Without them a call fails with `Unable to find environment variable credentials.`
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';

/** Replaces settings from `~/.aws`, which Lambda does not have. The SDK continues with the default of each setting. */
export const fromSharedConfigFiles = () => async () => {
  throw new CredentialsProviderError('settings come from the environment only');
};

/** Replaces the region that an EC2 instance reports. Lambda sets `AWS_REGION`. Without it a call fails with `Region is missing`. */
export const getInstanceMetadataRegion = async (): Promise<undefined> => undefined;

/** Replaces DynamoDB's endpoint discovery, which is off by default and cannot be turned on here. */
export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {
  environmentVariableSelector: () => false,
  configFileSelector: () => false,
  default: false,
};
export const resolveEndpointDiscoveryConfig = <Config>(config: Config): Config => config;

interface EndpointParameters {
  readonly Region?: string;
  readonly Endpoint?: string;
  readonly EndpointId?: string;
  readonly UseFIPS?: boolean;
  readonly UseDualStack?: boolean;
  readonly AccountIdEndpointMode?: string;
}

interface Endpoint {
  readonly url: URL;
  readonly properties: Readonly<Record<string, never>>;
}

/*
 * Replace the endpoint rules of each service and the interpreter that evaluates them, 10 KiB in all. The functions use
 * the regional endpoint, the FIPS endpoint if `AWS_USE_FIPS_ENDPOINT` asks for it, or the one in `AWS_ENDPOINT_URL…`.
 * The SDK's partitions still give the domain, for example of China. Dual-stack endpoints, EventBridge's global endpoints
 * and a required account endpoint of DynamoDB fail. A preferred account endpoint (DynamoDB's default, if the credentials
 * name an account; Lambda's do not) becomes the regional one, which serves every account.
 */
export const dynamoDbEndpoint = (parameters: EndpointParameters) => endpointOf('dynamodb', parameters);
export const eventBridgeEndpoint = (parameters: EndpointParameters) => endpointOf('events', parameters);
export const secretsManagerEndpoint = (parameters: EndpointParameters) => endpointOf('secretsmanager', parameters);
export const sqsEndpoint = (parameters: EndpointParameters) => endpointOf('sqs', parameters);

/** Cached by service, region and options, because every call asks for its endpoint and parsing the URL is slow. */
const endpoints = new Map<string, Endpoint>();

function endpointOf(service: string, parameters: EndpointParameters): Endpoint {
  const { Region = '', Endpoint, EndpointId, UseFIPS = false, UseDualStack, AccountIdEndpointMode } = parameters;
  if (UseDualStack)
    throw new Error('dual-stack endpoints are left out of the bundles: unset AWS_USE_DUALSTACK_ENDPOINT');
  if (EndpointId !== undefined) throw new Error('global endpoints of EventBridge are left out of the bundles');
  if (Endpoint !== undefined && UseFIPS) {
    throw new Error('FIPS and a custom endpoint exclude each other: unset AWS_USE_FIPS_ENDPOINT or AWS_ENDPOINT_URL');
  }
  if (Endpoint === undefined && AccountIdEndpointMode === 'required') {
    throw new Error('account endpoints are left out of the bundles: unset AWS_ACCOUNT_ID_ENDPOINT_MODE');
  }
  const key = `${service} ${Endpoint ?? Region} ${UseFIPS}`;
  const known = endpoints.get(key);
  if (known !== undefined) return known;
  const made = { url: new URL(Endpoint ?? regionalUrl(service, Region, UseFIPS)), properties: {} };
  endpoints.set(key, made);
  return made;
}

function regionalUrl(service: string, region: string, useFips: boolean): string {
  const { name, dnsSuffix } = partition(region);
  // In GovCloud the regional endpoints are the FIPS endpoints, except for Secrets Manager.
  const suffix = useFips && (name !== 'aws-us-gov' || service === 'secretsmanager') ? '-fips' : '';
  return `https://${service}${suffix}.${region}.${dnsSuffix}`;
}

/**
 * Replaces the extensions of a client, plug-ins that change its settings. No client here has one; a client with one fails
 * to be made. What the SDK's module does without extensions remains: it gives the logger and the default socket timeout to
 * the request handler.
 */
export function resolveRuntimeExtensions<Config extends Parameters<typeof getHttpHandlerExtensionConfiguration>[0]>(
  config: Config,
  extensions: readonly unknown[],
): Config {
  if (extensions.length > 0) throw new Error('extensions of clients are left out of the bundles');
  getHttpHandlerExtensionConfiguration(config);
  return config;
}

/** Replaces the warning about versions of Node that later releases of the SDK do not support: a bundle contains this release. */
export const state = { warningEmitted: true };
export const emitWarningIfUnsupportedVersion = (): void => undefined;

/** Replaces the trace ids of concurrent requests: a process serves one request at a time, and the environment has its id. */
export const InvokeStore = { getInstanceAsync: async (): Promise<undefined> => undefined };

/** Replaces the SDK's own log of each call. No client here has a logger; a client with one logs no calls. */
export const loggerMiddlewareOptions = {};
export const loggerMiddleware = () => (next: unknown) => next;
export const getLoggerPlugin = () => ({ applyToStack: () => undefined });

/** Replaces what removes sensitive members from that log. If something is logged after all, the log has this text instead. */
export const schemaLogFilter = (): string => 'left out of the bundles';

/** Replaces SHA-256 in JavaScript, for a Node without native cryptography. Fails. */
export function Sha256Js(): never {
  throw new Error('this Node has no SHA-256');
}

/** Replaces the retry mode `adaptive`, which no client here uses. `AWS_RETRY_MODE=adaptive` makes every call fail. */
export function AdaptiveRetryStrategy(): never {
  throw new Error('the retry mode "adaptive" is left out of the bundles');
}

/** Replaces the endpoints of S3's buckets. No function calls S3. Fails. */
export function resolveParamsForS3(): never {
  throw new Error('S3 is left out of the bundles');
}

/** Replaces the headers of signed event streams. No function streams events. Fails. */
export class HeaderFormatter {
  format(): never {
    throw new Error('event streams are left out of the bundles');
  }
}

/**
 * Replaces what builds paths, queries and headers for REST services. The four services here take `POST /` with JSON; the
 * SDK asks only whether an operation adds a prefix to its host. None does; an operation that does fails.
 */
export function getHttpOperationBindings({ traits }: { readonly traits?: unknown }): readonly undefined[] {
  if (typeof traits === 'object' && traits !== null && 'endpoint' in traits) return HttpBindingNormalizedSchema.of();
  return [];
}
export const HttpBindingNormalizedSchema = {
  of(): never {
    throw new Error('host prefixes are left out of the bundles');
  },
};

/**
 * Replaces the methods of a string that the SDK gives to the bytes of a request, for middleware that reads them as text.
 * No client here has such middleware. The bytes are a `Buffer`: methods that it lacks fail as "not a function".
 */
export const JsonBytesStringAdapter = { allocUnsafe: (length: number): Buffer => Buffer.allocUnsafe(length) };

/** Replaces the parsers of times in responses. They read a time digit by digit; `Date` reads the same forms. */
export function parseEpochTimestamp(seconds: number | string | null | undefined): Date | undefined {
  return seconds === null || seconds === undefined ? undefined : validTime(Math.round(Number(seconds) * 1000));
}
export function parseRfc3339DateTimeWithOffset(text: string | null | undefined): Date | undefined {
  return text === null || text === undefined ? undefined : validTime(text);
}
export const parseRfc3339DateTime = parseRfc3339DateTimeWithOffset;
export const parseRfc7231DateTime = parseRfc3339DateTimeWithOffset;
export const dateToUtcString = (time: Date): string => time.toUTCString();

function validTime(value: number | string): Date {
  const time = new Date(value);
  if (Number.isNaN(time.getTime())) throw new TypeError(`not a valid time: ${value}`);
  return time;
}
