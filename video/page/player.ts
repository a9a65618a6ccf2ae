import type Hls from 'hls.js';
import type { VideoView } from '../contract';
import { byId, setText } from './dom';

const HLS_TYPE = 'application/vnd.apple.mpegurl';

/** Plays a video in a dialog: HLS by the browser, else by hls.js, else the MP4. */
export class Player {
  readonly #dialog = byId('player', HTMLDialogElement);
  readonly #video = byId('player-video', HTMLVideoElement);
  readonly #title = byId('player-title', HTMLHeadingElement);
  readonly #note = byId('player-note', HTMLParagraphElement);
  #hls: Hls | undefined;

  constructor() {
    byId('player-close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => this.#stop());
    // A click beside the dialog lands on the dialog itself.
    this.#dialog.addEventListener('click', (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  async play(video: VideoView): Promise<void> {
    const { urls } = video;
    if (urls === undefined) return;
    setText(this.#title, video.name);
    this.#video.poster = urls.poster;
    this.#dialog.showModal();
    setText(this.#note, await this.#load(urls.master, urls.mp4, video.renditions));
    await this.#video.play().catch(() => {
      // The browser wants a click first: the controls are there.
    });
  }

  async #load(master: string, mp4: string, renditions: readonly string[]): Promise<string> {
    const ladder = renditions.join(' and ');
    if (this.#video.canPlayType(HLS_TYPE) !== '') {
      this.#video.src = master;
      return `HLS, ${ladder}, played by the browser`;
    }
    const { default: HlsPlayer } = await import('hls.js/light');
    if (HlsPlayer.isSupported()) {
      const hls = new HlsPlayer({ enableWorker: false });
      hls.on(HlsPlayer.Events.ERROR, (_event, data) => {
        if (!data.fatal || this.#hls !== hls) return;
        this.#stop();
        this.#video.src = mp4;
        setText(this.#note, 'HLS could not be played here: this is the MP4');
      });
      hls.loadSource(master);
      hls.attachMedia(this.#video);
      this.#hls = hls;
      return `HLS, ${ladder}, played by hls.js`;
    }
    this.#video.src = mp4;
    return 'MP4: this browser cannot play HLS';
  }

  #stop(): void {
    this.#hls?.destroy();
    this.#hls = undefined;
    this.#video.removeAttribute('src');
    this.#video.removeAttribute('poster');
    this.#video.load();
  }
}
