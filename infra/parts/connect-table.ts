import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  type GlobalSecondaryIndexProps,
  type ITable,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { table } from '../../functions/core/store/table';
import type { ConnectFunction } from './connect-function';
import { viaService } from './encryption';

/** Actions on records that can be granted to a function. None deletes the table. */
export type TableAction = 'Query' | 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Scan';

/** KMS actions that DynamoDB performs with a customer key on behalf of a function that reads and writes the table. */
const keyActions = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

/** Keys, stream and TTL of the table. Spread this into a `Table` of your own to pass it in as `table`. */
export const tableSchema = {
  partitionKey: { name: table.partitionKey, type: AttributeType.STRING },
  sortKey: { name: table.sortKey, type: AttributeType.STRING },
  stream: StreamViewType.NEW_AND_OLD_IMAGES,
  timeToLiveAttribute: table.expiry,
};

/** The index that the table must have. It contains the rows that are due for the sweep. */
export const dueIndex: GlobalSecondaryIndexProps = {
  indexName: table.due.index,
  partitionKey: { name: table.due.partitionKey, type: AttributeType.STRING },
  sortKey: { name: table.due.sortKey, type: AttributeType.NUMBER },
  projectionType: ProjectionType.KEYS_ONLY,
};

type RecordTableProps = {
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey: IKey | undefined;
  /** An existing table with `tableSchema` and `dueIndex`. */
  readonly existing: Table | ITable | undefined;
};

/** The table of all records, with the keys of `functions/core/store/table.ts` and protected against loss. */
export class RecordTable extends Construct {
  readonly table: Table | ITable;

  constructor(scope: Construct, id: string, { removalPolicy, encryptionKey, existing }: RecordTableProps) {
    super(scope, id);
    if (existing) {
      this.table = existing;
      return;
    }
    const own = new Table(this, 'Table', {
      ...tableSchema,
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy,
      ...(encryptionKey ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey } : {}),
    });
    own.addGlobalSecondaryIndex(dueIndex);
    this.table = own;
  }

  /** Allows these actions on the table and sets `TABLE_NAME`. */
  grant(to: ConnectFunction, ...actions: TableAction[]): void {
    to.allow(
      actions.map(action => `dynamodb:${action}`),
      this.table.tableArn,
    );
    this.addTable(to);
  }

  /** Allows the function to query the index of due records. */
  grantQueryDue(to: ConnectFunction): void {
    to.allow(['dynamodb:Query'], `${this.table.tableArn}/index/${table.due.index}`);
    this.addTable(to);
  }

  get streamArn(): string {
    const arn = this.table.tableStreamArn;
    if (arn === undefined)
      throw new Error('The existing table needs a stream of new and old images: create it with tableSchema');
    return arn;
  }

  /** Allows Lambda to read the table's stream for the function. */
  grantReadStream(to: ConnectFunction): void {
    to.allow(
      ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
      this.streamArn,
    );
    const key = this.table.encryptionKey;
    if (key) to.allow(['kms:Decrypt'], key.keyArn, viaService(this, 'dynamodb'));
  }

  private addTable(to: ConnectFunction): void {
    to.addEnvironment({ TABLE_NAME: this.table.tableName });
    const key = this.table.encryptionKey;
    if (key) to.allow(keyActions, key.keyArn, viaService(this, 'dynamodb'));
  }
}
