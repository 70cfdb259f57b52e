import { start } from './command';
import { eventsCommand } from './events-command';

start(eventsCommand);
