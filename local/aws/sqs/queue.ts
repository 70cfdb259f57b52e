import { createHash, randomUUID } from 'node:crypto';
import { type AwsAnswer, type OnCall, startService } from '../aws-call';

/** A queue of the template. Its `ref` is its URL. */
export type DeclaredQueue = { readonly ref: string; readonly arn: string };

export type Queues = {
  readonly endpoint: string;
  /** The queues' URLs in the template. */
  readonly urls: readonly string[];
  /** Sends a message to the queue with this URL or ARN, as an AWS service does. */
  send(queue: string, body: string): void;
  /** Returns the bodies of all messages in the queue with this URL or ARN, including those in flight, oldest first. */
  bodies(queue: string): readonly string[];
  close(): Promise<void>;
};

type Message = { readonly id: string; readonly body: string; readonly sentAt: number } & {
  visibleAt: number;
  receipt?: string;
  received: number;
};
type Queue = { readonly url: string; readonly arn: string; messages: Message[] };
type Request = Readonly<Record<string, unknown>>;

const BODY_LIMIT_BYTES = 256 * 1024;
const VISIBILITY_TIMEOUT_SECONDS = 30;
const MESSAGES_A_CALL = 10;

/** Starts SQS on the loopback interface with the template's queues, in memory and without long polling. */
export async function startQueues(options: {
  declared: readonly DeclaredQueue[];
  onCall?: OnCall;
  clock?: () => number;
}): Promise<Queues> {
  const { declared, onCall, clock = Date.now } = options;
  const queues = declared.map(({ ref, arn }): Queue => ({ url: ref, arn, messages: [] }));

  // Only the path of a queue's URL identifies the queue.
  const find = (url: unknown) => queues.find(queue => pathOf(queue.url) === pathOf(String(url)));
  const named = (name: string): Queue => {
    const queue = queues.find(({ url, arn }) => name === url || name === arn);
    if (!queue) throw new Error(`There is no queue ${name}. Queues: ${queues.map(({ url }) => url).join(', ')}`);
    return queue;
  };

  function add(queue: Queue, body: string): Message {
    const message = { id: randomUUID(), body, sentAt: clock(), visibleAt: 0, received: 0 };
    queue.messages.push(message);
    return message;
  }

  const actions: Record<string, (queue: Queue, request: Request) => AwsAnswer> = {
    SendMessage(queue, { MessageBody }) {
      if (typeof MessageBody !== 'string' || MessageBody === '') {
        return failure('MissingParameter', 'The request must contain the parameter MessageBody.');
      }
      if (Buffer.byteLength(MessageBody) > BODY_LIMIT_BYTES) {
        return failure('InvalidParameterValue', `One or more parameters are invalid. Reason: Message must be shorter.`);
      }
      const { id } = add(queue, MessageBody);
      return { status: 200, body: { MessageId: id, MD5OfMessageBody: md5(MessageBody) } };
    },

    ReceiveMessage(queue, { MaxNumberOfMessages = 1, VisibilityTimeout = VISIBILITY_TIMEOUT_SECONDS }) {
      const now = clock();
      const most = Math.min(Number(MaxNumberOfMessages), MESSAGES_A_CALL);
      const received = queue.messages.filter(({ visibleAt }) => visibleAt <= now).slice(0, most);
      for (const message of received) {
        message.receipt = randomUUID();
        message.visibleAt = now + Number(VisibilityTimeout) * 1000;
        message.received += 1;
      }
      const Messages = received.map(({ id, body, receipt, sentAt, received: times }) => ({
        MessageId: id,
        ReceiptHandle: receipt,
        Body: body,
        MD5OfBody: md5(body),
        Attributes: { SentTimestamp: `${sentAt}`, ApproximateReceiveCount: `${times}` },
      }));
      return { status: 200, body: Messages.length > 0 ? { Messages } : {} };
    },

    // Deleting a message twice also succeeds on AWS.
    DeleteMessage(queue, { ReceiptHandle }) {
      queue.messages = queue.messages.filter(({ receipt }) => receipt === undefined || receipt !== ReceiptHandle);
      return { status: 200, body: {} };
    },

    GetQueueAttributes(queue) {
      const now = clock();
      const visible = queue.messages.filter(({ visibleAt }) => visibleAt <= now).length;
      const Attributes = {
        QueueArn: queue.arn,
        ApproximateNumberOfMessages: `${visible}`,
        ApproximateNumberOfMessagesNotVisible: `${queue.messages.length - visible}`,
      };
      return { status: 200, body: { Attributes } };
    },
  };

  function answerTo(name: string, input: Request): AwsAnswer {
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    const queue = find(input.QueueUrl);
    if (!action) return failure('UnknownOperationException', `${name} is not emulated`);
    return queue ? action(queue, input) : failure('QueueDoesNotExist', 'The specified queue does not exist.');
  }

  const { endpoint, close } = await startService({
    onCall,
    contentType: 'application/x-amz-json-1.0',
    answer: answerTo,
  });

  return {
    endpoint,
    urls: queues.map(({ url }) => url),
    send: (name, body) => void add(named(name), body),
    bodies: name => named(name).messages.map(({ body }) => body),
    close,
  };
}

const pathOf = (url: string): string => (URL.canParse(url) ? new URL(url).pathname : url);

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

const failure = (type: string, message: string): AwsAnswer => ({
  status: 400,
  body: { __type: `com.amazonaws.sqs#${type}`, message },
});
