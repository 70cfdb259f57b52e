import { start } from './command';
import { secretsCommand } from './secrets-command';

start(secretsCommand);
