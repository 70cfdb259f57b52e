import { type AskAws, askAws } from './ask-aws';
import { awsDeployment } from './aws-deployment';
import type { Deployment, Place } from './deployment';
import { localDeployment } from './local-deployment';

/** Finds the deployment: on AWS by its stack, on this machine by what the running local stack tells of itself. */
export function findDeployment(place: Place, ask: AskAws = askAws): Promise<Deployment> {
  switch (place.kind) {
    case 'aws':
      return awsDeployment(place.stack, ask);
    case 'local':
      return localDeployment(place.port);
    default:
      return place satisfies never;
  }
}
