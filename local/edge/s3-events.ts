/** S3 event notifications: which configuration hears of a change, and the document that it sends. */

/** One queue configuration of a bucket. */
export interface QueueNotification {
  readonly id: string;
  /** Event types, such as `s3:ObjectCreated:*`. */
  readonly events: readonly string[];
  readonly queueArn: string;
  /** Key prefixes and suffixes; all must fit. */
  readonly prefix: string;
  readonly suffix: string;
}

/** Something that happened to an object. */
export interface ObjectChange {
  /** Without the `s3:` prefix, for example `ObjectCreated:Put`. */
  readonly eventName: string;
  readonly bucket: string;
  readonly key: string;
  readonly size?: number;
  /** Without quotes. */
  readonly etag?: string;
  /** Who did it: an access key's session or `anonymous`. */
  readonly principal: string;
}

/** True when the configuration listens to this change. */
export function hears(notification: QueueNotification, change: ObjectChange): boolean {
  return (
    notification.events.some((type) => {
      const name = type.replace(/^s3:/, '');
      return name.endsWith('*') ? change.eventName.startsWith(name.slice(0, -1)) : name === change.eventName;
    }) &&
    change.key.startsWith(notification.prefix) &&
    change.key.endsWith(notification.suffix)
  );
}

/** A key as events carry it: form encoding, `+` for a space, `/` kept. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replace(/%20/g, '+')
    .replace(/%2F/g, '/')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Sequencers: hexadecimal, of one length, each greater than the one before, also across restarts. */
export function createSequencer(nowMs: () => number): () => string {
  let last = 0n;
  return () => {
    const candidate = BigInt(Math.floor(nowMs())) << 20n;
    last = candidate > last ? candidate : last + 1n;
    return last.toString(16).toUpperCase().padStart(18, '0');
  };
}

/** The body of an event's message. */
export function eventBody(
  change: ObjectChange,
  notification: QueueNotification,
  context: { readonly region: string; readonly atMs: number; readonly sequencer: string; readonly requestId: string },
): string {
  return JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: context.region,
        eventTime: new Date(context.atMs).toISOString(),
        eventName: change.eventName,
        userIdentity: { principalId: change.principal },
        requestParameters: { sourceIPAddress: '127.0.0.1' },
        responseElements: { 'x-amz-request-id': context.requestId, 'x-amz-id-2': context.requestId },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: notification.id,
          bucket: {
            name: change.bucket,
            ownerIdentity: { principalId: 'LOCAL' },
            arn: `arn:aws:s3:::${change.bucket}`,
          },
          object: {
            key: encodeKey(change.key),
            ...(change.size !== undefined && { size: change.size }),
            ...(change.etag !== undefined && { eTag: change.etag }),
            sequencer: context.sequencer,
          },
        },
      },
    ],
  });
}

/** The message that S3 sends when notifications are set up; workers must ignore it. */
export function testEventBody(bucket: string, atMs: number, requestId: string): string {
  return JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: new Date(atMs).toISOString(),
    Bucket: bucket,
    RequestId: requestId,
    HostId: requestId,
  });
}
