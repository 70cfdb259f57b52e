import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { table } from '../functions/core/table';
import type { ConnectFunction } from './connect-function';
import { viaService } from './encryption';

/** What a function may be allowed to do with single records or one owner's partition. There is no Scan and no delete of the table. */
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

/** The one table, keyed as `functions/core/table.ts` says, guarded against loss. */
export class RecordTable extends Construct {
  readonly table: Table;
  private readonly encryptionKey: IKey | undefined;

  constructor(scope: Construct, id: string, props: { removalPolicy: RemovalPolicy; encryptionKey: IKey | undefined }) {
    super(scope, id);
    this.encryptionKey = props.encryptionKey;
    this.table = new Table(this, 'Table', {
      partitionKey: { name: table.partitionKey, type: AttributeType.STRING },
      sortKey: { name: table.sortKey, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      timeToLiveAttribute: table.expiry,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: props.removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy: props.removalPolicy,
      ...(props.encryptionKey
        ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: props.encryptionKey }
        : {}),
    });
    this.table.addGlobalSecondaryIndex({
      indexName: table.due.index,
      partitionKey: { name: table.due.partitionKey, type: AttributeType.STRING },
      sortKey: { name: table.due.sortKey, type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
    });
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
    if (arn === undefined) throw new Error('The table of records must have a stream');
    return arn;
  }

  /** Lets Lambda read the stream of changes for the function, which is handed them and need not know from where. */
  grantReadStream(to: ConnectFunction): void {
    to.allow(
      ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
      this.streamArn,
    );
    if (this.encryptionKey) to.allow(['kms:Decrypt'], this.encryptionKey.keyArn, viaService(this, 'dynamodb'));
  }

  private letUse(to: ConnectFunction): void {
    to.tell({ TABLE_NAME: this.table.tableName });
    if (this.encryptionKey) {
      to.allow(keyActions, this.encryptionKey.keyArn, viaService(this, 'dynamodb'));
    }
  }
}
