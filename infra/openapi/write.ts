import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiText } from './text';

/** `npm run openapi`: writes the contract anew. */
writeFileSync(join(__dirname, '../../docs/openapi.json'), openApiText());
