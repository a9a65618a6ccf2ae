import type { InstanceState, LocalState } from '../panel-api';
import { button, make, section, setText } from './dom';
import type { LocalServer } from './server';

const LABELS: Readonly<Record<InstanceState['state'], string>> = {
  Booting: 'booting',
  'Pending:Wait': 'starting',
  InService: 'in service',
  'Terminating:Wait': 'draining',
  Terminated: 'terminated',
  Killed: 'killed',
  Failed: 'failed',
};

interface Row {
  readonly element: HTMLLIElement;
  readonly state: HTMLElement;
  readonly work: HTMLElement;
  readonly kill: HTMLButtonElement;
}

/** The instances, each with its work and a button that ends it without warning. */
export class Instances {
  readonly #list = make('ul', 'qf-instances');
  readonly #none = make('p', 'qf-quiet', 'No instances: the group is at zero');
  readonly #rows = new Map<string, Row>();
  readonly element = section('instances', 'Instances', this.#list, this.#none);

  constructor(
    private readonly server: LocalServer,
    private readonly say: (text: string) => void,
  ) {}

  show({ instances }: LocalState): void {
    this.#none.hidden = instances.length > 0;
    for (const id of this.#rows.keys()) {
      if (instances.some((instance) => instance.id === id)) continue;
      this.#rows.get(id)?.element.remove();
      this.#rows.delete(id);
    }
    for (const instance of instances) {
      const row = this.#rows.get(instance.id) ?? this.#make(instance.id);
      row.element.dataset['state'] = instance.state;
      setText(row.state, LABELS[instance.state]);
      setText(row.work, `${instance.running} running · ${instance.done} done`);
      const alive = ['Pending:Wait', 'InService', 'Terminating:Wait'].includes(instance.state);
      row.kill.disabled = !alive;
    }
  }

  #make(id: string): Row {
    // The ends of two ids differ, their beginnings do not.
    const short = id.length > 10 ? `i-…${id.slice(-4)}` : id;
    const state = make('span', 'qf-instance-state');
    const work = make('span', 'qf-instance-work');
    const kill = button('Kill', 'qf-small qf-danger', () => {
      this.server.kill(id).then(
        () => this.say(`Killed ${short}`),
        (error: unknown) => this.say(`Not killed: ${String(error)}`),
      );
    });
    kill.setAttribute('aria-label', `Kill instance ${short}`);
    const element = make('li', 'qf-instance', make('code', 'qf-instance-id', short), state, work, kill);
    const row = { element, state, work, kill };
    this.#rows.set(id, row);
    this.#list.append(element);
    return row;
  }
}
