import type { UploadTicket, VideoPage, VideoView } from '../contract';

/** Tries of a request that failed on the way or on the server's side. */
const TRIES = 8;

/** The upload API as a page uses it, from Node. */
export class UploadClient {
  constructor(
    private readonly apiUrl: string,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Uploads one file by presigned POST.
   *
   * @param uploader set for the ordered variant, where the API is told that the upload is complete
   * @returns the id of the video
   */
  async upload(name: string, type: string, content: Uint8Array, uploader?: string): Promise<string> {
    const ticket = await this.#json<UploadTicket>('/uploads', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, type, size: content.byteLength, ...(uploader !== undefined && { uploader }) }),
    });
    if (ticket.kind !== 'post') throw new Error(`${name} is too large for one POST`);
    await this.#tried(async () => {
      const form = new FormData();
      for (const [field, value] of Object.entries(ticket.fields)) form.set(field, value);
      form.set('file', new Blob([new Uint8Array(content)]));
      return fetch(ticket.url, { method: 'POST', body: form, signal: this.signal });
    });
    if (uploader !== undefined) await this.#json(`/uploads/${ticket.id}/complete`, { method: 'POST' });
    return ticket.id;
  }

  /** Every video, newest first. */
  async videos(): Promise<readonly VideoView[]> {
    const all: VideoView[] = [];
    let after: string | undefined;
    do {
      const query = new URLSearchParams({ limit: '200', ...(after === undefined ? {} : { after }) });
      const page: VideoPage = await this.#json(`/videos?${query}`, {});
      all.push(...page.videos);
      after = page.next;
    } while (after !== undefined);
    return all;
  }

  async #json<T>(path: string, init: RequestInit): Promise<T> {
    const response = await this.#tried(() => fetch(`${this.apiUrl}${path}`, { ...init, signal: this.signal }));
    return (await response.json()) as T;
  }

  /** Repeats what failed in transport or with a 5xx; a refusal (4xx) is final. */
  async #tried(request: () => Promise<Response>): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await request().catch((error: unknown) => error);
      if (outcome instanceof Response && outcome.ok) return outcome;
      this.signal.throwIfAborted();
      const told = outcome instanceof Response ? `${outcome.status}: ${await outcome.text()}` : String(outcome);
      const final = outcome instanceof Response && outcome.status < 500;
      if (final || attempt === TRIES) throw new Error(`The upload API or the bucket refused: ${told.slice(0, 300)}`);
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt));
    }
  }
}
