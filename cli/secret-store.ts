import { createHash } from 'node:crypto';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  parseReferenceKey,
  parseTerraCredentials,
  parseWebhookSecrets,
  SecretFault,
} from '../functions/core/platform/secrets';
import type { EnvironmentName } from '../functions/core/platform/environment';
import { type Deployment, variableOf } from './deployment';
import { OperatorError, errorFields } from './failure';

/** Last part of the name of each of the deployment's three secrets. */
export type SecretName = 'terra-api' | 'terra-webhook' | 'reference-key';

export type StoredSecret = { text: string; storedAt: Date | undefined };

export type SecretStore = {
  read(name: SecretName): Promise<StoredSecret>;
  write(name: SecretName, text: string): Promise<void>;
};

/** The stack output and the environment variable that contain each secret's name or ARN. */
const nameSources = {
  'terra-api': { output: 'TerraApiSecretName', variable: 'TERRA_API_SECRET' },
  'terra-webhook': { output: 'TerraWebhookSecretName', variable: 'TERRA_WEBHOOK_SECRET' },
  'reference-key': { output: 'ReferenceKeySecretName', variable: 'REFERENCE_KEY_SECRET' },
} as const satisfies Record<SecretName, { output: string; variable: EnvironmentName }>;

/** Reads and writes the deployment's secrets in Secrets Manager. @throws OperatorError if one does not exist. */
export function secretStoreOf(deployment: Deployment): SecretStore {
  const client = new SecretsManagerClient(deployment.clientOptions('secretsmanager'));
  const idOf = (name: SecretName): string => {
    const { output, variable } = nameSources[name];
    const id = deployment.outputs[output] ?? variableOf(deployment, variable);
    if (id !== undefined) return id;
    throw new OperatorError(
      `${deployment.name} has neither an output ${output} nor a function with ${variable}`,
      'Check that it is a terra-connect stack, then deploy it again.',
    );
  };
  return {
    async read(name) {
      const SecretId = idOf(name);
      const answer = await client.send(new GetSecretValueCommand({ SecretId })).catch(notFound(SecretId));
      return { text: answer.SecretString ?? '', storedAt: answer.CreatedDate };
    },
    async write(name, text) {
      const SecretId = idOf(name);
      await client.send(new PutSecretValueCommand({ SecretId, SecretString: text })).catch(notFound(SecretId));
    },
  };
}

/** Returns a hash by which values can be compared. The table stores this hash of the reference-id key. */
export function fingerprintOf(name: string, value: string): string {
  return createHash('sha256').update(`${name}:${value}`).digest('base64url');
}

/** The functions' own parsers of each secret. They throw `SecretFault` for a value that the functions refuse. */
export const parsers = {
  'terra-api': parseTerraCredentials,
  'terra-webhook': parseWebhookSecrets,
  'reference-key': parseReferenceKey,
} as const satisfies Record<SecretName, (text: string) => unknown>;

/** Returns why the functions would refuse a value, as the end of a sentence; undefined if they accept it. */
export function secretFault(name: SecretName, text: string): string | undefined {
  try {
    parsers[name](text);
    return undefined;
  } catch (error) {
    if (error instanceof SecretFault) return error.message;
    throw error;
  }
}

const notFound = (id: string) => (error: unknown) => {
  if (errorFields(error).name !== 'ResourceNotFoundException') throw error;
  throw new OperatorError(`The secret ${id} does not exist`, 'Deploy the stack again, which creates its secrets.');
};
