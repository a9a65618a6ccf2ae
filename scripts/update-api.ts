import { updateReports } from './checks/api';
import { updateReference } from './checks/reference';

// Records the interface of what was built, in api/ for review and in docs/API.md for readers:
// `npm run build && npm run api:update`; `npm run docs:api` writes the latter only.
const problems = process.argv.includes('--reference') ? [] : updateReports();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
updateReference();
