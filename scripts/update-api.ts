import { updateReports } from './checks/api';

// Records the public declarations of what was built in api/: `npm run build && npm run api:update`.
const problems = updateReports();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
