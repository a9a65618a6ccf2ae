import { Producer } from '../../messaging/producer';
import type { ProducerOptions } from '../../messaging/producer-options';
import { SqsError } from '../../messaging/sqs-errors';
import type { SendEntry, SendOutcome, SqsTransport } from '../../messaging/transport';
import { ManualClock } from './manual-clock';

export const STANDARD = 'https://sqs.eu-west-1.amazonaws.com/123456789012/jobs';

/** What SQS says to one request. */
export type Answer = (entries: readonly SendEntry[]) => Promise<readonly SendOutcome[]>;
export const acceptAll: Answer = async (entries) => entries.map(({ body }) => ({ messageId: `id of ${body}` }));
export const never: Answer = () => new Promise(() => undefined);
export const reject =
  (kind: SqsError['kind'], code: string): Answer =>
  () =>
    Promise.reject(new SqsError(kind, code, code));
export const failEntries =
  (...indices: number[]): Answer =>
  async (entries) =>
    entries.map(({ body }, i) =>
      indices.includes(i)
        ? { failure: { kind: 'transient', code: 'InternalError', message: 'try again' } }
        : { messageId: body },
    );

/** A producer on a transport that answers by `script`, then accepts everything. */
export function produce(script: readonly Answer[] = [], options: Partial<ProducerOptions> = {}) {
  const clock = new ManualClock();
  const requests: Array<readonly string[]> = [];
  const lines: string[] = [];
  const refreshCredentials = jest.fn(() => Promise.resolve());
  const sqs = {
    sendBatch: (_url: string, entries: readonly SendEntry[]) => {
      requests.push(entries.map(({ body }) => body));
      return (script[requests.length - 1] ?? acceptAll)(entries);
    },
    refreshCredentials,
  } as unknown as SqsTransport;
  const log = (_fields: object, text = ''): void => void lines.push(text);
  const logger = {
    debug: log,
    info: log,
    warn: log,
    error: (fields: object, text?: string) => log(fields, `error: ${text}`),
  };
  const producer = new Producer({ sqs, queueUrl: STANDARD, clock, logger, random: () => 0.5, ...options });
  return { producer, clock, requests, lines, refreshCredentials };
}
