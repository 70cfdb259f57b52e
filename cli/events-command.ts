import { isoTime } from '../functions/core/platform/clock';
import { publicId } from '../functions/core/state/connection';
import { readItemKey } from '../functions/core/store/table';
import { redrive } from '../functions/publish-changes';
import { type Command, COMMON_HELP, placeOf, readArguments, type Surroundings } from './command';
import {
  ageInWords,
  type DeadLetter,
  type DeadLetterQueue,
  deadLettersOf,
  LOOK_SECONDS,
  takeAll,
  WORK_SECONDS,
} from './dead-letters';
import { type DeployedSettings, settingsOf } from './deployed-settings';
import type { Deployment } from './deployment';
import { explain, toldBy, UsageError } from './failure';
import { busOf, storeOf } from './services';
import { textTable } from './text-table';

const HELP = `npm run events -- <count | list | redrive> [--stage NAME | --stack NAME | --local [PORT]] [options]

  count     how many dead letters lie in each queue
  list      what they are about: which record, why, since when. Held ${LOOK_SECONDS} s while they are read
  redrive   publishes the present state of each letter's record and deletes the letter; safe to repeat

Letters tell of changes that could not be published to the event bus. Notes are AWS's own: a schedule that could not
be started, or a batch of the table's stream that ran out of retries; they cannot be redriven.

${COMMON_HELP}
  --limit N        take at most N letters (1000)`;

type Act = (queues: DeadLetterQueue[], job: Job) => Promise<number>;
type Job = { deployment: Deployment; settings: () => DeployedSettings; most: number; json: boolean } & Surroundings;

export const eventsCommand: Command = {
  help: HELP,
  async run(args, surroundings) {
    const { values, positionals } = readArguments(args, { limit: { type: 'string', default: '1000' } });
    const acts: Record<string, Act> = { count, list, redrive: redriveAll };
    const [name = ''] = positionals;
    const act = Object.hasOwn(acts, name) ? acts[name] : undefined;
    if (!act || positionals.length !== 1) throw new UsageError('Say count, list or redrive', 'See --help.');
    const most = Number(values.limit);
    if (!Number.isInteger(most) || most < 1) throw new UsageError('--limit takes a whole number', 'See --help.');
    const deployment = await surroundings.find(placeOf(values));
    const settings = () => settingsOf(deployment);
    return act(deadLettersOf(deployment), { ...surroundings, deployment, settings, most, json: values.json === true });
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
  const listed: (Described & { queue: string })[] = [];
  for (const queue of queues) {
    const seen: DeadLetter[] = [];
    for await (const letter of takeAll(queue, LOOK_SECONDS, most)) seen.push(letter);
    listed.push(...seen.map(letter => ({ queue: queue.id, ...described(letter) })));
    await Promise.all(seen.map(letter => queue.release(letter)));
  }
  if (json) terminal.print(JSON.stringify({ letters: listed }));
  else if (listed.length === 0) terminal.print('No dead letters.');
  else {
    const rows = listed.map(({ queue, kind, about, reason, event, since }) => [
      ageInWords(Date.parse(since), clock()),
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

type Described = { kind: string; about: string; reason: string; event: string; since: string; owner?: string };

/** What an operator may know of a letter: which record and why, and nothing of what the record holds. */
function described({ letter, sentAt }: DeadLetter): Described {
  if (!letter) return { kind: 'note', about: '', reason: 'a note of AWS', event: '', since: isoTime(sentAt) };
  const { row, reason, event } = letter;
  const { kind, id } = readItemKey(row.item) ?? { kind: 'unknown', id: '' };
  return {
    kind,
    about: kind === 'connection' ? publicId(id) : id,
    reason,
    event: event?.detailType ?? '',
    since: isoTime(letter.at),
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
    // Let go only at the end: what is let go at once would be taken again at once.
    const left: DeadLetter[] = [];
    for await (const taken of takeAll(queue, WORK_SECONDS, most)) {
      if (!taken.letter) {
        sum.notes++;
        left.push(taken);
        continue;
      }
      try {
        sum[await redrive(taken.letter, deps)]++;
        await queue.remove(taken);
      } catch (error) {
        sum.failed++;
        lastFailure = error;
        left.push(taken);
      }
    }
    await Promise.all(left.map(letter => queue.release(letter)));
  }
  if (json) terminal.print(JSON.stringify(sum));
  else terminal.print(summary(sum));
  if (sum.failed > 0) terminal.tell(failureWords(lastFailure));
  return sum.failed > 0 ? 1 : 0;
}

function summary({ published, nothing, failed, notes }: Record<'published' | 'nothing' | 'failed' | 'notes', number>) {
  return [
    `Published anew: ${published}. Nothing to publish any more: ${nothing}. Failed, still in the queue: ${failed}.`,
    ...(notes > 0 ? [`${notes} note(s) of AWS were left: look into the log of publish-changes at their time.`] : []),
  ].join('\n');
}

/** The bus's refusal comes as a plain error of ours. */
function failureWords(error: unknown): string {
  const isBus = toldBy(error).message.startsWith('the event bus answered');
  const { what, remedy } = explain(error);
  return isBus
    ? `The event bus does not take them.\nCheck the bus and what these credentials may do (events:PutEvents), then redrive again.`
    : `${what}.\n${remedy}`;
}
