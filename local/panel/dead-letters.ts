import type { DeadLetter, LocalState } from '../panel-api';
import { button, make, section, setText } from './dom';
import type { LocalServer } from './server';

/** The dead-letter queues: what is in them, why, and the way back. */
export class DeadLetters {
  readonly #count = make('span', 'qf-count');
  readonly #redrive = button('Redrive all', 'qf-small', () => void this.#redriveAll());
  readonly #list = make('ul', 'qf-letters');
  readonly #none = make('p', 'qf-quiet', 'Empty: no message was given up');
  readonly element = section('dead', 'Dead-letter queue', this.#redrive, this.#list, this.#none);
  #known = -1;

  constructor(
    private readonly server: LocalServer,
    private readonly say: (text: string) => void,
  ) {
    this.element.querySelector('h3')?.append(' ', this.#count);
    this.#list.tabIndex = 0;
    this.#list.setAttribute('aria-label', 'Messages in the dead-letter queue');
  }

  show({ queues }: LocalState): void {
    const dead = queues.filter(({ deadLetterOf }) => deadLetterOf !== undefined);
    const messages = dead.reduce((sum, { visible, inFlight, delayed }) => sum + visible + inFlight + delayed, 0);
    setText(this.#count, String(messages));
    this.#redrive.disabled = messages === 0;
    this.#none.hidden = messages > 0;
    this.#list.hidden = messages === 0;
    if (messages === this.#known) return;
    this.#known = messages;
    if (messages > 0) this.#load();
  }

  #load(): void {
    this.server.deadLetters().then(
      (letters) => this.#list.replaceChildren(...letters.map(row)),
      () => {
        // Asked again with the next state.
        this.#known = -1;
      },
    );
  }

  async #redriveAll(): Promise<void> {
    this.#redrive.disabled = true;
    try {
      const { moved } = await this.server.redrive();
      this.say(`${moved} message${moved === 1 ? '' : 's'} moved back to the queue`);
    } catch (error) {
      this.say(`Not moved: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function row({ reason, object, messageId, receiveCount }: DeadLetter): HTMLLIElement {
  const what = make('code', 'qf-letter-what', object?.key ?? messageId);
  const item = make('li', 'qf-letter', make('span', 'qf-letter-reason', reason), what);
  // A message that the worker refused was never received here.
  if (receiveCount > 0)
    item.append(make('span', 'qf-quiet', `${receiveCount} receive${receiveCount === 1 ? '' : 's'}`));
  return item;
}
