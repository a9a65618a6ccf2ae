import type {
  ChartSample,
  DeadLetter,
  FaultSettings,
  LocalAbout,
  LocalState,
  LogEntry,
  RedriveAnswer,
} from '../panel-api';

/** The local run, as the panel talks to it. Every call rejects with the server's words. */
export class LocalServer {
  about(): Promise<LocalAbout> {
    return request('about');
  }

  history(): Promise<readonly ChartSample[]> {
    return request('history');
  }

  deadLetters(): Promise<readonly DeadLetter[]> {
    return request('dead-letters');
  }

  redrive(queue?: string): Promise<RedriveAnswer> {
    return request('redrive', { queue });
  }

  async kill(instanceId: string): Promise<void> {
    await request(`instances/${encodeURIComponent(instanceId)}/kill`, {});
  }

  setFaults(change: Partial<FaultSettings>): Promise<FaultSettings> {
    return request('faults', change);
  }

  /** States and log entries, with reconnection by the browser. */
  listen(listeners: {
    readonly state: (state: LocalState) => void;
    readonly log: (entry: LogEntry) => void;
    readonly connected: (connected: boolean) => void;
  }): void {
    const source = new EventSource('/_local/events');
    const parse = (event: Event): unknown => JSON.parse((event as MessageEvent<string>).data);
    source.addEventListener('state', (event) => listeners.state(parse(event) as LocalState));
    source.addEventListener('log', (event) => listeners.log(parse(event) as LogEntry));
    source.addEventListener('open', () => listeners.connected(true));
    source.addEventListener('error', () => listeners.connected(false));
  }
}

async function request<T>(path: string, body?: unknown): Promise<T> {
  const init: RequestInit =
    body === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(body),
          // A header that another site's page cannot send without being asked for permission.
          headers: { 'content-type': 'application/json', 'x-queue-fleet': '1' },
        };
  const response = await fetch(`/_local/${path}`, init);
  const text = await response.text();
  const answer: unknown = text === '' ? undefined : JSON.parse(text);
  if (!response.ok) throw new Error((answer as { error?: string } | undefined)?.error ?? `HTTP ${response.status}`);
  return answer as T;
}
