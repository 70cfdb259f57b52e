import { RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { EnvironmentName } from '../../functions/core/platform/environment';
import type { ConnectFunction } from './connect-function';
import { viaService } from './encryption';

type ConnectSecretProps = {
  readonly name: string;
  readonly description: string;
  /** The environment variable with its ARN. */
  readonly variable: Extract<EnvironmentName, `${string}_SECRET`>;
  /** `operator`: its first value is `{}`, which means "not filled yet". `generated`: 64 random letters and digits. */
  readonly filledBy: 'operator' | 'generated';
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey: IKey | undefined;
  readonly existing: Secret | ISecret | undefined;
};

/** A secret. Its value is never in the template. */
export class ConnectSecret extends Construct {
  readonly secret: Secret | ISecret;
  readonly name: string;
  private readonly variable: EnvironmentName;

  constructor(scope: Construct, id: string, props: ConnectSecretProps) {
    super(scope, id);
    this.variable = props.variable;
    this.secret =
      props.existing ??
      new Secret(this, 'Secret', {
        secretName: props.name,
        description: props.description,
        removalPolicy: props.removalPolicy,
        ...(props.filledBy === 'operator'
          ? { secretStringValue: SecretValue.unsafePlainText('{}') }
          : { generateSecretString: { passwordLength: 64, excludePunctuation: true } }),
        ...(props.encryptionKey ? { encryptionKey: props.encryptionKey } : {}),
      });
    this.name = props.existing?.secretName ?? props.name;
  }

  /** Lets the function read the secret and sets the variable with its ARN. */
  grantRead(to: ConnectFunction): void {
    const { secretArn, secretFullArn, encryptionKey } = this.secret;
    // A secret imported by name has an ARN without the six random characters at the end.
    to.allow(['secretsmanager:GetSecretValue'], secretFullArn ?? `${secretArn}-??????`);
    to.addEnvironment({ [this.variable]: secretArn });
    if (encryptionKey) to.allow(['kms:Decrypt'], encryptionKey.keyArn, viaService(this, 'secretsmanager'));
  }
}

/** Existing secrets, with the values that `ConnectSecrets` describes. */
export type ExistingSecrets = {
  readonly [name in 'terraApi' | 'terraWebhook' | 'referenceKey']?: Secret | ISecret | undefined;
};

type ConnectSecretsProps = {
  readonly stage: string;
  readonly existing: ExistingSecrets;
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey: IKey | undefined;
};

/** The three secrets. No function can read both of Terra's: one that can call Terra cannot sign webhooks as Terra. */
export class ConnectSecrets extends Construct {
  /** `{"devId","apiKey"}`: the credentials for Terra's API. */
  readonly terraApi: ConnectSecret;
  /** `{"current","previous"?,"previousValidUntil"?}`: the secrets that Terra signs webhooks with. */
  readonly terraWebhook: ConnectSecret;
  /** The key that reference ids are computed with. Always retained: without it, no user can be matched to their connections. */
  readonly referenceKey: ConnectSecret;

  constructor(scope: Construct, id: string, { stage, existing, ...kept }: ConnectSecretsProps) {
    super(scope, id);
    this.terraApi = new ConnectSecret(this, 'TerraApi', {
      existing: existing.terraApi,
      name: `${stage}/terra-api`,
      description: 'Terra API credentials: {"devId":"...","apiKey":"..."}',
      variable: 'TERRA_API_SECRET',
      filledBy: 'operator',
      ...kept,
    });
    this.terraWebhook = new ConnectSecret(this, 'TerraWebhook', {
      existing: existing.terraWebhook,
      name: `${stage}/terra-webhook`,
      description: 'Terra webhook signing secret: {"current":"..."}',
      variable: 'TERRA_WEBHOOK_SECRET',
      filledBy: 'operator',
      ...kept,
    });
    this.referenceKey = new ConnectSecret(this, 'ReferenceKey', {
      existing: existing.referenceKey,
      name: `${stage}/reference-key`,
      description: 'Makes reference ids: generated once, never rotated, never deleted',
      variable: 'REFERENCE_KEY_SECRET',
      filledBy: 'generated',
      ...kept,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}
