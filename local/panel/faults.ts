import type { FaultSettings, LocalState } from '../panel-api';
import { button, make, section } from './dom';
import type { LocalServer } from './server';

/** The knobs that make things go wrong. */
export class Faults {
  readonly #controls: readonly Control[];
  readonly #kill: HTMLButtonElement;
  readonly element: HTMLElement;
  #working: readonly string[] = [];

  constructor(
    private readonly server: LocalServer,
    private readonly say: (text: string) => void,
  ) {
    this.#controls = [
      this.#toggle('Deliver every event twice', 'duplicatePercent', 100),
      this.#toggle('Answer 5 % of requests with an error', 'httpErrorPercent', 5),
      this.#toggle('Events 5 seconds late', 'eventDelaySeconds', 5),
      this.#toggle('Kill an instance every 20 seconds', 'killEverySeconds', 20),
    ];
    this.#kill = button('Kill an instance now', 'qf-danger', () => this.#killOne());
    const controls = this.#controls.map(({ element }) => element);
    this.element = section('faults', 'Make it go wrong', make('div', 'qf-faults', ...controls), this.#kill);
  }

  show({ faults, instances }: LocalState): void {
    for (const control of this.#controls) control.input.checked = faults[control.name] > 0;
    this.#working = instances.filter(({ state }) => state === 'InService').map(({ id }) => id);
    this.#kill.disabled = this.#working.length === 0;
  }

  #killOne(): void {
    const id = this.#working[Math.floor(Math.random() * this.#working.length)];
    if (id === undefined) return;
    this.server.kill(id).then(
      () => this.say(`Killed ${id}: its messages come back when their visibility timeout ends`),
      (error: unknown) => this.say(`Not killed: ${String(error)}`),
    );
  }

  #toggle(label: string, name: keyof FaultSettings, on: number): Control {
    const input = make('input', '');
    input.type = 'checkbox';
    input.addEventListener('change', () => {
      this.server.setFaults({ [name]: input.checked ? on : 0 }).catch((error: unknown) => this.say(String(error)));
    });
    return { name, input, element: make('label', 'qf-fault', input, make('span', '', label)) };
  }
}

interface Control {
  readonly name: keyof FaultSettings;
  readonly input: HTMLInputElement;
  readonly element: HTMLElement;
}
