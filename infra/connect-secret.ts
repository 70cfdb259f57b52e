import { type RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { EnvironmentName } from '../functions/core/environment';
import type { ConnectFunction } from './connect-function';
import { viaService } from './encryption';

type ConnectSecretProps = {
  readonly name: string;
  readonly description: string;
  /** The variable that tells a function its ARN. */
  readonly variable: Extract<EnvironmentName, `${string}_SECRET`>;
  /** `person`: born as the literal `{}`, which reads as "not filled yet". `generated`: 64 random letters and digits. */
  readonly filledBy: 'person' | 'generated';
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey: IKey | undefined;
};

/** A secret whose value never passes through this code. */
export class ConnectSecret extends Construct {
  readonly secret: Secret;
  readonly name: string;
  private readonly variable: EnvironmentName;
  private readonly encryptionKey: IKey | undefined;

  constructor(scope: Construct, id: string, props: ConnectSecretProps) {
    super(scope, id);
    this.name = props.name;
    this.variable = props.variable;
    this.encryptionKey = props.encryptionKey;
    this.secret = new Secret(this, 'Secret', {
      secretName: props.name,
      description: props.description,
      removalPolicy: props.removalPolicy,
      ...(props.filledBy === 'person'
        ? { secretStringValue: SecretValue.unsafePlainText('{}') }
        : { generateSecretString: { passwordLength: 64, excludePunctuation: true } }),
      ...(props.encryptionKey ? { encryptionKey: props.encryptionKey } : {}),
    });
  }

  /** Lets the function read this secret, and tells it which. */
  grantRead(to: ConnectFunction): void {
    to.allow(['secretsmanager:GetSecretValue'], this.secret.secretArn);
    to.tell({ [this.variable]: this.secret.secretArn });
    if (this.encryptionKey) {
      to.allow(['kms:Decrypt'], this.encryptionKey.keyArn, viaService(this, 'secretsmanager'));
    }
  }
}
