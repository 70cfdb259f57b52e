import { isoTime } from '../functions/core/platform/clock';
import { publicId } from '../functions/core/state/connection';
import { readItemKey } from '../functions/core/store/table';
import { redrive } from '../functions/publish-changes';
import { type Command, COMMON_HELP, type CommandContext, readArguments, start, targetOf } from './command';
import {
  type DeadLetterQueue,
  deadLetterQueuesOf,
  formatAge,
  LIST_HOLD_SECONDS,
  type QueueMessage,
  REDRIVE_HOLD_SECONDS,
  receiveAll,
} from './dead-letters';
import { type DeployedSettings, settingsOf } from './deployed-settings';
import type { Deployment } from './deployment';
import { errorFields, explain, UsageError } from './failure';
import { busOf, storeOf } from './services';
import { textTable } from './text-table';

const HELP = `npm run events -- <count | list | redrive> [--stage NAME | --stack NAME | --local [PORT]] [options]

  count     print the number of dead letters in each queue
  list      print the record, the reason and the age of each dead letter. Hides them from other readers for ${LIST_HOLD_SECONDS} s
  redrive   publish the current state of each dead letter's record, then delete the dead letter. Safe to repeat

A dead letter is a change that could not be published to the event bus. A note is a message written by AWS: a schedule
that could not be started, or a batch of the table's stream that ran out of retries. Notes cannot be redriven.

${COMMON_HELP}
  --limit N        read at most N messages of each queue (default: 1000)`;

type Action = (queues: DeadLetterQueue[], job: Job) => Promise<number>;
type Job = { deployment: Deployment; settings: () => DeployedSettings; most: number; json: boolean } & CommandContext;

export const eventsCommand: Command = {
  help: HELP,
  async run(args, context) {
    const { values, positionals } = readArguments(args, { limit: { type: 'string', default: '1000' } });
    const actions: Record<string, Action> = { count, list, redrive: redriveAll };
    const [name = ''] = positionals;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!action || positionals.length !== 1) throw new UsageError('Say count, list or redrive', 'See --help.');
    const most = Number(values.limit);
    if (!Number.isInteger(most) || most < 1) throw new UsageError('--limit takes a whole number', 'See --help.');
    const deployment = await context.findDeployment(targetOf(values));
    const settings = () => settingsOf(deployment);
    return action(deadLetterQueuesOf(deployment), {
      ...context,
      deployment,
      settings,
      most,
      json: values.json === true,
    });
  },
};

async function count(queues: DeadLetterQueue[], { terminal, json }: Job): Promise<number> {
  const counted = await Promise.all(queues.map(async queue => ({ queue: queue.id, ...(await queue.count()) })));
  if (json) terminal.print(JSON.stringify({ queues: counted }));
  else {
    const rows = counted.map(({ queue, waiting, inFlight }) => [queue, `${waiting}`, `${inFlight}`]);
    terminal.print(textTable(['queue', 'waiting', 'held'], rows));
  }
  return 0;
}

async function list(queues: DeadLetterQueue[], { terminal, clock, most, json }: Job): Promise<number> {
  const listed: (Description & { queue: string })[] = [];
  for (const queue of queues) {
    const seen: QueueMessage[] = [];
    for await (const message of receiveAll(queue, LIST_HOLD_SECONDS, most)) seen.push(message);
    listed.push(...seen.map(message => ({ queue: queue.id, ...describe(message) })));
    await Promise.all(seen.map(message => queue.release(message)));
  }
  if (json) terminal.print(JSON.stringify({ letters: listed }));
  else if (listed.length === 0) terminal.print('No dead letters.');
  else {
    const rows = listed.map(({ queue, kind, about, reason, event, since }) => [
      formatAge(Date.parse(since), clock()),
      reason,
      kind,
      about,
      event,
      queue,
    ]);
    terminal.print(textTable(['age', 'reason', 'kind', 'record', 'event', 'queue'], rows));
  }
  return 0;
}

type Description = { kind: string; about: string; reason: string; event: string; since: string; owner?: string };

/** Returns which record a message is about and why; nothing of the record's content. */
function describe({ deadLetter, sentAt }: QueueMessage): Description {
  if (!deadLetter) return { kind: 'note', about: '', reason: 'written by AWS', event: '', since: isoTime(sentAt) };
  const { row, reason, event, at } = deadLetter;
  const { kind, id } = readItemKey(row.item) ?? { kind: 'unknown', id: '' };
  return {
    kind,
    about: kind === 'connection' ? publicId(id) : id,
    reason,
    event: event?.detailType ?? '',
    since: isoTime(at),
    owner: row.owner,
  };
}

async function redriveAll(queues: DeadLetterQueue[], job: Job): Promise<number> {
  const { terminal, json, most } = job;
  const settings = job.settings();
  const deps = {
    store: storeOf(job.deployment, settings),
    bus: busOf(job.deployment, settings),
    confirmation: settings.CONFIRMATION,
  };
  const sum = { published: 0, nothing: 0, failed: 0, notes: 0 };
  let lastFailure: unknown;
  for (const queue of queues.filter(({ isRedrivable }) => isRedrivable)) {
    // Released only at the end: a message released now would be received again by this loop.
    const left: QueueMessage[] = [];
    for await (const message of receiveAll(queue, REDRIVE_HOLD_SECONDS, most)) {
      if (!message.deadLetter) {
        sum.notes++;
        left.push(message);
        continue;
      }
      try {
        sum[await redrive(message.deadLetter, deps)]++;
        await queue.remove(message);
      } catch (error) {
        sum.failed++;
        lastFailure = error;
        left.push(message);
      }
    }
    await Promise.all(left.map(message => queue.release(message)));
  }
  if (json) terminal.print(JSON.stringify(sum));
  else terminal.print(summary(sum));
  if (sum.failed > 0) terminal.log(failureText(lastFailure));
  return sum.failed > 0 ? 1 : 0;
}

function summary({ published, nothing, failed, notes }: Record<'published' | 'nothing' | 'failed' | 'notes', number>) {
  return [
    `Published: ${published}. Nothing left to publish: ${nothing}. Failed and still in the queue: ${failed}.`,
    ...(notes > 0 ? [`${notes} note(s) of AWS stay in the queue: read the log of publish-changes at their time.`] : []),
  ].join('\n');
}

/** `redrive` throws a plain `Error` if the bus refuses an event. */
function failureText(error: unknown): string {
  const isBus = errorFields(error).message.startsWith('the event bus answered');
  const { what, remedy } = explain(error);
  return isBus
    ? 'The event bus does not accept the events.\nCheck the bus and the permission events:PutEvents, then run redrive again.'
    : `${what}.\n${remedy}`;
}

if (require.main === module) start(eventsCommand);
