import type { ApiError, UploadTicket, VideoPage, VideoView } from '../contract';

/** `config.json`, as the stack declares it. */
export interface PageConfig {
  readonly apiUrl: string;
  readonly postMaxBytes: number;
  readonly maxBytes: number;
  /** True when the page must tell the API that an upload is complete (the ordered variant). */
  readonly confirmUploads?: boolean;
}

/** A refusal by the API, in its own words. */
export class RefusedError extends Error {
  override name = 'RefusedError';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** An operation of a multipart upload that the API signs. */
export type SignedOperation = 'part' | 'list' | 'complete' | 'abort';

/** The upload API. */
export class Api {
  constructor(
    private readonly url: string,
    /** Bearer token for an API with a JWT authorizer. */
    private readonly token: string | undefined,
    /** Tells uploaders apart where no authorizer does. */
    private readonly uploader: string,
  ) {}

  open(file: { name: string; size: number; type: string }): Promise<UploadTicket> {
    return this.#post('/uploads', { ...file, uploader: this.uploader });
  }

  /** @param part its number and bytes, for the operation `part`: the link then holds for a body of that size only */
  async sign(
    id: string,
    uploadId: string,
    operation: SignedOperation,
    part?: { readonly partNumber: number; readonly size: number },
  ): Promise<string> {
    const { url } = await this.#post<{ url: string }>(`/uploads/${id}/sign`, { uploadId, operation, ...part });
    return url;
  }

  async confirm(id: string): Promise<void> {
    await this.#post(`/uploads/${id}/complete`, {});
  }

  videos(limit: number, after?: string): Promise<VideoPage> {
    const query = new URLSearchParams({ limit: String(limit), ...(after === undefined ? {} : { after }) });
    return this.#request(`/videos?${query}`, {});
  }

  /** At most 60 of them; those that are gone are left out. */
  async videosOf(ids: readonly string[]): Promise<readonly VideoView[]> {
    const { videos } = await this.#request<VideoPage>(`/videos?${new URLSearchParams({ ids: ids.join() })}`, {});
    return videos;
  }

  #post<T>(path: string, body: unknown): Promise<T> {
    return this.#request(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  }

  async #request<T>(path: string, init: RequestInit): Promise<T> {
    const headers = { ...init.headers, ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }) };
    const response = await fetch(`${this.url}${path}`, { ...init, headers, cache: 'no-store' });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer as T;
    const refusal = (answer as Partial<ApiError> | undefined)?.error;
    throw new RefusedError(refusal?.code ?? 'Http', refusal?.message ?? `The server answered ${response.status}`);
  }
}
