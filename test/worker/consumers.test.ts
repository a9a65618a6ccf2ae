import type { SQSClient } from '@aws-sdk/client-sqs';
import { Consumer, silentLogger, type DrainOptions } from '../../messaging';
import { readConfiguration } from '../../worker/configuration';
import { Consumers } from '../../worker/consumers';
import { WORKER_ENV } from '../../worker/contract';
import type { HandlerHost } from '../../worker/hosts';
import { ManualClock } from '../support/manual-clock';

describe('Consumers', () => {
  afterEach(() => jest.restoreAllMocks());

  test.each<[string, number | undefined, number, DrainOptions]>([
    ['a module', undefined, 120_000, { budgetMs: 120_000 }],
    // Half of the grace is for handlers to stop, and half a second of that for killed processes to be gone.
    ['processes that have 5 s to stop', 5_000, 120_000, { budgetMs: 120_000, graceMs: 11_000 }],
    ['processes that have 5 s to stop', 5_000, 8_000, { budgetMs: 8_000, graceMs: 4_000 }],
  ])('a drain gives %s its time (%p, %p ms)', async (_what, stopsWithinMs, budgetMs, expected) => {
    jest.spyOn(Consumer.prototype, 'start').mockReturnValue();
    const drain = jest.spyOn(Consumer.prototype, 'drain').mockReturnValue(new Promise(() => {}));
    const host: HandlerHost = {
      handler: async () => {},
      stop: async () => {},
      ...(stopsWithinMs !== undefined && { stopsWithinMs }),
    };
    const consumers = new Consumers({
      configuration: readConfiguration({
        [WORKER_ENV.queueUrl]: 'https://sqs.eu-west-1.amazonaws.com/123456789012/videos',
        [WORKER_ENV.handler]: 'module:./handler.js',
      }),
      sqs: { config: {}, send: () => new Promise(() => {}) } as unknown as SQSClient,
      clock: new ManualClock(),
      logger: silentLogger,
      loadHost: async () => host,
      changed: () => {},
    });
    await consumers.load();
    consumers.start();
    consumers.drain(budgetMs);
    expect(drain.mock.calls).toEqual([[expected]]);
  });
});
