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

/** What a function may be allowed to do with single records or one owner's partition. There is no delete of the table. */
export type TableAction = 'Query' | 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Scan';

/** What DynamoDB does with a customer's key in the name of whoever reads and writes the table. */
const keyActions = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

/** How the table is keyed and what it must do by itself: spread this into a `Table` of your own to bring it. */
export const tableSchema = {
  partitionKey: { name: table.partitionKey, type: AttributeType.STRING },
  sortKey: { name: table.sortKey, type: AttributeType.STRING },
  stream: StreamViewType.NEW_AND_OLD_IMAGES,
  timeToLiveAttribute: table.expiry,
};

/** The index a table must have: a row is in it while something about it is due. */
export const dueIndex: GlobalSecondaryIndexProps = {
  indexName: table.due.index,
  partitionKey: { name: table.due.partitionKey, type: AttributeType.STRING },
  sortKey: { name: table.due.sortKey, type: AttributeType.NUMBER },
  projectionType: ProjectionType.KEYS_ONLY,
};

type RecordTableProps = {
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey: IKey | undefined;
  /** A table that exists already, made to `tableSchema` and `dueIndex`. */
  readonly brought: Table | ITable | undefined;
};

/** The one table, keyed as `functions/core/store/table.ts` says, guarded against loss. */
export class RecordTable extends Construct {
  readonly table: Table | ITable;

  constructor(scope: Construct, id: string, { removalPolicy, encryptionKey, brought }: RecordTableProps) {
    super(scope, id);
    if (brought) {
      this.table = brought;
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

  /** Lets the function do this with the table's records, and tells it where they are. */
  grant(to: ConnectFunction, ...actions: TableAction[]): void {
    to.allow(
      actions.map(action => `dynamodb:${action}`),
      this.table.tableArn,
    );
    this.letUse(to);
  }

  /** Lets the function ask which records are due. */
  grantQueryDue(to: ConnectFunction): void {
    to.allow(['dynamodb:Query'], `${this.table.tableArn}/index/${table.due.index}`);
    this.letUse(to);
  }

  get streamArn(): string {
    const arn = this.table.tableStreamArn;
    if (arn === undefined)
      throw new Error('The table that is brought must have a stream of new and old images: see tableSchema');
    return arn;
  }

  /** Lets Lambda read the stream of changes for the function, which is handed them and need not know from where. */
  grantReadStream(to: ConnectFunction): void {
    to.allow(
      ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
      this.streamArn,
    );
    const key = this.table.encryptionKey;
    if (key) to.allow(['kms:Decrypt'], key.keyArn, viaService(this, 'dynamodb'));
  }

  private letUse(to: ConnectFunction): void {
    to.tell({ TABLE_NAME: this.table.tableName });
    const key = this.table.encryptionKey;
    if (key) to.allow(keyActions, key.keyArn, viaService(this, 'dynamodb'));
  }
}
