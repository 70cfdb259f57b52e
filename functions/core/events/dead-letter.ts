import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';

/**
 * What could not be published, for an operator: which row it was about and why. A ready event lies beside it to be looked
 * at; what a redrive publishes is the row's state by then.
 */
export const DeadLetter = z.object({
  row: z.object({ owner: z.string(), item: z.string() }),
  /** The row could not be read, EventBridge will not have the event, or the bus was away for too long. */
  reason: z.enum(['unreadable', 'refused', 'undelivered']),
  /** Of the change, in milliseconds since 1970. */
  at: z.number(),
  event: z.optional(z.object({ detailType: z.string(), detail: z.record(z.string(), z.unknown()) })),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

export type DeadLetterQueue = {
  /** Rejects where the queue did not take it. */
  send(letter: DeadLetter): Promise<void>;
};

/** Below the 256 KB of an SQS message; an event too large for EventBridge must not be too large for this as well. */
const EVENT_LIMIT_BYTES = 200 * 1024;

export function sqsDeadLetterQueue(client: Pick<SQSClient, 'send'>, queueUrl: string): DeadLetterQueue {
  return {
    async send({ event, ...letter }) {
      const whole = JSON.stringify({ ...letter, event });
      const body = Buffer.byteLength(whole) <= EVENT_LIMIT_BYTES ? whole : JSON.stringify(letter);
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
    },
  };
}
