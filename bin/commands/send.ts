import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { silentLogger, type Logger } from '../../messaging/logger';
import type { AttributeValue, OutgoingMessage } from '../../messaging/outgoing-message';
import { Producer } from '../../messaging/producer';
import type { ProducerOptions } from '../../messaging/producer-options';
import { createSqsClient } from '../../messaging/sdk-transport';
import type { SendResult } from '../../messaging/send-decision';

/** Options of `queue-fleet send` as commander gives them. */
export interface SendOptions {
  readonly queueUrl: string;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly delaySeconds?: number;
  readonly attribute: readonly string[];
  readonly lines?: string;
}

/** What the command touches. */
export interface SendEnvironment {
  readonly sqs: ProducerOptions['sqs'];
  readonly openInput: (path: string) => NodeJS.ReadableStream;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

/** Messages handed to the producer at once; bounds what a long file holds in memory. */
const CHUNK = 1_000;

/** Adds the options of `queue-fleet send`. */
export function configure(command: Command): void {
  command
    .argument('[body]', 'the message; - reads it from standard input')
    .requiredOption('--queue-url <url>', 'queue to send to')
    .option('--group-id <id>', 'FIFO group, or tenant of a fair queue')
    .option('--deduplication-id <id>', 'deduplication id (FIFO)')
    .option('--delay-seconds <seconds>', 'delivery delay, 0 to 900', Number)
    .option(
      '--attribute <name[:type]=value>',
      'message attribute, repeatable; type String or Number',
      (pair: string, pairs: readonly string[]) => [...pairs, pair],
      [],
    )
    .option('--lines <file>', 'send each line of a file as one message; - for standard input')
    .action(async (body: string | undefined, options: SendOptions) => {
      const region = regionOf(options.queueUrl);
      const failed = await send(body, options, {
        sqs: createSqsClient(region === undefined ? {} : { region }),
        openInput: (path) => (path === '-' ? process.stdin : createReadStream(path)),
        print: (line) => void process.stdout.write(`${line}\n`),
        complain: (line) => void process.stderr.write(`${line}\n`),
      });
      if (failed > 0) process.exitCode = 1;
    });
}

/** Sends one message or the lines of a file; prints one JSON line for each. @returns how many were not sent */
export async function send(body: string | undefined, options: SendOptions, io: SendEnvironment): Promise<number> {
  const { queueUrl, groupId, deduplicationId, delaySeconds, lines } = options;
  if ((body === undefined) === (lines === undefined)) throw new Error('give either a body or --lines <file>');
  if (lines !== undefined && deduplicationId !== undefined)
    throw new Error('--deduplication-id cannot go with --lines: all lines but the first would count as duplicates');
  const common = { attributes: parseAttributes(options.attribute), groupId, deduplicationId, delaySeconds };
  const producer = new Producer({ sqs: io.sqs, queueUrl, logger: loggerTo(io.complain) });
  const report = (result: SendResult, line?: number): number => {
    if (result.ok) {
      const { messageId, sequenceNumber } = result;
      io.print(JSON.stringify({ line, messageId, sequenceNumber }));
      return 0;
    }
    const { code, message } = result.error;
    const reason = message.startsWith(code) ? message : `${code}: ${message}`;
    io.complain(line === undefined ? reason : `line ${line}: ${reason}`);
    return 1;
  };
  try {
    if (lines === undefined) {
      const whole = body === '-' ? await text(io.openInput('-')) : (body ?? '');
      const [result] = await producer.sendBatch([{ ...common, body: whole }]);
      return result === undefined ? 1 : report(result);
    }
    let failed = 0;
    let chunk: Array<OutgoingMessage & { readonly line: number }> = [];
    const sendChunk = async (): Promise<void> => {
      const results = await producer.sendBatch(chunk);
      results.forEach((result, i) => (failed += report(result, chunk[i]?.line)));
      chunk = [];
    };
    let line = 0;
    for await (const content of createInterface({ input: io.openInput(lines), crlfDelay: Infinity })) {
      line++;
      if (content === '') continue;
      chunk.push({ ...common, body: content, line });
      if (chunk.length === CHUNK) await sendChunk();
    }
    await sendChunk();
    return failed;
  } finally {
    await producer.close();
  }
}

/** Tells a person that waits why it takes so long; the final failure of a message is reported with the message. */
function loggerTo(complain: (line: string) => void): Logger {
  let told: unknown;
  const warn = (fields: object, line = ''): void => {
    const { code } = fields as { code?: unknown };
    if (code !== told) complain(`${line} (${String(code)})`);
    told = code;
  };
  return { ...silentLogger, warn };
}

/** Reads `name=value` and `name:Number=value`. */
export function parseAttributes(pairs: readonly string[]): Record<string, AttributeValue> | undefined {
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(
    pairs.map((pair) => {
      const match = /^([^:=]+)(?::([^=]+))?=(.*)$/s.exec(pair);
      if (match === null) throw new Error(`--attribute '${pair}' must be name=value or name:type=value`);
      const [, name = '', type = 'String', value = ''] = match;
      return [name, { type, value }];
    }),
  );
}

/** The region that a queue URL of AWS names; undefined for emulators, where the SDK's own settings count. */
export function regionOf(queueUrl: string): string | undefined {
  return /^https:\/\/sqs\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)/.exec(queueUrl)?.[1];
}
