import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { agents } from './agents';
import { type Instant, MINUTE, SECOND, systemClock } from './clock';
import { dynamoStore } from '../store/dynamo-store';
import type { EnvironmentName } from './environment';
import type { RowFindings } from '../store/items';
import { type AlarmName, consoleLog } from './log';
import { ownerNaming } from '../state/owner';
import type { AppLook } from '../http/page';
import { systemRandom } from './random';
import type { RecordDeps } from '../state/record';
import type { Rules } from '../state/rules';
import {
  cachedSecret,
  parseReferenceKey,
  parseTerraCredentials,
  parseWebhookSecrets,
  type Secret,
  type WebhookSecrets,
} from './secrets';
import type { ServeDeps } from '../http/serve';
import type { Store } from '../store/store';
import { type Terra, terraClient } from '../terra/terra';

/*
 * Creates the dependencies of the functions from the environment. Only this file reads the environment, and only it and
 * `publishing-dependencies.ts` create SDK clients. Import it with `import * as dependencies`: a bundle then contains only the
 * exports that its function uses.
 */

export const clock = systemClock;
export const random = systemRandom;
export const log = consoleLog;

/** Waits a random time up to `most`, so that conflicting writers do not retry at the same time. */
export const pause = (most: Instant) => wait(Math.random() * most);

export const alarm = (name: AlarmName) => consoleLog('warn', 'alarm', { alarm: name });

const noteRows = (findings: RowFindings) =>
  consoleLog('warn', 'rows', { ...findings, ...(findings.unreadableRows > 0 && { alarm: 'unreadable_row' }) });

export const serveDeps = (): ServeDeps => ({ issuer: setting('ISSUER'), clock, log: consoleLog });

export const store = (): Store => dynamoStore(dynamoClient(), required('TABLE_NAME'), noteRows);

export const confirmation = () => oneOf('CONFIRMATION', ['required', 'off']);

export const rules = (): Rules => ({
  confirmation: confirmation(),
  confirmWithin: positive('CONFIRM_WITHIN_MINUTES') * MINUTE,
  referenceId: oneOf('REFERENCE_ID', ['opaque', 'subject']),
});

export const dataEvents = () => oneOf('DATA_EVENTS', ['coalesce', 'ignore']);

export const recordDeps = (): RecordDeps => ({ store: store(), clock, rules: rules(), pause });

export const referenceKey = (): (() => Promise<string>) =>
  cachedSecret('reference-key', secretText('REFERENCE_KEY_SECRET'), parseReferenceKey, clock).read;

/** `mayBeFirst`: the function creates records, so it can be the first to use the key and stores its fingerprint. */
export const ownerOf = ({ mayBeFirst = false, readKey = referenceKey() } = {}) =>
  ownerNaming({
    referenceId: oneOf('REFERENCE_ID', ['opaque', 'subject']),
    namespace: required('OWNER_NAMESPACE'),
    referenceKey: readKey,
    store: store(),
    mayBeFirst,
    alarm,
  });

export const webhookSecrets = (): Secret<WebhookSecrets> =>
  cachedSecret('terra-webhook', secretText('TERRA_WEBHOOK_SECRET'), parseWebhookSecrets, clock);

export const terra = (): Terra =>
  terraClient({
    apiUrl: required('TERRA_API_URL'),
    widgetUrl: required('TERRA_WIDGET_URL'),
    widget: setting('WIDGET') === 'legacy' ? 'legacy' : 'current',
    allowUnboundTokens: setting('ALLOW_UNBOUND_TOKENS') === 'true',
    credentials: cachedSecret('terra-api', secretText('TERRA_API_SECRET'), parseTerraCredentials, clock).read,
    clock,
  });

export const returnTargets = (): ReadonlyMap<string, string> =>
  new Map(Object.entries(JSON.parse(required('RETURN_TARGETS')) as Record<string, string>));

/** The part of Lambda's context object that scheduled functions use. */
export type Invocation = { getRemainingTimeInMillis(): number };

/** Longest time of one step of a scheduled function: a request to Terra (9 s) and the writes that follow. */
const FINISHES_WITHIN = 12 * SECOND;

/** Returns when a scheduled function must stop starting new work, so that Lambda's time limit never ends it. */
export const runUntil = (invocation: Invocation): Instant =>
  clock() + invocation.getRemainingTimeInMillis() - FINISHES_WITHIN;

/** Returns how pages show the app; undefined if it is not set. */
export const appLook = (): AppLook | undefined => {
  const text = setting('APP_LOOK');
  return text === undefined ? undefined : (JSON.parse(text) as AppLook);
};

/** Limits each attempt of an AWS call. Without `throwOnRequestTimeout` the SDK only logs a warning and keeps waiting. */
export const awsRequests = {
  connectionTimeout: SECOND,
  requestTimeout: 2 * SECOND,
  throwOnRequestTimeout: true,
  httpAgent: agents['http:'],
  httpsAgent: agents['https:'],
};

/** Limits the SDK's retries, so that AWS calls stay within the time of a request. */
const awsLimits = {
  // The middleware never changes, so it is resolved once instead of for each call.
  cacheMiddleware: true,
  maxAttempts: 3,
  requestHandler: awsRequests,
};

let dynamo: DynamoDBClient | undefined;
const dynamoClient = () => (dynamo ??= new DynamoDBClient(awsLimits));

let secretsManager: SecretsManagerClient | undefined;
function secretText(name: EnvironmentName): () => Promise<string> {
  const client = (secretsManager ??= new SecretsManagerClient(awsLimits));
  return async () => {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: required(name) }));
    return SecretString ?? '';
  };
}

function setting(name: EnvironmentName): string | undefined {
  return process.env[name];
}

export function required(name: EnvironmentName): string {
  const value = setting(name);
  if (value === undefined || value === '') throw new Error(`environment variable ${name} is missing`);
  return value;
}

export function positive(name: EnvironmentName): number {
  const value = Number(required(name));
  if (!Number.isFinite(value) || value <= 0) throw new Error(`environment variable ${name} is not a positive number`);
  return value;
}

function oneOf<const V extends string>(name: EnvironmentName, values: readonly V[]): V {
  const value = required(name);
  const known = values.find(each => each === value);
  if (known === undefined) throw new Error(`environment variable ${name} is none of ${values.join(', ')}`);
  return known;
}
