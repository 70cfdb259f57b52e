import { start } from './command';
import { ownerCommand } from './owner-command';

start(ownerCommand);
