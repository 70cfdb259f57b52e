import { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { ConnectSecret } from './connect-secret';

/** Secrets that exist already, each of the shape its description below tells. */
export type BroughtSecrets = {
  readonly [name in 'terraApi' | 'terraWebhook' | 'referenceKey']?: Secret | ISecret | undefined;
};

type ConnectSecretsProps = {
  readonly stage: string;
  readonly brought: BroughtSecrets;
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey: IKey | undefined;
};

/** The three secrets. No function may read both of Terra's: who can call Terra cannot sign as Terra. */
export class ConnectSecrets extends Construct {
  /** `{"devId","apiKey"}`: our keys to Terra's API. */
  readonly terraApi: ConnectSecret;
  /** `{"current","previous"?,"previousValidUntil"?}`: what Terra signs its webhooks with. */
  readonly terraWebhook: ConnectSecret;
  /** What reference ids are made with. Retained always: losing it orphans every user. */
  readonly referenceKey: ConnectSecret;

  constructor(scope: Construct, id: string, { stage, brought, ...kept }: ConnectSecretsProps) {
    super(scope, id);
    this.terraApi = new ConnectSecret(this, 'TerraApi', {
      brought: brought.terraApi,
      name: `${stage}/terra-api`,
      description: 'Terra API credentials: {"devId":"...","apiKey":"..."}',
      variable: 'TERRA_API_SECRET',
      filledBy: 'person',
      ...kept,
    });
    this.terraWebhook = new ConnectSecret(this, 'TerraWebhook', {
      brought: brought.terraWebhook,
      name: `${stage}/terra-webhook`,
      description: 'Terra webhook signing secret: {"current":"..."}',
      variable: 'TERRA_WEBHOOK_SECRET',
      filledBy: 'person',
      ...kept,
    });
    this.referenceKey = new ConnectSecret(this, 'ReferenceKey', {
      brought: brought.referenceKey,
      name: `${stage}/reference-key`,
      description: 'Makes reference ids: generated once, never rotated, never deleted',
      variable: 'REFERENCE_KEY_SECRET',
      filledBy: 'generated',
      ...kept,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}
