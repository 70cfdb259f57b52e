import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { DESCRIPTION_PATH, type LocalDescription } from '../cli/local-deployment';
import { account } from './aws/iam/account';
import type { LogEntry } from './log-entry';
import type { RunningTemplate } from './aws/running-template';
import type { Resource } from './aws/cloudformation/template';

type FunctionProperties = {
  readonly Description?: string;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
};

type Running = Pick<RunningTemplate, 'stack' | 'api' | 'dynamodb' | 'secrets' | 'queues' | 'bus'>;

/** The access key that the operator commands use; no function has it. */
export const OPERATOR_ACCESS_KEY = 'AKIALOCALOPERATOR000';

/**
 * Serves the API, and at `GET /_local/deployment` a JSON description of the stack for the operator commands. `logs` is
 * read on each request, to report when each schedule last ran.
 */
export function withDeployment(running: Running, logs: readonly LogEntry[]): RequestListener {
  const startedAt = Date.now();
  return (request: IncomingMessage, response: ServerResponse) => {
    const [path] = (request.url ?? '').split('?');
    if (path !== DESCRIPTION_PATH || request.method !== 'GET') return running.api(request, response);
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(describe(running, logs, startedAt)));
  };
}

function describe(running: Running, logs: readonly LogEntry[], startedAt: number): LocalDescription {
  const { stack, dynamodb, secrets, queues, bus } = running;
  return {
    name: stack.name,
    startedAt,
    outputs: stack.outputs(),
    functions: stack
      .resources<FunctionProperties>('AWS::Lambda::Function')
      .map(definition => describeFunction(definition, logs)),
    queues: stack.resources('AWS::SQS::Queue').map(({ logicalId, ref }) => ({ id: logicalId, url: ref })),
    region: account.region,
    endpoints: {
      dynamodb: dynamodb.endpoint,
      secretsmanager: secrets.endpoint,
      sqs: queues.endpoint,
      events: bus.endpoint,
    },
    credentials: { accessKeyId: OPERATOR_ACCESS_KEY, secretAccessKey: 'made-up' },
  };
}

function describeFunction({ logicalId, properties }: Resource<FunctionProperties>, logs: readonly LogEntry[]) {
  const title = properties.Description ?? logicalId;
  const lastRun = logs.findLast(entry => entry.kind === 'schedule' && entry.function === title);
  return {
    title,
    environment: { ...properties.Environment?.Variables },
    ...(lastRun && { lastRunAt: lastRun.at }),
  };
}
