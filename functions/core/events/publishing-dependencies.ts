import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type DeadLetterQueue, sqsDeadLetterQueue } from './dead-letter';
import { type EventBus, eventBridge } from './event-bus';
import { awsRequests, required } from '../platform/dependencies';

/* Dependencies of publishing only. Not in `dependencies.ts`, so that no other bundle contains these SDK clients. */

/** Without the SDK's retries: the caller retries. */
export const eventBus = (): EventBus =>
  eventBridge(new EventBridgeClient({ maxAttempts: 1, requestHandler: awsRequests }), required('BUS_NAME'));

export const deadLetterQueue = (): DeadLetterQueue =>
  // The URL only names the queue; the endpoint is that of the region or the local emulator.
  sqsDeadLetterQueue(
    new SQSClient({ maxAttempts: 3, requestHandler: awsRequests, useQueueUrlAsEndpoint: false }),
    required('DEAD_LETTER_QUEUE_URL'),
  );
