import type { LocalAbout } from '../panel-api';
import { button, make, section } from './dom';

/** Lines to paste into a shell, so that command lines and SDKs talk to this run. */
export class Shell {
  readonly #lines = make('pre', 'qf-shell-lines');
  readonly element: HTMLElement;

  constructor(private readonly say: (text: string) => void) {
    const copy = button('Copy', 'qf-small', () => void this.#copy());
    copy.setAttribute('aria-label', 'Copy the lines for a shell');
    const note = make('p', 'qf-quiet', 'The AWS CLI, an SDK and queue-fleet then work on this run.');
    this.element = section('shell', 'From your shell', copy, note, this.#lines);
    // Keyboard users must be able to scroll long lines.
    this.#lines.tabIndex = 0;
    this.#lines.setAttribute('aria-label', 'Lines for a shell');
  }

  show(about: LocalAbout): void {
    this.#lines.textContent = shellLines(about).join('\n');
  }

  async #copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(`${this.#lines.textContent ?? ''}\n`);
      this.say('Copied: paste the lines into a shell');
    } catch {
      // Without permission the lines are at least marked, for the keyboard.
      getSelection()?.selectAllChildren(this.#lines);
      this.say('The browser does not allow copying: the lines are selected instead');
    }
  }
}

/** The variables, and two commands to begin with. */
export function shellLines({ operatorEnv, queues }: Pick<LocalAbout, 'operatorEnv' | 'queues'>): readonly string[] {
  const dead = queues.find(({ deadLetterOf }) => deadLetterOf !== undefined);
  return [
    // Either would win over the key.
    'unset AWS_PROFILE AWS_SESSION_TOKEN',
    ...Object.entries(operatorEnv).map(([name, value]) => `export ${name}=${value}`),
    'npx queue-fleet dlq list',
    ...(dead === undefined ? [] : [`npx queue-fleet dlq peek ${dead.url}`]),
  ];
}
