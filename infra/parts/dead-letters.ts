import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ConnectFunction } from './connect-function';
import { viaService } from './encryption';

/** The queue of events that could not be published. It keeps them for 14 days. */
export class DeadLetters extends Construct {
  readonly queue: Queue;
  private readonly encryptionKey: IKey | undefined;

  constructor(scope: Construct, id: string, { encryptionKey }: { encryptionKey: IKey | undefined }) {
    super(scope, id);
    this.encryptionKey = encryptionKey;
    this.queue = new Queue(this, 'Queue', {
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      ...(encryptionKey
        ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
        : { encryption: QueueEncryption.SQS_MANAGED }),
    });
  }

  /** Lets the function send messages and sets `DEAD_LETTER_QUEUE_URL`. */
  grantSend(to: ConnectFunction): void {
    to.allow(['sqs:SendMessage'], this.queue.queueArn);
    to.addEnvironment({ DEAD_LETTER_QUEUE_URL: this.queue.queueUrl });
    if (this.encryptionKey) {
      to.allow(['kms:Decrypt', 'kms:GenerateDataKey'], this.encryptionKey.keyArn, viaService(this, 'sqs'));
    }
  }
}
