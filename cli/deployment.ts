import type { Instant } from '../functions/core/platform/clock';
import type { EnvironmentName } from '../functions/core/platform/environment';
import { receiveWebhook, returnSuccess } from '../functions/routes';
import { OperatorError } from './failure';

/** A deployed function. `title` is its folder under `functions/`; its environment contains no secrets. */
export type DeployedFunction = { title: string; environment: Readonly<Record<string, string>> };

/** A dead-letter queue; a deployment has no other queues. */
export type DeployedQueue = { id: string; url: string };

/** Options of an SDK client for the deployment's services. Empty on AWS, where the SDK's defaults apply. */
export type ClientOptions = {
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
};

export type Service = 'dynamodb' | 'secretsmanager' | 'sqs' | 'events';

/** A running deployment, as an operator's permissions show it. */
export type Deployment = {
  platform: 'aws' | 'local';
  name: string;
  outputs: Readonly<Record<string, string>>;
  functions: readonly DeployedFunction[];
  queues: readonly DeployedQueue[];
  /** When it was created. */
  since: Instant;
  clientOptions(service: Service): ClientOptions;
  /** Returns the start of the function's last run; on AWS undefined if it did not run in the last hour. */
  lastRunOf(title: string): Promise<Instant | undefined>;
};

type DeploymentOutputs = Pick<Deployment, 'name' | 'outputs' | 'functions'>;

/** Returns an environment variable of the first function that has it. */
export const variableOf = ({ functions }: Pick<Deployment, 'functions'>, name: EnvironmentName): string | undefined =>
  functions.flatMap(({ environment }) => environment[name] ?? [])[0];

/** Returns the URL of the API. A stack of your own may lack the output; then it follows from `CALLBACK_BASE`. */
export function apiUrlOf(deployment: DeploymentOutputs): string {
  const callbackPath = returnSuccess.path.replace(/\/\{state\}.*$/, '');
  const callbackBase = variableOf(deployment, 'CALLBACK_BASE');
  const url = deployment.outputs.ApiUrl ?? callbackBase?.slice(0, -callbackPath.length);
  if (url !== undefined) return url;
  throw new OperatorError(
    `${deployment.name} has neither an output ApiUrl nor a function with CALLBACK_BASE`,
    'Check that it is a terra-connect stack, then deploy it again.',
  );
}

export const webhookUrlOf = (deployment: DeploymentOutputs): string =>
  deployment.outputs.WebhookUrl ?? `${apiUrlOf(deployment)}${receiveWebhook.path}`;
