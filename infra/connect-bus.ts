import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import type { ConnectFunction } from './connect-function';

/** The bus on which the rest of the team's system hears of every change. */
export class ConnectBus extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string, { stage }: { stage: string }) {
    super(scope, id);
    this.bus = new EventBus(this, 'Bus', {
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
