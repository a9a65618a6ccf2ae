import { createHash } from 'node:crypto';
import { SendError, type SendErrorCode } from './send-error';
import type { MessageAttribute } from './transport';

/** A message to send. */
export interface OutgoingMessage {
  /** The text; at least one character, and only characters that XML 1.0 allows (a limit of SQS). */
  readonly body: string;
  /**
   * Up to 10 attributes: text, numbers or bytes, or one with an SQS type of its own (`Number.int`).
   *
   * @default - no attributes
   */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** FIFO queue: the group whose order is kept, required. Standard queue: the tenant of a fair queue. */
  readonly groupId?: string;
  /** FIFO queues only. @default - the queue's content-based deduplication */
  readonly deduplicationId?: string;
  /** Whole seconds until the message can be received, 0 to 900; standard queues only. @default - the queue's delay */
  readonly delaySeconds?: number;
}

/** Value of a message attribute. */
export type AttributeValue = string | number | Uint8Array | MessageAttribute;

/** Limits of SQS, as of November 2026. */
export const SEND_LIMITS = {
  /** Of one message, and of all messages of one request; attributes included. */
  bytes: 1_048_576,
  entries: 10,
  attributes: 10,
  attributeNameCharacters: 256,
  idCharacters: 128,
  delaySeconds: 900,
} as const;

/** A message in the form of the transport, with its size. */
export interface CheckedMessage {
  readonly attributes: Readonly<Record<string, MessageAttribute>> | undefined;
  /** Bytes of all attributes: names, types and values. */
  readonly attributeBytes: number;
  readonly bodyBytes: number;
}

type Findings = Array<readonly [code: SendErrorCode, text: string]>;

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const FORBIDDEN_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const ATTRIBUTE_NAME = /^(?!aws\.|amazon\.)(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)$/i;
const ATTRIBUTE_TYPE = /^(String|Number|Binary)(\.[^\s]{1,249})?$/;
const ID = /^[!-~]{1,128}$/;

/**
 * Checks what SQS would refuse, before anything is sent: one bad entry can fail a whole batch there.
 *
 * The size is not checked here; encryption and claim check still change it.
 *
 * @throws SendError with all findings
 */
export function checkMessage(message: OutgoingMessage, fifo: boolean, maxAttributes: number): CheckedMessage {
  const found: Findings = [];
  checkBody(message.body, found);
  checkAddress(message, fifo, found);
  let attributeBytes = 0;
  let attributes: Record<string, MessageAttribute> | undefined;
  if (message.attributes !== undefined) {
    const entries = Object.entries(message.attributes);
    if (entries.length > maxAttributes)
      found.push([
        'TooManyAttributes',
        `'attributes' (${entries.length}) must be at most ${maxAttributes}: put the rest into the body`,
      ]);
    attributes = {};
    for (const [name, value] of entries) {
      const attribute = toAttribute(value);
      attributes[name] = attribute;
      checkAttribute(name, attribute, found);
      attributeBytes += attributeSize(name, attribute);
    }
  }
  throwFindings(found);
  return { attributes, attributeBytes, bodyBytes: Buffer.byteLength(message.body) };
}

/** Bytes that an attribute adds to its message: name, type and value. */
export function attributeSize(name: string, { type, value }: MessageAttribute): number {
  const valueBytes = typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength;
  return Buffer.byteLength(name) + Buffer.byteLength(type) + valueBytes;
}

function checkBody(body: string, found: Findings): void {
  if (typeof body !== 'string')
    found.push(['InvalidBody', `'body' (${typeof body}) must be text: use JSON.stringify for an object`]);
  else if (body === '') found.push(['InvalidBody', "'body' must have at least one character"]);
  else if (FORBIDDEN_CHARACTER.test(body)) {
    const at = body.search(FORBIDDEN_CHARACTER);
    const code = body.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0');
    found.push(['InvalidBody', `'body' must not hold the character U+${code} (at ${at}): encode it, SQS refuses it`]);
  }
}

function checkAddress(message: OutgoingMessage, fifo: boolean, found: Findings): void {
  const { groupId, deduplicationId, delaySeconds } = message;
  if (fifo && groupId === undefined) found.push(['GroupIdMissing', "'groupId' must be set: the queue is a FIFO queue"]);
  if (!fifo && deduplicationId !== undefined)
    found.push(['DeduplicationIdOnStandardQueue', "'deduplicationId' must not be set: only FIFO queues deduplicate"]);
  checkId('groupId', 'InvalidGroupId', groupId, found);
  checkId('deduplicationId', 'InvalidDeduplicationId', deduplicationId, found);
  if (delaySeconds === undefined) return;
  if (fifo)
    found.push(['DelayOnFifoQueue', "'delaySeconds' must not be set: a FIFO queue has one delay for all its messages"]);
  else if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > SEND_LIMITS.delaySeconds)
    found.push([
      'DelayOutOfRange',
      `'delaySeconds' (${delaySeconds} seconds) must be a whole number from 0 to ${SEND_LIMITS.delaySeconds} seconds`,
    ]);
}

function checkId(prop: string, code: SendErrorCode, value: string | undefined, found: Findings): void {
  if (value === undefined || ID.test(value)) return;
  const limits = `must be 1 to ${SEND_LIMITS.idCharacters} letters, digits and punctuation`;
  found.push([code, `'${prop}' (${value.length} characters) ${limits}`]);
}

function checkAttribute(name: string, { type, value }: MessageAttribute, found: Findings): void {
  const quoted = `attribute '${name}'`;
  if (!ATTRIBUTE_NAME.test(name))
    found.push([
      'InvalidAttributeName',
      `${quoted} must have a name of 1 to ${SEND_LIMITS.attributeNameCharacters} characters A-Z a-z 0-9 _ - and single dots inside, not beginning with AWS. or Amazon.`,
    ]);
  const binary = type.startsWith('Binary');
  if (!ATTRIBUTE_TYPE.test(type) || binary !== (typeof value !== 'string'))
    found.push(['InvalidAttribute', `${quoted} (type ${type}) must be String, Number or Binary with a value to match`]);
  else if (value.length === 0) found.push(['InvalidAttribute', `${quoted} must not be empty: leave it out`]);
  else if (typeof value === 'string' && FORBIDDEN_CHARACTER.test(value))
    found.push(['InvalidAttribute', `${quoted} must not hold characters that XML 1.0 forbids: send bytes instead`]);
  else if (type.startsWith('Number') && !Number.isFinite(Number(value)))
    found.push(['InvalidAttribute', `${quoted} (${String(value)}) must be a finite number`]);
}

function toAttribute(value: AttributeValue): MessageAttribute {
  if (typeof value === 'string') return { type: 'String', value };
  if (typeof value === 'number') return { type: 'Number', value: String(value) };
  return value instanceof Uint8Array ? { type: 'Binary', value } : value;
}

function throwFindings(found: Findings): void {
  const [first] = found;
  if (first !== undefined) throw new SendError(first[0], found.map(([, text]) => text).join('; '), false);
}

/** What SQS's content-based deduplication makes of a body; for bodies that are replaced before they are sent. */
export const contentDeduplicationId = (body: string): string => createHash('sha256').update(body).digest('hex');
