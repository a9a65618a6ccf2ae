import { App, Lazy, NestedStack, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { deterministicQueueName, queueNameProblem, withFifoSuffix } from '../../../lib/private/queue-name';
import fc, { runs } from '../../support/properties';

describe('queueNameProblem', () => {
  test.each([
    ['q', false, undefined],
    ['q'.repeat(80), false, undefined],
    ['q'.repeat(81), false, /at most 80/],
    ['a-Z_9', false, undefined],
    ['', false, /only letters/],
    ['a.b', false, /only letters/],
    ['ä', false, /only letters/],
    ['jobs.fifo', false, /FifoWorkQueue/],
    ['jobs.fifo', true, undefined],
    ['jobs', true, undefined],
    ['.fifo', true, /only letters/],
    ['q'.repeat(75), true, undefined],
    ['q'.repeat(76), true, /at most 80/],
    [Lazy.string({ produce: () => '?' }), true, undefined],
  ])('%s as FIFO %s', (name, fifo, problem) => {
    const found = queueNameProblem(name, fifo);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});

test('the FIFO suffix is added once, and never to a token', () => {
  const token = Lazy.string({ produce: () => 'x' });
  expect(['jobs', 'jobs.fifo', token].map((name) => withFifoSuffix(name, true))).toEqual([
    'jobs.fifo',
    'jobs.fifo',
    token,
  ]);
  expect(withFifoSuffix('jobs', false)).toBe('jobs');
});

describe('deterministicQueueName', () => {
  // `constructor` and its like are no ids: constructs keeps children in an object with a prototype.
  const id = fc.stringMatching(/^[A-Za-z0-9_ .äß-]{1,60}$/).filter((text) => !(text in {}));

  test('is a legal name, the same for the same path, different for another', () => {
    fc.assert(
      fc.property(fc.uniqueArray(id, { minLength: 2, maxLength: 5 }), fc.boolean(), (ids, fifo) => {
        const build = (path: readonly string[]): string => {
          let scope: Construct = new Stack(new App(), 'Stack');
          for (const part of path) scope = new Construct(scope, part);
          return deterministicQueueName(scope, fifo);
        };
        const name = build(ids);
        expect(queueNameProblem(name, fifo)).toBeUndefined();
        expect(name.length).toBeLessThanOrEqual(80);
        expect(name.endsWith('.fifo')).toBe(fifo);
        expect(build(ids)).toBe(name);
        expect(build([...ids].reverse())).not.toBe(name);
      }),
      { numRuns: runs(100) },
    );
  });

  test('two nested stacks of one stack do not share names', () => {
    const stack = new Stack(new App(), 'Stack');
    const names = ['One', 'Two'].map((nested) =>
      deterministicQueueName(new Construct(new NestedStack(new Construct(stack, nested), 'Nested'), 'Jobs'), false),
    );
    expect(new Set(names).size).toBe(2);
    expect(names[0]).toMatch(/^Stack-One-Nested-Jobs-/);
  });

  test('two stacks do not share names', () => {
    const app = new App();
    const names = ['A', 'B'].map((id) => deterministicQueueName(new Construct(new Stack(app, id), 'Jobs'), false));
    expect(new Set(names).size).toBe(2);
  });
});
