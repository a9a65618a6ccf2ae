import type { QueueState } from '../../local/panel-api';
import { judge, type RunOutcome } from '../../local/verdict';

const queue = (more: Partial<QueueState>): QueueState => ({
  name: 'work',
  url: '',
  visible: 0,
  inFlight: 0,
  delayed: 0,
  oldestAgeSeconds: 0,
  sent: 0,
  deleted: 0,
  ...more,
});
const GOOD: RunOutcome = {
  report: { summary: [], failures: [], expectedDeadLetters: 1, expected: 12, ready: 11, processedTwice: 0 },
  queues: [queue({}), queue({ name: 'dead', deadLetterOf: 'work', visible: 1 })],
  capacity: { initial: 1, highest: 4, last: 1 },
  scales: true,
  failedInstances: 0,
};

describe('judge', () => {
  test('finds nothing wrong with a good run', () => {
    expect(judge(GOOD)).toEqual([]);
  });

  test.each<[string, Partial<RunOutcome>, string]>([
    ['a lost piece of work', { report: { ...GOOD.report, ready: 10 } }, '1 of 12 pieces of work were lost'],
    ['work done twice', { report: { ...GOOD.report, processedTwice: 2 } }, '2 pieces of work were done twice'],
    ['a finding of the scenario', { report: { ...GOOD.report, failures: ['odd'] } }, 'odd'],
    [
      'messages left',
      { queues: [queue({ inFlight: 3 }), queue({ deadLetterOf: 'work', visible: 1 })] },
      'still holds 3',
    ],
    ['a missing dead letter', { queues: [queue({})] }, '0 messages are in the dead-letter queue, 1 belong there'],
    ['a fleet that stayed', { capacity: { initial: 1, highest: 1, last: 1 } }, 'never scaled out'],
    ['a fleet that stayed out', { capacity: { initial: 1, highest: 4, last: 4 } }, 'did not scale back'],
    ['workers that ended', { failedInstances: 1 }, '1 workers ended by themselves'],
  ])('names %s', (_, change, text) => {
    expect(judge({ ...GOOD, ...change })).toEqual([expect.stringContaining(text)]);
  });

  test('asks no scaling of a template that has none', () => {
    expect(judge({ ...GOOD, scales: false, capacity: { initial: 1, highest: 1, last: 1 } })).toEqual([]);
  });
});
