import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type Instant, SECOND } from '../functions/core/platform/clock';
import { Letter } from '../functions/core/events/dead-letter';
import type { Deployment } from './deployment';

/** A message of a dead-letter queue. Without a letter it is a note of AWS's: what could not be started, or which batch was lost. */
export type DeadLetter = { letter: Letter | undefined; sentAt: Instant; times: number; receipt: string };

export type DeadLetterQueue = {
  /** Its logical id in the stack. */
  id: string;
  /** Whether letters in it are about rows, so that they can be published anew. */
  isRedrivable: boolean;
  count(): Promise<{ waiting: number; inFlight: number }>;
  /** Takes up to ten that nobody holds; they stay away from others for `holdSeconds`. */
  take(holdSeconds: number): Promise<DeadLetter[]>;
  /** Lets others see the letter again at once. */
  release(letter: DeadLetter): Promise<void>;
  remove(letter: DeadLetter): Promise<void>;
};

/** The deployment's dead-letter queues: of what could not be published, and of schedules that could not be started. */
export function deadLettersOf(deployment: Deployment): DeadLetterQueue[] {
  // A queue's URL only names the queue: locally another endpoint answers for it.
  const client = new SQSClient({ ...deployment.clientOptions('sqs'), useQueueUrlAsEndpoint: false });
  const ofEvents = deployment.functions.flatMap(({ environment }) => environment.DEAD_LETTER_QUEUE_URL ?? []);
  return deployment.queues.map(({ id, url: QueueUrl }) => ({
    id,
    isRedrivable: ofEvents.includes(QueueUrl),
    async count() {
      const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }),
      );
      return { waiting: Number(Attributes[names[0]] ?? 0), inFlight: Number(Attributes[names[1]] ?? 0) };
    },
    async take(holdSeconds) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: holdSeconds,
          MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount'],
        }),
      );
      return Messages.map(({ Body = '', ReceiptHandle = '', Attributes = {} }) => ({
        letter: readLetter(Body),
        sentAt: Number(Attributes.SentTimestamp ?? 0),
        times: Number(Attributes.ApproximateReceiveCount ?? 0),
        receipt: ReceiptHandle,
      }));
    },
    async release({ receipt: ReceiptHandle }) {
      const change = new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
      // It comes back by itself when its hold is over.
      await client.send(change).catch(() => undefined);
    },
    async remove({ receipt: ReceiptHandle }) {
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    },
  }));
}

/** How long letters that are only looked at are held: as long as reading a thousand of them takes. */
export const LOOK_SECONDS = 20;
/** How long those that are worked on are held. */
export const WORK_SECONDS = 120;

/** Takes one letter after the other until none is left or `most` were taken. */
export async function* takeAll(queue: DeadLetterQueue, holdSeconds: number, most: number): AsyncGenerator<DeadLetter> {
  for (let taken = 0; taken < most; ) {
    const letters = await queue.take(holdSeconds);
    if (letters.length === 0) return;
    for (const [at, letter] of letters.entries()) {
      if (taken + at < most) yield letter;
      else await queue.release(letter);
    }
    taken += letters.length;
  }
}

export const ageInWords = (at: Instant, now: Instant): string => {
  const minutes = Math.max(0, Math.floor((now - at) / (60 * SECOND)));
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / (24 * 60))} d`;
};

function readLetter(body: string): Letter | undefined {
  try {
    return Letter.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
