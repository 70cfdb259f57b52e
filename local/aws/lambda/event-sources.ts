import { type EventSource, type EventSourceDeps, startEventSource } from './event-source';
import type { Invocation } from './runtime';
import { streamOf, type StreamRecord } from '../dynamodb/stream';
import type { TableChange } from '../dynamodb/table-writer';
import type { Access } from '../iam/access';
import type { LambdaFunction } from './lambda-function';
import { StartError } from '../../start-error';

/** Starts all event sources. `changed` queues each table change for the functions that read its stream. */
export function startEventSources(
  sources: readonly EventSource[],
  deps: Omit<EventSourceDeps, 'invoke' | 'onFailure'> & {
    invoke(functionName: string, event: { Records: readonly StreamRecord[] }): Promise<Invocation>;
    onFailure(functionName: string, queueArn: string, body: string): void;
  },
): { changed(change: TableChange): void; stop(): void } {
  const streams = new Map(sources.map(({ streamArn }) => [streamArn, streamOf(streamArn, deps.clock)]));
  const running = sources.map(source => {
    const invoke = (event: { Records: readonly StreamRecord[] }) => deps.invoke(source.function, event);
    const onFailure = (queueArn: string, body: string) => deps.onFailure(source.function, queueArn, body);
    return { source, ...startEventSource(source, { ...deps, invoke, onFailure }) };
  });

  return {
    changed(change) {
      for (const [streamArn, recordOf] of streams) {
        if (tableOf(streamArn) !== change.table) continue;
        const record = recordOf(change);
        for (const { source, push } of running) if (source.streamArn === streamArn) push(record);
      }
    },
    stop() {
      for (const { stop } of running) stop();
    },
  };
}

const tableOf = (streamArn: string): string | undefined => /:table\/([^/]+)\//.exec(streamArn)?.[1];

const streamActions = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'];

/**
 * Checks that the function's role may read the stream, as Lambda does when an event source mapping is created.
 * @throws StartError if the role may not: the deployment would fail on AWS.
 */
export function checkStreamAccess(
  { function: name, streamArn }: EventSource,
  functions: readonly LambdaFunction[],
  access: Access,
): void {
  const reader = functions.find(known => [known.name, known.arn].includes(name));
  if (reader === undefined) return;
  const actor = { title: reader.title, session: reader.name, roleArn: reader.roleArn };
  const refusals = streamActions.flatMap(
    action => access.refusal(actor, { action: `dynamodb:${action}`, resource: streamArn }) ?? [],
  );
  if (refusals.length === 0) return;
  throw new StartError(
    `${reader.title} cannot read its stream: its role must allow ${streamActions.join(', ')}\n${refusals.join('\n')}`,
  );
}
