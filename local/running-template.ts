import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { apiOf } from './api';
import { type Assembly, readTemplate } from './assembly';
import type { AwsCall } from './aws-call';
import { type Bus, startBus } from './bus';
import { differences } from './differences';
import { type DynamoDb, startDynamoDb } from './dynamodb';
import { eventSourcesOf, startEventSources } from './event-source';
import { gateway } from './gateway';
import { type Credentials, functionsOf } from './lambda-function';
import type { LogEntry } from './log-entry';
import { type Queues, startQueues } from './queue';
import { type Invocation, type Runtime, startRuntime } from './runtime';
import { type Schedule, scheduledEvent, schedulesOf, startSchedules } from './schedule';
import type { SecretProperties } from './secret-value';
import { type SecretsManager, startSecretsManager } from './secrets';
import type { TableChange } from './table-writer';
import type { TableDefinition } from './tables';
import { readStack, type Stack } from './template';

export type RunningTemplateOptions = {
  /** Where the HTTP API will answer. */
  readonly apiUrl: string;
  readonly dataDir?: string | undefined;
  readonly log: (entry: LogEntry) => void;
  /** Pages served beside the API. */
  readonly beside?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Hears of every call of an emulated service, with the title of the function that made it. */
  readonly onCall?: (call: AwsCall & { readonly function: string | undefined }) => void;
  readonly onChange?: (change: TableChange) => void;
};

/** A synthesised template at work. */
export type RunningTemplate = {
  readonly stack: Stack;
  /** The HTTP API, ready to be put on a port. */
  readonly api: RequestListener;
  readonly dynamodb: DynamoDb;
  readonly secrets: SecretsManager;
  readonly queues: Queues;
  readonly differences: readonly string[];
  readonly bus: Bus;
  /** Runs a function with this event, by its title or name. */
  invoke(name: string, event: unknown): Promise<Invocation>;
  /** Runs a schedule now, by its own name or that of its function. */
  invokeSchedule(name: string): Promise<Invocation>;
  close(): Promise<void>;
};

/** Brings a synthesised template to life: what it declares is what runs. */
export async function runTemplate(assembly: Assembly, options: RunningTemplateOptions): Promise<RunningTemplate> {
  const { apiUrl, dataDir, log, beside, onCall, onChange } = options;
  const stack = readStack(assembly.stackName, readTemplate(assembly), { apiUrl });
  const functions = functionsOf(stack, assembly);

  const credentials = new Map(functions.map(({ arn }) => [arn, newCredentials()]));
  const titles = new Map(functions.map(({ arn, title }) => [credentials.get(arn)?.accessKeyId, title]));
  const observed = { onCall: (call: AwsCall) => onCall?.({ ...call, function: titles.get(call.accessKey) }) };

  const tables = stack.resources<TableDefinition>('AWS::DynamoDB::Table');
  const [dynamodb, bus, queues, secrets] = await Promise.all([
    startDynamoDb({
      tables: tables.map(({ ref, properties }) => ({ ...properties, TableName: ref })),
      dataDir,
      ...observed,
      onChange(change) {
        eventSources.changed(change);
        onChange?.(change);
      },
    }),
    startBus({ names: stack.resources('AWS::Events::EventBus').map(({ ref }) => ref), ...observed }),
    startQueues({ declared: stack.resources('AWS::SQS::Queue'), ...observed }),
    startSecretsManager({
      declared: stack.resources<SecretProperties>('AWS::SecretsManager::Secret'),
      dataDir,
      ...observed,
    }),
  ]);

  const runtimes = new Map<string, Runtime>(
    functions.map(definition => [
      definition.arn,
      startRuntime(definition, {
        credentials: credentials.get(definition.arn) ?? newCredentials(),
        endpoints: {
          AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
          AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
          AWS_ENDPOINT_URL_SQS: queues.endpoint,
          AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
        },
        onLog: logged => log({ kind: 'function', at: Date.now(), ...logged }),
      }),
    ]),
  );
  const runtimeOf = (arn: string): Runtime => {
    const runtime = runtimes.get(arn);
    if (runtime === undefined) throw new Error(`The template names the function ${arn}, which it does not hold`);
    return runtime;
  };

  const eventSources = startEventSources(eventSourcesOf(stack), {
    invoke: (name, event) => invoke(name, event),
    onFailure: (queue, body) => queues.send(queue, body),
  });

  const schedules = schedulesOf(stack);
  const timers = startSchedules(schedules, schedule => void runSchedule(schedule));

  async function runSchedule(schedule: Schedule): Promise<Invocation> {
    const at = Date.now();
    const runtime = runtimeOf(schedule.functionArn);
    const invocation = await runtime.invoke(scheduledEvent(schedule, new Date(at)));
    const { cold, outcome } = invocation;
    const { title } = runtime.definition;
    log({ kind: 'schedule', at, function: title, schedule: schedule.name, ok: outcome.ok, ms: Date.now() - at, cold });
    return invocation;
  }

  async function invoke(name: string, event: unknown): Promise<Invocation> {
    const definition = functions.find(known => [known.title, known.name, known.arn].includes(name));
    if (!definition)
      throw new Error(`There is no function ${name}, only ${functions.map(({ title }) => title).join(', ')}`);
    return runtimeOf(definition.arn).invoke(event);
  }

  return {
    stack,
    dynamodb,
    secrets,
    queues,
    bus,
    differences: differences(stack, functions),
    api: gateway(apiOf(stack), {
      invoke: (arn, event) => runtimeOf(arn).invoke(event),
      onAccess: ({ method, routeKey = method, functionArn, ...access }) =>
        log({
          kind: 'request',
          route: routeKey,
          function: functionArn && runtimes.get(functionArn)?.definition.title,
          ...access,
        }),
      beside: (request, response) => bus.answers(request, response) || (beside?.(request, response) ?? false),
    }),
    invoke,
    invokeSchedule(name) {
      const schedule = schedules.find(
        known => known.name === name || runtimeOf(known.functionArn).definition.title === name,
      );
      if (!schedule)
        throw new Error(`There is no schedule ${name}, only ${schedules.map(known => known.name).join(', ')}`);
      return runSchedule(schedule);
    },
    async close() {
      timers.stop();
      eventSources.stop();
      await Promise.all([...runtimes.values()].map(runtime => runtime.close()));
      await Promise.all([dynamodb, secrets, bus, queues].map(service => service.close()));
    },
  };
}

function newCredentials(): Credentials {
  return {
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
  };
}
