import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { Clock } from '../functions/core/platform/clock';
import { dynamoStore } from '../functions/core/store/dynamo-store';
import { type EventBus, eventBridge } from '../functions/core/events/event-bus';
import { ownerNaming } from '../functions/core/state/owner';
import type { RecordDeps } from '../functions/core/state/record';
import { parseReferenceKey, parseTerraCredentials, type TerraCredentials } from '../functions/core/platform/secrets';
import type { Store } from '../functions/core/store/store';
import { type Terra, terraClient } from '../functions/core/terra/terra';
import { type DeployedSettings, rulesOf } from './deployed-settings';
import type { Deployment } from './deployment';
import type { SecretStore } from './secret-store';

export const storeOf = (deployment: Deployment, settings: DeployedSettings): Store =>
  dynamoStore(new DynamoDBClient(deployment.clientOptions('dynamodb')), settings.TABLE_NAME);

export const busOf = (deployment: Deployment, settings: DeployedSettings): EventBus =>
  eventBridge(new EventBridgeClient(deployment.clientOptions('events')), settings.BUS_NAME);

/** What `functions/core/state` needs to change an owner's records by the deployment's rules. */
export const recordDepsOf = (deployment: Deployment, settings: DeployedSettings, clock: Clock): RecordDeps => ({
  store: storeOf(deployment, settings),
  rules: rulesOf(settings),
  clock,
  pause: most => wait(Math.random() * most),
});

export const credentialsOf = async (secrets: SecretStore): Promise<TerraCredentials> =>
  parseTerraCredentials((await secrets.read('terra-api')).text);

/** A client of Terra with the deployment's settings. */
export function terraOf(settings: DeployedSettings, credentials: () => Promise<TerraCredentials>, clock: Clock): Terra {
  return terraClient({
    apiUrl: settings.TERRA_API_URL,
    widgetUrl: settings.TERRA_WIDGET_URL,
    widget: settings.WIDGET,
    allowUnboundTokens: settings.ALLOW_UNBOUND_TOKENS,
    credentials,
    clock,
  });
}

/**
 * Returns a function that computes the reference id of a subject. The function throws if the reference-id key is not the one
 * whose fingerprint the table stores.
 */
export function referenceIds(
  store: Store,
  settings: DeployedSettings,
  secrets: SecretStore,
): (sub: string) => Promise<string> {
  const ownerOf = ownerNaming({
    referenceId: settings.REFERENCE_ID,
    namespace: settings.OWNER_NAMESPACE,
    referenceKey: async () => parseReferenceKey((await secrets.read('reference-key')).text),
    store,
    mayBeFirst: false,
    alarm: () => {},
  });
  return async sub => (await ownerOf({ sub })).referenceId;
}
