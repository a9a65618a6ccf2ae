import type { MessageAttribute, SendEntry, TransportMessage } from './transport';

/** Names of the attributes that a quarantined message carries besides its own. */
export const QUARANTINE_ATTRIBUTES = {
  /** Class of the error. */
  error: 'QueueFleet.Error',
  /** Text of the error, at most 1,000 characters. */
  reason: 'QueueFleet.Reason',
  /** Id of the message in the queue that it came from. */
  messageId: 'QueueFleet.MessageId',
} as const;

const MAX_ATTRIBUTES = 10;
const MAX_BYTES = 1_048_576;

/**
 * What is sent to the dead-letter queue for a poison message: its body as it came, its own attributes, and as many of ours as SQS's
 * limits of 10 attributes and 1 MiB leave room for. The message's own ones come first, so that it can be sent back as it was.
 */
export function quarantineEntry(message: TransportMessage, error: unknown): SendEntry {
  const attributes: Record<string, MessageAttribute> = { ...message.attributes };
  let bytes = Buffer.byteLength(message.body);
  for (const [name, { type, value }] of Object.entries(attributes)) bytes += attributeBytes(name, type, value);
  const ours = [
    [QUARANTINE_ATTRIBUTES.reason, printable(error instanceof Error ? error.message : String(error))],
    [QUARANTINE_ATTRIBUTES.error, printable(error instanceof Error ? error.name : typeof error)],
    [QUARANTINE_ATTRIBUTES.messageId, message.messageId],
  ] as const;
  for (const [name, value] of ours) {
    const more = attributeBytes(name, 'String', value);
    if (name in attributes || Object.keys(attributes).length >= MAX_ATTRIBUTES || bytes + more > MAX_BYTES) continue;
    attributes[name] = { type: 'String', value };
    bytes += more;
  }
  return {
    body: message.body,
    attributes,
    ...(message.traceHeader !== undefined && { traceHeader: message.traceHeader }),
    ...(message.groupId !== undefined && { groupId: message.groupId }),
    // One delivery may be quarantined by two workers; on a FIFO dead-letter queue only the first one stays.
    ...(message.sequenceNumber !== undefined && { deduplicationId: message.messageId }),
  };
}

const attributeBytes = (name: string, type: string, value: string | Uint8Array): number =>
  Buffer.byteLength(name) + Buffer.byteLength(type) + Buffer.byteLength(value);

/** SQS takes no control characters and no empty values. */
const printable = (text: string): string =>
  text.slice(0, 1000).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd') || '(no text)';
