import type { Instant } from '../functions/core/platform/clock';
import type { EnvironmentName } from '../functions/core/platform/environment';
import { receiveWebhook, returnSuccess } from '../functions/routes';
import { OperatorError } from './failure';

/** Which deployment a command is about. */
export type Place = { kind: 'aws'; stack: string } | { kind: 'local'; port: number };

/** A function as it is deployed. Its environment holds nothing secret. */
export type DeployedFunction = { title: string; environment: Readonly<Record<string, string>> };

/** A dead-letter queue: all queues of a deployment are. */
export type DeployedQueue = { id: string; url: string };

/** How an SDK client reaches the deployment's services; empty on AWS, where the SDK finds its own way. */
export type ClientOptions = {
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
};

export type Service = 'dynamodb' | 'secretsmanager' | 'sqs' | 'events';

/** A running deployment, as far as an operator can see it. */
export type Deployment = {
  place: 'aws' | 'local';
  name: string;
  outputs: Readonly<Record<string, string>>;
  functions: readonly DeployedFunction[];
  queues: readonly DeployedQueue[];
  /** Since when it has been there. */
  since: Instant;
  clientOptions(service: Service): ClientOptions;
  /** When the function was last seen to run; undefined where it was not in the last hour. */
  lastRunOf(title: string): Promise<Instant | undefined>;
};

type Told = Pick<Deployment, 'name' | 'outputs' | 'functions'>;

/** What the functions were told under this name; the first one's word. */
export const variableOf = ({ functions }: Pick<Deployment, 'functions'>, name: EnvironmentName): string | undefined =>
  functions.flatMap(({ environment }) => environment[name] ?? [])[0];

/** Where the API answers. A stack of the team's own may put nothing out: then by what the functions were told. */
export function apiUrlOf(deployment: Told): string {
  const callbackPath = returnSuccess.path.replace(/\/\{state\}.*$/, '');
  const callbackBase = variableOf(deployment, 'CALLBACK_BASE');
  const url = deployment.outputs.ApiUrl ?? callbackBase?.slice(0, -callbackPath.length);
  if (url !== undefined) return url;
  throw new OperatorError(
    `${deployment.name} does not tell its address`,
    'Is it a terra-connect stack? Deploy it again.',
  );
}

/** Where Terra's events are taken in. */
export const webhookUrlOf = (deployment: Told): string =>
  deployment.outputs.WebhookUrl ?? `${apiUrlOf(deployment)}${receiveWebhook.path}`;
