import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Actor, accessControl, type JudgedCall } from './iam/access';
import { apiOf } from './apigateway/api';
import { type Assembly, readTemplate } from './cloudformation/assembly';
import { type Bus, startBus } from './eventbridge/bus';
import { startCpuLimit } from './lambda/cpu-limit';
import { differences } from './differences';
import { type DynamoDb, startDynamoDb } from './dynamodb/dynamodb';
import { eventSourcesOf } from './lambda/event-source';
import { checkStreamAccess, startEventSources } from './lambda/event-sources';
import { gateway } from './apigateway/gateway';
import { functionsOf, type LambdaFunction } from './lambda/lambda-function';
import type { LogEntry } from '../log-entry';
import { type Queues, startQueues } from './sqs/queue';
import { type Invocation, type Runtime, startRuntime } from './lambda/runtime';
import { type Schedule, scheduledEvent, schedulesOf, startSchedules } from './scheduler/schedule';
import { type SecretProperties, type SecretsManager, startSecretsManager } from './secretsmanager/secrets';
import type { TableUse } from './dynamodb/table-use';
import type { TableChange } from './dynamodb/table-writer';
import type { TableDefinition } from './dynamodb/tables';
import { readStack, type Stack, type Template } from './cloudformation/template';

export type RunningTemplateOptions = {
  /** The URL that the HTTP API will be served at. */
  readonly apiUrl: string;
  readonly dataDir?: string | undefined;
  /** Limits each function to the share of a core that its memory buys on Lambda. */
  readonly likeLambda?: boolean;
  readonly log: (entry: LogEntry) => void;
  /** Serves requests that no route matches, such as pages. Returns false if it does not handle the request. */
  readonly beside?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Called for every call of an emulated service before it is answered. */
  readonly onCall?: (call: JudgedCall) => void;
  readonly onChange?: (change: TableChange) => void;
  /** Called with what each table request read or wrote, and the title of the calling function. */
  readonly onUse?: (use: TableUse, by: string | undefined) => void;
  /** Changes the synthesized template before it is run: for tests of a missing grant or resource. */
  readonly alter?: (template: Template) => Template;
};

/** A running synthesized template. */
export type RunningTemplate = {
  readonly stack: Stack;
  /** The HTTP API's request listener. */
  readonly api: RequestListener;
  readonly dynamodb: DynamoDb;
  readonly secrets: SecretsManager;
  readonly queues: Queues;
  readonly differences: readonly string[];
  readonly bus: Bus;
  /** Invokes a function with this event. `name` is its title, name or ARN. */
  invoke(name: string, event: unknown): Promise<Invocation>;
  /** Runs a schedule now. `name` is the schedule's name or its function's title. */
  invokeSchedule(name: string): Promise<Invocation>;
  close(): Promise<void>;
};

/** Runs a synthesized template: every function, table, queue, schedule and route it declares. */
export async function runTemplate(assembly: Assembly, options: RunningTemplateOptions): Promise<RunningTemplate> {
  const {
    apiUrl,
    dataDir,
    likeLambda = false,
    log,
    beside,
    onCall,
    onChange,
    onUse,
    alter = template => template,
  } = options;
  const stack = readStack(assembly.stackName, alter(readTemplate(assembly)), { apiUrl });
  const functions = functionsOf(stack, assembly);
  const access = accessControl({ stack, functions, onCall, log });
  const sources = eventSourcesOf(stack);
  for (const source of sources) checkStreamAccess(source, functions, access);
  const guarded = { onCall: access.onCall };

  const cpuLimit = likeLambda ? startCpuLimit() : undefined;
  const tables = stack.resources<TableDefinition>('AWS::DynamoDB::Table');
  const [dynamodb, bus, queues, secrets] = await Promise.all([
    startDynamoDb({
      tables: tables.map(({ ref, properties }) => ({ ...properties, TableName: ref })),
      dataDir,
      ...guarded,
      onChange(change) {
        eventSources.changed(change);
        onChange?.(change);
      },
      onUse: onUse && ((use, { accessKey }) => onUse(use, access.titleOf(accessKey))),
    }),
    startBus({ names: stack.resources('AWS::Events::EventBus').map(({ ref }) => ref), ...guarded }),
    startQueues({ declared: stack.resources('AWS::SQS::Queue'), ...guarded }),
    startSecretsManager({
      declared: stack.resources<SecretProperties>('AWS::SecretsManager::Secret'),
      dataDir,
      ...guarded,
    }),
  ]);

  const runtimes = new Map<string, Runtime>(
    functions.map(definition => [
      definition.arn,
      startRuntime(definition, {
        credentials: access.credentialsOf(definition.arn),
        endpoints: {
          AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
          AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
          AWS_ENDPOINT_URL_SQS: queues.endpoint,
          AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
        },
        onLog: logged => log({ kind: 'function', at: Date.now(), ...logged }),
        cpuLimit,
      }),
    ]),
  );
  const runtimeOf = (arn: string): Runtime => {
    const runtime = runtimes.get(arn);
    if (runtime === undefined) throw new Error(`The template names the function ${arn}, which it does not contain`);
    return runtime;
  };

  const eventSources = startEventSources(sources, {
    invoke: (name, event) => invoke(name, event),
    onFailure(name, queue, body) {
      const { title, name: session, roleArn } = functionNamed(name);
      sendAs({ title, session, roleArn }, queue, body);
    },
  });

  const schedules = schedulesOf(stack);
  const timers = startSchedules(schedules, schedule => void runSchedule(schedule));

  async function runSchedule(schedule: Schedule): Promise<Invocation> {
    const at = Date.now();
    const { title } = runtimeOf(schedule.functionArn).definition;
    const invocation = await startRun(schedule, new Date(at));
    const { cold, outcome } = invocation;
    log({ kind: 'schedule', at, function: title, schedule: schedule.name, ok: outcome.ok, ms: Date.now() - at, cold });
    return invocation;
  }

  async function startRun(schedule: Schedule, at: Date): Promise<Invocation> {
    const { name, roleArn, functionArn, deadLetters } = schedule;
    const runtime = runtimeOf(functionArn);
    const event = scheduledEvent(schedule, at);
    const actor = { title: runtime.definition.title, session: name, roleArn };
    const refusal = access.refusal(actor, { action: 'lambda:InvokeFunction', resource: functionArn });
    if (refusal === undefined) return runtime.invoke(event);
    if (deadLetters !== undefined) sendAs(actor, deadLetters, JSON.stringify(event));
    const outcome = { ok: false, errorType: 'AccessDeniedException', errorMessage: refusal } as const;
    return { requestId: randomUUID(), cold: false, outcome };
  }

  function sendAs(actor: Actor, queueArn: string, body: string): void {
    const refusal = access.refusal(actor, { action: 'sqs:SendMessage', resource: queueArn });
    if (refusal === undefined) queues.send(queueArn, body);
  }

  function functionNamed(name: string): LambdaFunction {
    const definition = functions.find(known => [known.title, known.name, known.arn].includes(name));
    if (definition) return definition;
    throw new Error(`There is no function ${name}. Functions: ${functions.map(({ title }) => title).join(', ')}`);
  }

  const invoke = async (name: string, event: unknown) => runtimeOf(functionNamed(name).arn).invoke(event);

  return {
    stack,
    dynamodb,
    secrets,
    queues,
    bus,
    differences: differences(stack, functions, { likeLambda }),
    api: gateway(apiOf(stack), {
      invoke: (arn, event) => runtimeOf(arn).invoke(event),
      onAccess: ({ method, routeKey = method, functionArn, ...entry }) =>
        log({
          kind: 'request',
          route: routeKey,
          function: functionArn && runtimes.get(functionArn)?.definition.title,
          ...entry,
        }),
      beside: (request, response) => bus.answers(request, response) || (beside?.(request, response) ?? false),
    }),
    invoke,
    invokeSchedule(name) {
      const schedule = schedules.find(
        known => known.name === name || runtimeOf(known.functionArn).definition.title === name,
      );
      if (!schedule)
        throw new Error(`There is no schedule ${name}. Schedules: ${schedules.map(known => known.name).join(', ')}`);
      return runSchedule(schedule);
    },
    async close() {
      timers.stop();
      eventSources.stop();
      await Promise.all([...runtimes.values()].map(runtime => runtime.close()));
      await cpuLimit?.close();
      await Promise.all([dynamodb, secrets, bus, queues].map(service => service.close()));
    },
  };
}
