import { writeFileSync } from 'node:fs';
import { countOwners } from './count-owner';
import { countSecretFetches } from './count-secret-fetches';
import { measureFlows, measureScale } from './measure';
import { CHART, PAGE, type SectionName, withSection } from './page';
import { chartOfFlows, sectionsOfFlows, sectionsOfOwners, sectionsOfScale, sectionsOfSecrets } from './sections';

/** Counts everything and writes it into docs/performance.md: `node --import tsx test/performance/write.ts`. */
async function write(): Promise<void> {
  const flows = await measureFlows();
  const sections = {
    ...sectionsOfFlows(flows),
    ...sectionsOfScale((await measureScale()).scales),
    ...sectionsOfOwners(await countOwners()),
    ...sectionsOfSecrets(await countSecretFetches()),
  };
  for (const [name, text] of Object.entries(sections)) writeFileSync(PAGE, withSection(name as SectionName, text));
  writeFileSync(CHART, chartOfFlows(flows));
}

void write();
