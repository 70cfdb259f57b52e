import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import type { ConnectFunction } from './connect-function';

type ConnectBusProps = {
  readonly stage: string;
  /** A bus that exists already. */
  readonly brought: EventBus | IEventBus | undefined;
};

/** The bus on which the rest of the team's system hears of every change. */
export class ConnectBus extends Construct {
  readonly bus: EventBus | IEventBus;

  constructor(scope: Construct, id: string, { stage, brought }: ConnectBusProps) {
    super(scope, id);
    this.bus =
      brought ??
      new EventBus(this, 'Bus', {
        eventBusName: `terra-connect-${stage}`,
        description: 'Sessions that ended and connections that changed',
      });
  }

  /** Lets the function publish here, and tells it the bus. */
  grantPublish(to: ConnectFunction): void {
    to.allow(['events:PutEvents'], this.bus.eventBusArn);
    to.tell({ BUS_NAME: this.bus.eventBusName });
  }
}
