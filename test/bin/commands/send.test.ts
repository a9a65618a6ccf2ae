import { Readable } from 'node:stream';
import { parseAttributes, regionOf, send, type SendOptions } from '../../../bin/commands/send';
import type { SendEntry, SqsTransport } from '../../../messaging/transport';

const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/123456789012/jobs';

async function run(body: string | undefined, options: Partial<SendOptions> = {}, input = '') {
  const requests: Array<readonly SendEntry[]> = [];
  const out: string[] = [];
  const err: string[] = [];
  const opened: string[] = [];
  const sqs = {
    sendBatch: async (_url: string, entries: readonly SendEntry[]) => {
      requests.push(entries);
      return entries.map((entry) => ({ messageId: `id of ${entry.body}` }));
    },
  } as unknown as SqsTransport;
  const failed = await send(
    body,
    { queueUrl: QUEUE, attribute: [], ...options },
    {
      sqs,
      openInput: (path) => (opened.push(path), Readable.from([input])),
      print: (line) => void out.push(line),
      complain: (line) => void err.push(line),
    },
  );
  return { failed, requests, out, err, opened };
}

describe('queue-fleet send', () => {
  test('sends one body with its attributes', async () => {
    const { failed, requests, out } = await run('a b', { attribute: ['kind=x=y', 'n:Number=3'], delaySeconds: 5 });
    expect(failed).toBe(0);
    expect(requests).toEqual([
      [
        expect.objectContaining({
          body: 'a b',
          delaySeconds: 5,
          attributes: { kind: { type: 'String', value: 'x=y' }, n: { type: 'Number', value: '3' } },
        }),
      ],
    ]);
    expect(out).toEqual(['{"messageId":"id of a b"}']);
  });

  test('reads a body of several lines from standard input', async () => {
    const { requests, opened } = await run('-', {}, 'one\ntwo\n');
    expect(opened).toEqual(['-']);
    expect(requests[0]?.[0]?.body).toBe('one\ntwo\n');
  });

  test('sends each line of a file, ten to a request, and says which line failed', async () => {
    const input = [...[...Array(24).keys()].map((n) => `m${n}`), '', 'bad\u0001'].join('\r\n');
    const { failed, requests, out, err } = await run(undefined, { lines: 'messages.txt' }, input);
    expect(requests.map((entries) => entries.length)).toEqual([10, 10, 4]);
    expect(out[23]).toBe('{"line":24,"messageId":"id of m23"}');
    expect(failed).toBe(1);
    expect(err).toEqual([expect.stringMatching(/^line 26: InvalidBody: /)]);
  });

  test('keeps the order of the lines in a FIFO group', async () => {
    const { requests } = await run(undefined, { lines: '-', groupId: 'g', queueUrl: `${QUEUE}.fifo` }, 'a\nb\nc');
    expect(requests.flat().map((entry) => entry.body)).toEqual(['a', 'b', 'c']);
  });

  test('fails when there is no body, two, or one deduplication id for many lines', async () => {
    await expect(run(undefined)).rejects.toThrow('give either a body or --lines <file>');
    await expect(run('a', { lines: 'f' })).rejects.toThrow('give either a body or --lines <file>');
    await expect(run(undefined, { lines: 'f', deduplicationId: 'd' })).rejects.toThrow('--deduplication-id');
  });

  test('fails when an attribute is not name=value', () => {
    expect(() => parseAttributes(['name'])).toThrow("--attribute 'name' must be name=value");
    expect(parseAttributes([])).toBeUndefined();
  });

  test.each([
    [QUEUE, 'eu-west-1'],
    ['https://sqs.cn-north-1.amazonaws.com.cn/1/q', 'cn-north-1'],
    ['http://127.0.0.1:4566/000000000000/q', undefined],
  ])('knows the region of %s: %p', (url, region) => {
    expect(regionOf(url)).toBe(region);
  });
});
