import { shellLines } from '../../../local/panel/shell';

describe('shellLines', () => {
  const operatorEnv = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_REGION: 'us-east-1' };

  test('exports every variable, drops what would win over them, and begins with the dead letters', () => {
    const queues = [
      { name: 'work', url: 'http://127.0.0.1:1/0/work' },
      { name: 'dead', url: 'http://127.0.0.1:1/0/dead', deadLetterOf: 'work' },
    ];
    expect(shellLines({ operatorEnv, queues })).toEqual([
      'unset AWS_PROFILE AWS_SESSION_TOKEN',
      'export AWS_ENDPOINT_URL=http://127.0.0.1:1',
      'export AWS_REGION=us-east-1',
      'npx queue-fleet dlq list',
      'npx queue-fleet dlq peek http://127.0.0.1:1/0/dead',
    ]);
  });

  test('names no queue where there is no dead-letter queue', () => {
    expect(shellLines({ operatorEnv, queues: [] }).at(-1)).toBe('npx queue-fleet dlq list');
  });
});
