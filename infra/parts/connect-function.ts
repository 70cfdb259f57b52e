import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Effect, type IGrantable, type IPrincipal, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { EnvironmentName } from '../../functions/core/platform/environment';

/** Environment variables of a function; none is secret. */
export type Environment = Partial<Record<EnvironmentName, string>>;

/** Time limit of functions behind the API. The gateway waits a little longer. */
export const API_TIMEOUT = Duration.seconds(12);

export type ConnectFunctionProps = {
  /** The function's folder under `functions/`. */
  readonly name: string;
  /** Folder with one bundle folder per function. */
  readonly bundles: string;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  /** @default AWS's own key */
  readonly encryptionKey?: IKey | undefined;
  /** @default 12 seconds */
  readonly timeout?: Duration;
  /** @default shares the account's concurrency */
  readonly reservedConcurrency?: number | undefined;
  /** @default 'off' */
  readonly tracing?: 'off' | 'sampled' | undefined;
};

/** A Lambda function with its own role and log group. Until more is granted, the role only allows writing that log. */
export class ConnectFunction extends Construct implements IGrantable {
  readonly name: string;
  readonly lambda: LambdaFunction;
  readonly role: Role;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: ConnectFunctionProps) {
    super(scope, id);
    this.name = props.name;
    const folder = join(props.bundles, props.name);
    if (!existsSync(join(folder, 'index.js'))) throw new Error(`There is no function functions/${props.name}/index.ts`);

    this.logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: props.removalPolicy,
      ...(props.encryptionKey ? { encryptionKey: props.encryptionKey } : {}),
    });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `What ${props.name} may do`,
    });
    this.lambda = new LambdaFunction(this, 'Function', {
      description: props.name,
      code: Code.fromAsset(folder),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 512,
      timeout: props.timeout ?? API_TIMEOUT,
      role: this.role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      // INFO would log a start and a report line per invocation, which cost more than all other lines. Failures are logged at WARN.
      systemLogLevelV2: SystemLogLevel.WARN,
      // Lambda samples by itself: the first request of each second and 5 % of the others.
      ...(props.tracing === 'sampled' ? { tracing: Tracing.ACTIVE } : {}),
      ...(props.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: props.reservedConcurrency }),
    });
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], this.logGroup.logGroupArn);
  }

  get grantPrincipal(): IPrincipal {
    return this.role;
  }

  /** Allows exactly these actions on exactly this resource. */
  allow(actions: readonly string[], resource: string, conditions: Record<string, unknown> = {}): void {
    this.role.addToPrincipalPolicy(
      new PolicyStatement({ effect: Effect.ALLOW, actions: [...actions], resources: [resource], conditions }),
    );
  }

  addEnvironment(environment: Environment): void {
    for (const [name, value] of Object.entries(environment)) this.lambda.addEnvironment(name, value);
  }
}
