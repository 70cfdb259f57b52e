import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';

/**
 * A change that could not be published: its row and the reason. `event` is only for the operator to read; a redrive publishes
 * the row's current state.
 */
export const DeadLetter = z.object({
  row: z.object({ owner: z.string(), item: z.string() }),
  /** The row cannot be read, EventBridge refused the event, or the bus was unavailable for too long. */
  reason: z.enum(['unreadable', 'refused', 'undelivered']),
  /** Time of the change. */
  at: z.number(),
  event: z.optional(z.object({ detailType: z.string(), detail: z.record(z.string(), z.unknown()) })),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

export type DeadLetterQueue = {
  /** Rejects if the queue did not accept it. */
  send(deadLetter: DeadLetter): Promise<void>;
};

/** Below the 256 KB of an SQS message. A larger dead letter is sent without its event. */
const EVENT_LIMIT_BYTES = 200 * 1024;

export function sqsDeadLetterQueue(client: Pick<SQSClient, 'send'>, queueUrl: string): DeadLetterQueue {
  return {
    async send({ event, ...rest }) {
      const whole = JSON.stringify({ ...rest, event });
      const body = Buffer.byteLength(whole) <= EVENT_LIMIT_BYTES ? whole : JSON.stringify(rest);
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
    },
  };
}
