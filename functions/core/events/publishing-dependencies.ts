import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type DeadLetterQueue, sqsDeadLetterQueue } from './dead-letter';
import { type EventBus, eventBridge } from './event-bus';
import { awsRequests, required } from '../platform/dependencies';

/* What only publishing uses of the outside; beside `live.ts`, so that no other bundle can carry these clients. */

/** One attempt a call: the caller counts them. */
export const eventBus = (): EventBus =>
  eventBridge(new EventBridgeClient({ maxAttempts: 1, requestHandler: awsRequests }), required('BUS_NAME'));

export const deadLetters = (): DeadLetterQueue =>
  // The endpoint is the region's, or the local one; a queue's URL only names the queue.
  sqsDeadLetterQueue(
    new SQSClient({ maxAttempts: 3, requestHandler: awsRequests, useQueueUrlAsEndpoint: false }),
    required('DEAD_LETTER_QUEUE_URL'),
  );
