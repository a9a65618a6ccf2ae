import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

/**
 * SHA-256 for the SDK's signer, by Node's own functions. The SDK's class does the same, but gives Node the key of an HMAC as
 * bytes, which Node 24 takes several times as long for as for a key object; each request is signed with one.
 */
export class Sha256 {
  readonly #key: string | KeyObject | undefined;
  #data: Uint8Array[] = [];

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#key = typeof secret === 'object' ? createSecretKey(bytesOf(secret)) : secret;
  }

  update(data: Uint8Array): void {
    this.#data.push(data);
  }

  digest(): Promise<Uint8Array> {
    const [only, ...more] = this.#data;
    const data = only === undefined || more.length > 0 ? Buffer.concat(this.#data) : only;
    const digest =
      this.#key === undefined ? hash('sha256', data, 'buffer') : createHmac('sha256', this.#key).update(data).digest();
    return Promise.resolve(digest);
  }

  reset(): void {
    this.#data = [];
  }
}

const bytesOf = (data: ArrayBuffer | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
