import { ConfigurationProblems, readConfiguration } from '../../worker/configuration';
import { WORKER_ENV } from '../../worker/contract';

const url = 'https://sqs.eu-west-1.amazonaws.com/123456789012/videos';
const minimal = { [WORKER_ENV.queueUrl]: url, [WORKER_ENV.handler]: 'module:./handler.js' };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfiguration(env);
    return [];
  } catch (error) {
    return (error as ConfigurationProblems).problems;
  }
}

describe('readConfiguration', () => {
  test('fills in everything that has a default', () => {
    expect(readConfiguration(minimal)).toEqual({
      queues: [{ url, weight: 1 }],
      handler: { kind: 'module', path: './handler.js' },
      concurrency: 1,
      visibilityTimeoutSeconds: 30,
      waitTimeSeconds: 20,
      drainTimeoutSeconds: 120,
      healthPort: 0,
      metadataEndpoint: 'http://169.254.169.254',
    });
  });

  test('reads several queues with their weights and dead-letter queues', () => {
    const env = {
      ...minimal,
      [WORKER_ENV.queueUrl]: `${url} ${url}-2`,
      [WORKER_ENV.queueWeights]: '3 1',
      [WORKER_ENV.deadLetterQueueUrl]: `- ${url}-dead`,
      [WORKER_ENV.concurrency]: '8',
    };
    expect(readConfiguration(env).queues).toEqual([
      { url, weight: 3 },
      { url: `${url}-2`, weight: 1, deadLetterQueueUrl: `${url}-dead` },
    ]);
  });

  test('belongs to a group only when the group has a name', () => {
    expect(readConfiguration({ ...minimal, [WORKER_ENV.launchHookName]: 'Up' }).group).toBeUndefined();
    const env = { ...minimal, [WORKER_ENV.autoScalingGroupName]: 'imds', [WORKER_ENV.terminateHookSeconds]: '300' };
    expect(readConfiguration(env).group).toEqual({ groupName: 'imds', terminateHookSeconds: 300 });
  });

  test('fails with every problem at once', () => {
    expect(
      problemsOf({
        [WORKER_ENV.queueUrl]: 'videos',
        [WORKER_ENV.handler]: 'exec:ls',
        [WORKER_ENV.concurrency]: 'many',
        [WORKER_ENV.waitTimeSeconds]: '21',
        [WORKER_ENV.metadataEndpoint]: 'nowhere',
      }),
    ).toHaveLength(5);
  });

  test.each([
    ['no queue', { [WORKER_ENV.queueUrl]: '' }, 'is missing'],
    ['no handler', { [WORKER_ENV.handler]: ' ' }, 'is missing'],
    ['one queue twice', { [WORKER_ENV.queueUrl]: `${url} ${url}`, [WORKER_ENV.concurrency]: '2' }, 'twice'],
    ['weights of other queues', { [WORKER_ENV.queueWeights]: '1 2' }, '2 weights for 1 queues'],
    ['weight 0', { [WORKER_ENV.queueWeights]: '0' }, "weight '0'"],
    ['dead-letter queues of others', { [WORKER_ENV.deadLetterQueueUrl]: '- -' }, '2 entries for 1 queues'],
    ['fewer slots than queues', { [WORKER_ENV.queueUrl]: `${url} ${url}-2` }, 'at least the number of queues'],
    ['concurrency 0', { [WORKER_ENV.concurrency]: '0' }, 'from 1 to 10000'],
    ['a visibility timeout of 1 second', { [WORKER_ENV.visibilityTimeoutSeconds]: '1' }, 'from 2 to 43200'],
    ['a fraction', { [WORKER_ENV.drainTimeoutSeconds]: '1.5' }, 'whole number'],
    ['a hook of 29 seconds', { [WORKER_ENV.terminateHookSeconds]: '29' }, 'from 30 to 7200'],
  ])('fails when there is %s', (_name, env, text) => {
    const problems = problemsOf({ ...minimal, ...env });
    expect(problems).toEqual([expect.stringContaining(text)]);
  });
});
