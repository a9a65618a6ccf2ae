import type { VideoState, VideoView } from '../contract';
import type { Api } from './api';
import { byId, make, setText } from './dom';
import { bytes, count, length } from './format';
import { planPoll } from './poll-plan';

const LABELS: Readonly<Record<VideoState, string>> = {
  queued: 'Queued',
  processing: 'Encoding',
  ready: 'Ready',
  failed: 'Failed',
};

/** Videos asked for at once. */
const PAGE = 60;
/** Pages of new videos that one look may ask for; after that they are older ones, to be shown on demand. */
const PAGES = 5;
/** Between two looks while something is going on, and while nothing is, milliseconds. */
const BUSY_MS = 1_000;
const IDLE_MS = 5_000;

interface Card {
  readonly root: HTMLLIElement;
  /** What is painted; equal means nothing to do. */
  painted: string;
}

/** The videos, newest first, kept up to date by asking the API. */
export class Gallery {
  readonly #list = byId('gallery', HTMLUListElement);
  readonly #empty = byId('gallery-empty', HTMLParagraphElement);
  readonly #counts = byId('gallery-counts', HTMLParagraphElement);
  readonly #notice = byId('notice', HTMLParagraphElement);
  readonly #older = byId('older', HTMLButtonElement);
  readonly #cards = new Map<string, Card>();
  readonly #videos = new Map<string, VideoView>();
  /** Ids of the cards that a person sees, or will after a small scroll. */
  readonly #onScreen = new Set<string>();
  readonly #observer = new IntersectionObserver((entries) => this.#scrolled(entries), { rootMargin: '200px' });
  #next: string | undefined;
  #loaded = false;
  #asked = false;
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(
    private readonly api: Api,
    private readonly listeners: { play: (video: VideoView) => void; announce: (text: string) => void },
  ) {
    this.#older.addEventListener('click', () => void this.#showOlder());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.refresh();
    });
  }

  /** A file has just arrived: shown at once, before the API knows. */
  addQueued(id: string, name: string, nowMs: number): void {
    const fields = { progressPercent: 0, sizeBytes: 0, renditions: [], encodes: 0 };
    if (!this.#videos.has(id)) {
      this.#videos.set(id, { id, name, state: 'queued', ...fields, uploadedAtMs: nowMs, updatedAtMs: nowMs });
    }
    this.#paint();
    this.refresh();
  }

  /** Asks now, and then again and again. */
  refresh(): void {
    clearTimeout(this.#timer);
    if (this.#asked) return;
    this.#asked = true;
    this.#look()
      .then(
        () => {
          this.#failures = 0;
          this.#notice.hidden = true;
        },
        () => {
          this.#failures += 1;
          // One lost answer is no news.
          this.#notice.hidden = this.#failures < 3;
          setText(this.#notice, 'The list cannot be loaded just now. Trying again.');
        },
      )
      .finally(() => {
        this.#asked = false;
        if (document.hidden) return;
        const busy = [...this.#videos.values()].some(({ state }) => state === 'queued' || state === 'processing');
        const waitMs = Math.min(30_000, (busy ? BUSY_MS : IDLE_MS) * 2 ** Math.min(4, this.#failures));
        this.#timer = setTimeout(() => this.refresh(), waitMs);
      });
  }

  /** The newest, back to one that was known before, and of the older ones those that may change. */
  async #look(): Promise<void> {
    const known = new Set(this.#videos.keys());
    const newest = await this.api.videos(PAGE);
    const videos = [...newest.videos];
    let { next } = newest;
    for (let page = 1; this.#loaded && page < PAGES && next !== undefined; page++) {
      if (videos.some(({ id }) => known.has(id))) break;
      const older = await this.api.videos(PAGE, next);
      videos.push(...older.videos);
      next = older.next;
    }
    if (!this.#loaded || !videos.some(({ id }) => known.has(id))) this.#next = next;
    this.#loaded = true;
    const told = new Set(videos.map(({ id }) => id));
    const ids = planPoll({ videos: this.#sorted(), told, onScreen: this.#onScreen, turn: this.#turn++ });
    if (ids.length > 0) videos.push(...(await this.api.videosOf(ids)));
    this.#merge(videos);
  }

  #merge(videos: readonly VideoView[]): void {
    for (const video of videos) {
      const before = this.#videos.get(video.id)?.state;
      this.#videos.set(video.id, video);
      if (before === undefined || before === video.state) continue;
      if (video.state === 'ready') this.listeners.announce(`${video.name} is ready to play`);
      if (video.state === 'failed')
        this.listeners.announce(`${video.name} failed: ${video.reason ?? 'no reason given'}`);
    }
    this.#paint();
  }

  async #showOlder(): Promise<void> {
    if (this.#next === undefined) return;
    const { videos, next } = await this.api.videos(PAGE, this.#next);
    this.#next = next;
    this.#merge(videos);
  }

  /** Ids sort by time, newest first. */
  #sorted(): readonly VideoView[] {
    return [...this.#videos.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #paint(): void {
    const videos = this.#sorted();
    this.#empty.hidden = videos.length > 0;
    this.#older.hidden = this.#next === undefined;
    setText(this.#counts, summary(videos));
    videos.forEach((video, index) => {
      const card = this.#cards.get(video.id) ?? this.#makeCard(video.id);
      const at = this.#list.children[index];
      if (at !== card.root) this.#list.insertBefore(card.root, at ?? null);
      const now = JSON.stringify([video.state, video.progressPercent, video.name, video.reason, video.sizeBytes]);
      if (card.painted === now) return;
      card.painted = now;
      const focused = card.root.contains(document.activeElement);
      card.root.className = `card ${video.state}`;
      card.root.replaceChildren(this.#frame(video), body(video));
      if (focused) card.root.querySelector('button')?.focus();
    });
  }

  #scrolled(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const id = (target as HTMLElement).dataset['id'] ?? '';
      if (isIntersecting) this.#onScreen.add(id);
      else this.#onScreen.delete(id);
    }
  }

  #makeCard(id: string): Card {
    const card = { root: make('li', 'card'), painted: '' };
    card.root.dataset['id'] = id;
    this.#cards.set(id, card);
    this.#observer.observe(card.root);
    return card;
  }

  #frame(video: VideoView): HTMLElement {
    if (video.state === 'ready' && video.urls !== undefined) return this.#playFrame(video, video.urls.poster);
    const frame = make('div', 'frame');
    if (video.state === 'processing') {
      const bar = make('progress', '');
      bar.max = 100;
      bar.value = video.progressPercent;
      bar.setAttribute('aria-label', `Encoding of ${video.name}`);
      // The first percent of a short clip would stand there as if it were stuck.
      const begun = video.progressPercent >= 5;
      frame.append(begun ? make('span', 'percent', `${video.progressPercent} %`) : 'Encoding', bar);
    } else if (video.state === 'failed') {
      // In place of the picture: a card with a reason is then as high as the others.
      const reason = make('p', 'reason', video.reason ?? 'No reason was given');
      reason.title = reason.textContent;
      frame.append(reason);
    } else frame.append(make('span', '', 'Waiting for a worker'));
    return frame;
  }

  #playFrame(video: VideoView, poster: string): HTMLElement {
    const image = make('img', '');
    image.src = poster;
    image.alt = '';
    image.loading = 'lazy';
    image.width = 640;
    image.height = 360;
    const play = make('span', 'play');
    play.append(triangle());
    const button = make('button', 'frame', image, play);
    button.type = 'button';
    button.setAttribute('aria-label', `Play ${video.name}`);

    button.addEventListener('click', () => this.listeners.play(video));
    const box = make('div', 'frame-box', button);
    // Beside the button and not in it: the button's visible text would have to be part of its name.
    if (video.durationSeconds !== undefined) box.append(make('span', 'length', length(video.durationSeconds)));
    return box;
  }
}

function body(video: VideoView): HTMLElement {
  const name = make('p', 'name', video.name);
  name.title = video.name;
  const facts = make('p', 'facts', make('span', `badge ${video.state}`, LABELS[video.state]));
  if (video.state === 'ready') facts.append(video.renditions.join(' + '));
  if (video.sizeBytes > 0) facts.append(make('span', 'size', bytes(video.sizeBytes)));
  return make('div', 'body', name, facts);
}

function summary(videos: readonly VideoView[]): string {
  const of = (state: VideoState): number => videos.filter((video) => video.state === state).length;
  const parts = (['queued', 'processing', 'ready', 'failed'] as const)
    .filter((state) => of(state) > 0)
    .map((state) => `${of(state)} ${LABELS[state].toLowerCase()}`);
  return parts.length === 0 ? '' : `${count(videos.length, 'video')}: ${parts.join(', ')}`;
}

function triangle(): SVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('width', '20');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', 'M8 5.2v13.6a.8.8 0 0 0 1.2.7l11-6.8a.8.8 0 0 0 0-1.4l-11-6.8a.8.8 0 0 0-1.2.7Z');
  svg.append(path);
  return svg;
}
