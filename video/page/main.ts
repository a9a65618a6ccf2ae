import { Api, type PageConfig } from './api';
import { byId, setText } from './dom';
import { bytes, count } from './format';
import { Gallery } from './gallery';
import { Player } from './player';
import { ResumeStore } from './resume-store';
import { UploadList } from './upload-list';
import { Uploader } from './uploader';

const announcer = byId('announcer', HTMLDivElement);
const announce = (text: string): void => setText(announcer, text);

async function start(): Promise<void> {
  const config = (await (await fetch('config.json', { cache: 'no-store' })).json()) as PageConfig;
  const api = new Api(config.apiUrl.replace(/\/$/, ''), token(), uploaderId());
  const player = new Player();
  const gallery = new Gallery(api, { play: (video) => void player.play(video), announce });
  const list = new UploadList(() => uploader);
  const uploader = new Uploader(api, config, new ResumeStore(), {
    changed: list.changed,
    uploaded: (id, name) => gallery.addQueued(id, name, Date.now()),
  });
  const limits = `MP4, MOV, WebM, MKV, AVI or MPEG, up to ${bytes(config.maxBytes)}. Above ${bytes(config.postMaxBytes)} in parts, with pause and resume.`;
  setText(byId('limits', HTMLParagraphElement), limits);
  takeFiles((files) => {
    uploader.add(files);
    announce(`${count(files.length, 'file')} added`);
  });
  gallery.refresh();
  const resumed = await uploader.resume(Date.now());
  if (resumed > 0) announce(`Continuing ${count(resumed, 'unfinished upload')}`);
}

function takeFiles(add: (files: readonly File[]) => void): void {
  const input = byId('file-input', HTMLInputElement);
  input.addEventListener('change', () => {
    add([...(input.files ?? [])]);
    // So that choosing the same file again is a change again.
    input.value = '';
  });
  const zone = byId('dropzone', HTMLDivElement);
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  // The whole window takes the drop: a file beside the box would otherwise replace the page.
  window.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    zone.classList.add('over');
  });
  window.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) zone.classList.remove('over');
  });
  window.addEventListener('drop', (event) => {
    zone.classList.remove('over');
    if (!hasFiles(event)) return;
    event.preventDefault();
    add([...(event.dataTransfer?.files ?? [])]);
  });
}

/** The token that a sign-in page left in the address (`#access_token=`), kept for this tab. */
function token(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get('access_token');
  if (given !== null) {
    sessionStorage.setItem('access_token', given);
    history.replaceState(undefined, '', location.pathname + location.search);
  }
  return sessionStorage.getItem('access_token') ?? undefined;
}

/** A random id of this browser: keeps one person's videos in order where nobody signs in. */
function uploaderId(): string {
  const known = localStorage.getItem('uploader');
  if (known !== null) return known;
  const made = crypto.randomUUID();
  localStorage.setItem('uploader', made);
  return made;
}

start().catch((error: unknown) => {
  const notice = byId('notice', HTMLParagraphElement);
  notice.hidden = false;
  setText(notice, `The page cannot start: ${error instanceof Error ? error.message : String(error)}`);
});
