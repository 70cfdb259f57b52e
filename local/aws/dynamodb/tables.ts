import { table } from '../../../functions/core/store/table';

/** The properties needed to create a table, named as in CloudFormation. */
export type TableDefinition = {
  readonly TableName: string;
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[];
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: 'S' | 'N' | 'B' }[];
  readonly GlobalSecondaryIndexes?: readonly unknown[];
  readonly TimeToLiveSpecification?: { readonly AttributeName: string; readonly Enabled: boolean };
};

/** The project's table, for tests that need storage but no stack. */
export const connectTable: TableDefinition = {
  TableName: 'terra-connect',
  KeySchema: [
    { AttributeName: table.partitionKey, KeyType: 'HASH' },
    { AttributeName: table.sortKey, KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: table.partitionKey, AttributeType: 'S' },
    { AttributeName: table.sortKey, AttributeType: 'S' },
    { AttributeName: table.due.partitionKey, AttributeType: 'S' },
    { AttributeName: table.due.sortKey, AttributeType: 'N' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: table.due.index,
      KeySchema: [
        { AttributeName: table.due.partitionKey, KeyType: 'HASH' },
        { AttributeName: table.due.sortKey, KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ],
  TimeToLiveSpecification: { AttributeName: table.expiry, Enabled: true },
};
