import { account } from '../iam/account';
import { type Assembly, assetDirectory } from '../cloudformation/assembly';
import type { Stack } from '../cloudformation/template';

/** A Lambda function of the template. */
export type LambdaFunction = {
  /** The function's description, which is the name of its folder. */
  readonly title: string;
  readonly name: string;
  readonly arn: string;
  /** For example `nodejs24.x`. */
  readonly runtime: string;
  /** Undefined if the template names no role. */
  readonly roleArn: string | undefined;
  readonly directory: string;
  /** The module and its export, for example `index.handler`. */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly logFormat: 'JSON' | 'Text';
  readonly logLevel: string;
  readonly reservedConcurrency?: number;
};

type FunctionProperties = {
  readonly Description?: string;
  readonly Runtime: string;
  readonly Role?: string;
  readonly Handler: string;
  readonly Code: { readonly S3Key: string };
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
  readonly Timeout?: number;
  readonly MemorySize?: number;
  readonly LoggingConfig?: { readonly LogFormat?: 'JSON' | 'Text'; readonly ApplicationLogLevel?: string };
  readonly ReservedConcurrentExecutions?: number;
};

export function functionsOf(stack: Stack, assembly: Assembly): LambdaFunction[] {
  return stack.resources<FunctionProperties>('AWS::Lambda::Function').map(({ logicalId, ref, arn, properties }) => ({
    title: properties.Description ?? logicalId,
    name: ref,
    arn,
    runtime: properties.Runtime,
    roleArn: properties.Role,
    directory: assetDirectory(assembly, properties.Code.S3Key),
    handler: properties.Handler,
    environment: properties.Environment?.Variables ?? {},
    // Lambda's defaults.
    timeoutMs: (properties.Timeout ?? 3) * 1000,
    memoryMb: properties.MemorySize ?? 128,
    logFormat: properties.LoggingConfig?.LogFormat ?? 'Text',
    logLevel: properties.LoggingConfig?.ApplicationLogLevel ?? 'INFO',
    ...(properties.ReservedConcurrentExecutions !== undefined && {
      reservedConcurrency: properties.ReservedConcurrentExecutions,
    }),
  }));
}

export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

/**
 * Returns the complete environment of a function's process, as Lambda sets it. Nothing of this process's environment is
 * passed on.
 */
export function processEnvironment(
  definition: LambdaFunction,
  {
    credentials,
    endpoints,
    runtimeApi,
  }: {
    credentials: Credentials;
    /** The `AWS_ENDPOINT_URL_…` variables of the emulated services. */
    endpoints: Readonly<Record<string, string>>;
    runtimeApi: string;
  },
): Record<string, string> {
  return {
    ...definition.environment,
    ...endpoints,
    _HANDLER: definition.handler,
    LAMBDA_TASK_ROOT: definition.directory,
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: definition.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${definition.memoryMb}`,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_FORMAT: definition.logFormat,
    AWS_LAMBDA_LOG_LEVEL: definition.logLevel,
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${definition.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    AWS_REGION: account.region,
    AWS_DEFAULT_REGION: account.region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    LANG: 'en_US.UTF-8',
    PATH: '/usr/local/bin:/usr/bin:/bin',
    TZ: 'UTC',
    // The start message names the Node version, so the SDK's warning at every cold start is switched off.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}
