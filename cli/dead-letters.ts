import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type Instant, SECOND } from '../functions/core/platform/clock';
import { DeadLetter } from '../functions/core/events/dead-letter';
import type { Deployment } from './deployment';
import { parseJson } from './json';

/**
 * A message of a dead-letter queue. Without a `deadLetter` it was written by AWS: a schedule that could not be started, or a
 * batch of the table's stream that ran out of retries.
 */
export type QueueMessage = { deadLetter: DeadLetter | undefined; sentAt: Instant; receipt: string };

export type DeadLetterQueue = {
  /** Its logical id in the stack. */
  id: string;
  /** Whether its dead letters are about rows, whose events can be published again. */
  isRedrivable: boolean;
  count(): Promise<{ waiting: number; inFlight: number }>;
  /** Receives up to ten messages and hides them from other consumers for `holdSeconds`. */
  receive(holdSeconds: number): Promise<QueueMessage[]>;
  /** Makes a received message visible again at once. */
  release(message: QueueMessage): Promise<void>;
  remove(message: QueueMessage): Promise<void>;
};

/** Returns the deployment's dead-letter queues: one for events that could not be published, one for each schedule. */
export function deadLetterQueuesOf(deployment: Deployment): DeadLetterQueue[] {
  // The URL only names the queue; the local emulator has another endpoint.
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
    async receive(holdSeconds) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: holdSeconds,
          MessageSystemAttributeNames: ['SentTimestamp'],
        }),
      );
      return Messages.map(({ Body = '', ReceiptHandle = '', Attributes = {} }) => ({
        deadLetter: readDeadLetter(Body),
        sentAt: Number(Attributes.SentTimestamp ?? 0),
        receipt: ReceiptHandle,
      }));
    },
    async release({ receipt: ReceiptHandle }) {
      const change = new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
      // A failure does no harm: the message becomes visible when its hold ends.
      await client.send(change).catch(() => undefined);
    },
    async remove({ receipt: ReceiptHandle }) {
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    },
  }));
}

/** How long `list` hides messages: about as long as reading a thousand of them takes. */
export const LIST_HOLD_SECONDS = 20;
/** How long `redrive` hides messages. */
export const REDRIVE_HOLD_SECONDS = 120;

/** Receives one message after the other until none is left or `most` were received. */
export async function* receiveAll(
  queue: DeadLetterQueue,
  holdSeconds: number,
  most: number,
): AsyncGenerator<QueueMessage> {
  for (let received = 0; received < most; ) {
    const messages = await queue.receive(holdSeconds);
    if (messages.length === 0) return;
    for (const [at, message] of messages.entries()) {
      if (received + at < most) yield message;
      else await queue.release(message);
    }
    received += messages.length;
  }
}

export const formatAge = (at: Instant, now: Instant): string => {
  const minutes = Math.max(0, Math.floor((now - at) / (60 * SECOND)));
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / (24 * 60))} d`;
};

const readDeadLetter = (body: string): DeadLetter | undefined => DeadLetter.safeParse(parseJson(body)).data;
