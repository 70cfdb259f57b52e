import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import type { ConnectFunction } from './connect-function';

type ConnectBusProps = {
  readonly stage: string;
  readonly existing: EventBus | IEventBus | undefined;
};

/** The event bus for changes of sessions and connections. */
export class ConnectBus extends Construct {
  readonly bus: EventBus | IEventBus;

  constructor(scope: Construct, id: string, { stage, existing }: ConnectBusProps) {
    super(scope, id);
    this.bus =
      existing ??
      new EventBus(this, 'Bus', {
        eventBusName: `terra-connect-${stage}`,
        description: 'Sessions that ended and connections that changed',
      });
  }

  /** Lets the function publish to the bus and sets `BUS_NAME`. */
  grantPublish(to: ConnectFunction): void {
    to.allow(['events:PutEvents'], this.bus.eventBusArn);
    to.addEnvironment({ BUS_NAME: this.bus.eventBusName });
  }
}
