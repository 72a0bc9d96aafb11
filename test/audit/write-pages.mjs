// Writes src/audit/README.md from the rules; run after `npx tsc -p tsconfig.json`.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rulesReadme } from '../../dist/audit/pages.js';
import { allRules } from '../../dist/audit/rules/index.js';

writeFileSync(fileURLToPath(new URL('../../src/audit/README.md', import.meta.url)), rulesReadme(allRules));
