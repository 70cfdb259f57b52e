import { createHash } from 'node:crypto';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { parseReferenceKey, parseTerraCredentials, parseWebhookSecrets } from '../functions/core/platform/secrets';
import type { EnvironmentName } from '../functions/core/platform/environment';
import { type Deployment, variableOf } from './deployment';
import { OperatorError, toldBy } from './failure';

/** The three secrets of a deployment, by the last part of their names. */
export type SecretName = 'terra-api' | 'terra-webhook' | 'reference-key';

export type StoredSecret = { text: string; storedAt: Date | undefined };

export type Vault = {
  read(name: SecretName): Promise<StoredSecret>;
  write(name: SecretName, text: string): Promise<void>;
};

/** Where the deployment says which secret it is: the stack's output and the functions' variable. */
const told = {
  'terra-api': { output: 'TerraApiSecretName', variable: 'TERRA_API_SECRET' },
  'terra-webhook': { output: 'TerraWebhookSecretName', variable: 'TERRA_WEBHOOK_SECRET' },
  'reference-key': { output: 'ReferenceKeySecretName', variable: 'REFERENCE_KEY_SECRET' },
} as const satisfies Record<SecretName, { output: string; variable: EnvironmentName }>;

/** The deployment's secrets in Secrets Manager. */
export function vaultOf(deployment: Deployment): Vault {
  const client = new SecretsManagerClient(deployment.clientOptions('secretsmanager'));
  const idOf = (name: SecretName): string => {
    const { output, variable } = told[name];
    const id = deployment.outputs[output] ?? variableOf(deployment, variable);
    if (id !== undefined) return id;
    throw new OperatorError(
      `${deployment.name} does not tell the name of its secret ${name}`,
      'Is it a terra-connect stack? Deploy it again.',
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

/** What tells two values apart without telling either; of the reference-id key it is what the table remembers. */
export function fingerprintOf(name: string, value: string): string {
  return createHash('sha256').update(`${name}:${value}`).digest('base64url');
}

/** How the functions read each secret; throws `SecretFault` where they would not take it. */
export const parsers = {
  'terra-api': parseTerraCredentials,
  'terra-webhook': parseWebhookSecrets,
  'reference-key': parseReferenceKey,
} as const satisfies Record<SecretName, (text: string) => unknown>;

const notFound = (id: string) => (error: unknown) => {
  if (toldBy(error).name !== 'ResourceNotFoundException') throw error;
  throw new OperatorError(`The secret ${id} does not exist`, 'Deploy the stack again; it creates its secrets.');
};
