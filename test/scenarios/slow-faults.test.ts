import { hears, type SlowScenario } from './outage';
import { type Effect, testScenarios } from './play';

const effects: Record<SlowScenario, Effect> = {
  slow: hears('nobody waits longer than four seconds, and nothing is asked twice', '504 terra_timeout'),
  'slow-drip': hears('an answer that comes byte by byte is given up after four seconds', '504 terra_timeout'),
  hang: hears('an answer that never comes is given up after four seconds', '504 terra_timeout'),
};

testScenarios(effects);
