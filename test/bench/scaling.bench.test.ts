import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CELLS } from '../../bench/scaling/cells';
import { CONTESTANTS } from '../../bench/scaling/contestants';
import { keep, markdown, summary, type BenchResults } from '../../bench/scaling/results';

const ROOT = resolve(__dirname, '../..');
const results = JSON.parse(readFileSync(resolve(ROOT, 'bench/scaling/results.json'), 'utf8')) as BenchResults;
const squeeze = (text: string) => text.replace(/[ -]+/g, ' ');

/** When one of these fails, the policy, the simulator or the cells changed: run `npm run bench:scaling`. */
describe('bench/scaling/results.json', () => {
  test('is what docs/scaling.md shows', () => {
    const page = readFileSync(resolve(ROOT, 'docs/scaling.md'), 'utf8');
    // Prettier aligns the tables of the page.
    expect(squeeze(page)).toContain(squeeze(markdown(results)));
  });

  test('has every cell and every contestant of today', () => {
    expect(results.cells).toEqual(CELLS.map((cell) => cell.name));
    expect(results.contestants.map(({ id, name }) => ({ id, name }))).toEqual(
      CONTESTANTS.map(({ id, name }) => ({ id, name })),
    );
  });

  // Medium work, steady and with a spike: some thousand jobs each.
  test.each(['ours', 'oursWarm', 'backlogPerInstance', 'queueProcessingService', 'keda'])(
    'holds the numbers that a run gives today: %s',
    (id) => {
      const contestant = CONTESTANTS.find((candidate) => candidate.id === id);
      const stored = results.contestants.find((candidate) => candidate.id === id);
      const seed = results.seeds[0] ?? 0;
      for (const index of id === 'oursWarm' ? [5] : [3, 5]) {
        const cell = CELLS[index];
        if (cell === undefined || contestant === undefined) throw new Error('no such run');
        expect(keep(contestant.run(cell, seed))).toEqual(stored?.results[index]?.[0]);
      }
    },
    60_000,
  );

  test('holds cells that a fleet at its maximum masters', () => {
    const maximum = results.contestants.find((contestant) => contestant.id === 'maximum');
    expect(summary(maximum?.results ?? []).cellsInTime).toBe(9);
  });

  test('shows the library on every cell in time, with hardly a killed job', () => {
    const ours = summary(results.contestants.find((contestant) => contestant.id === 'ours')?.results ?? []);
    expect(ours.cellsInTime).toBe(9);
    // Only a job longer than three times the declared p99 can be killed.
    expect(ours.killed).toBeLessThanOrEqual(2);
    expect(results.extras['the same when no job is longer than its drain (three times the p99)']).toBe(0);
    expect(ours.meanViolations).toBeLessThanOrEqual(0.01);
  });
});
