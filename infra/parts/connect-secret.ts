import { type RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { EnvironmentName } from '../../functions/core/platform/environment';
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
  /** A secret that exists already, of the same shape. */
  readonly brought: Secret | ISecret | undefined;
};

/** A secret whose value never passes through this code. */
export class ConnectSecret extends Construct {
  readonly secret: Secret | ISecret;
  readonly name: string;
  private readonly variable: EnvironmentName;

  constructor(scope: Construct, id: string, props: ConnectSecretProps) {
    super(scope, id);
    this.variable = props.variable;
    this.secret =
      props.brought ??
      new Secret(this, 'Secret', {
        secretName: props.name,
        description: props.description,
        removalPolicy: props.removalPolicy,
        ...(props.filledBy === 'person'
          ? { secretStringValue: SecretValue.unsafePlainText('{}') }
          : { generateSecretString: { passwordLength: 64, excludePunctuation: true } }),
        ...(props.encryptionKey ? { encryptionKey: props.encryptionKey } : {}),
      });
    this.name = props.brought?.secretName ?? props.name;
  }

  /** Lets the function read this secret, and tells it which. */
  grantRead(to: ConnectFunction): void {
    const { secretArn, secretFullArn, encryptionKey } = this.secret;
    // A secret known by its name only has an ARN without the six characters Secrets Manager ends it with.
    to.allow(['secretsmanager:GetSecretValue'], secretFullArn ?? `${secretArn}-??????`);
    to.tell({ [this.variable]: secretArn });
    if (encryptionKey) to.allow(['kms:Decrypt'], encryptionKey.keyArn, viaService(this, 'secretsmanager'));
  }
}
