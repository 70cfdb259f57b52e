import { start } from './command';
import { doctorCommand } from './doctor-command';

start(doctorCommand);
