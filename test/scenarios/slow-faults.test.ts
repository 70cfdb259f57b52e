import { hears, type SlowScenario } from './outage';
import { type Effect, testScenarios } from './play';

const effects: Record<SlowScenario, Effect> = {
  slow: hears('every caller gets an answer within four seconds, and nothing is repeated', '504 terra_timeout'),
  'slow-drip': hears('an answer that arrives byte by byte is abandoned after four seconds', '504 terra_timeout'),
  hang: hears('an answer that never arrives is abandoned after four seconds', '504 terra_timeout'),
};

testScenarios(effects);
