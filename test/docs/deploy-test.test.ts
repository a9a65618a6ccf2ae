import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCESS } from '../deploy/access';
import { MUTATIONS } from '../deploy/mutations';
import { UPDATE } from '../deploy/update';

const PAGE = readFileSync(join(__dirname, '../../docs/deploy-test.md'), 'utf8').replace(/\s+/g, ' ');

describe('docs/deploy-test.md', () => {
  test('counts what the deployment test has', () => {
    expect(PAGE).toContain(`with ${MUTATIONS.length} broken properties`);
    expect(PAGE).toContain(`${ACCESS.length} requests`);
    expect(ACCESS.filter(({ allowed }) => !allowed).length / ACCESS.length).toBeCloseTo(2 / 3, 1);
  });

  test('names the update', () => {
    expect(PAGE).toContain(`With \`-c ${UPDATE.context}\``);
  });

  test('each way to break the template has a name of its own', () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(10);
  });
});
