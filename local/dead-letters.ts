import type { StoredMessage } from './emulator';
import type { DeadLetter } from './panel-api';

/** Attributes in which a worker tells why it gave a message up; the first one present counts. */
const REASON_ATTRIBUTES = ['QueueFleet.Reason', 'Reason', 'reason', 'ErrorMessage'];

/** A dead letter for a person. */
export function describeDeadLetter(queue: string, sourceQueue: string, message: StoredMessage): DeadLetter {
  const { messageId, body, messageAttributes, approximateReceiveCount, sentTimestamp } = message;
  const given = REASON_ATTRIBUTES.map((name) => messageAttributes[name]?.StringValue).find(
    (text) => text !== undefined,
  );
  const object = s3ObjectOf(body);
  return {
    queue,
    sourceQueue,
    messageId,
    body,
    reason: given ?? `received ${approximateReceiveCount} times without success`,
    receiveCount: approximateReceiveCount,
    sentAtMs: sentTimestamp,
    ...(object && { object }),
  };
}

/** The object that an S3 event is about. */
export function s3ObjectOf(body: string): { readonly bucket: string; readonly key: string } | undefined {
  try {
    const event = JSON.parse(body) as { Records?: { s3?: { bucket: { name: string }; object: { key: string } } }[] };
    const s3 = event.Records?.[0]?.s3;
    return s3 && { bucket: s3.bucket.name, key: decodeURIComponent(s3.object.key.replaceAll('+', ' ')) };
  } catch {
    return undefined;
  }
}
