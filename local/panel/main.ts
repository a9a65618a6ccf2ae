import type { LocalAbout, LocalState } from '../panel-api';
import { sampleOf } from '../chart-sample';
import { Charts } from './charts';
import { DeadLetters } from './dead-letters';
import { clock, duration, make, setText } from './dom';
import { EventLog } from './event-log';
import { Faults } from './faults';
import { Instances } from './instances';
import { Series } from './series';
import { LocalServer } from './server';
import { Shell } from './shell';

/** How long an answer to a click stays in view, milliseconds. */
const SAID_MS = 8_000;

/** Numbers that are read at a glance. */
class Figures {
  readonly #values = new Map<string, HTMLElement>();
  readonly element = make('dl', 'qf-figures');

  constructor() {
    for (const label of ['Waiting', 'In flight', 'Oldest', 'Dead', 'Instances']) {
      const value = make('dd', '', '–');
      this.#values.set(label, value);
      this.element.append(make('div', '', make('dt', '', label), value));
    }
  }

  show({ queues, group }: LocalState): void {
    const work = queues.filter(({ deadLetterOf }) => deadLetterOf === undefined);
    const set = (label: string, text: string): void => {
      const value = this.#values.get(label);
      if (value !== undefined) setText(value, text);
    };
    set('Waiting', String(work.reduce((sum, { visible, delayed }) => sum + visible + delayed, 0)));
    set('In flight', String(work.reduce((sum, { inFlight }) => sum + inFlight, 0)));
    const oldestSeconds = Math.max(0, ...work.map(({ oldestAgeSeconds }) => oldestAgeSeconds));
    set('Oldest', oldestSeconds < 60 ? duration(oldestSeconds) : clock(oldestSeconds));
    const dead = queues.filter(({ deadLetterOf }) => deadLetterOf !== undefined);
    const letters = dead.reduce((sum, { visible, inFlight, delayed }) => sum + visible + inFlight + delayed, 0);
    set('Dead', String(letters));
    this.#values.get('Dead')?.classList.toggle('qf-bad', letters > 0);
    if (group !== undefined) set('Instances', `${group.inService} of ${group.max}`);
  }
}

/** The panel of a local run, beside any page. */
function start(): void {
  const server = new LocalServer();
  const announcer = make('p', 'qf-announcer');
  announcer.setAttribute('role', 'status');
  let clearing: ReturnType<typeof setTimeout> | undefined;
  const say = (text: string): void => {
    setText(announcer, text);
    clearTimeout(clearing);
    clearing = setTimeout(() => setText(announcer, ''), SAID_MS);
  };
  const series = new Series();
  const figures = new Figures();
  const charts = new Charts(series);
  const instances = new Instances(server, say);
  const deadLetters = new DeadLetters(server, say);
  const faults = new Faults(server, say);
  const shell = new Shell(say);
  const log = new EventLog();
  const time = make('span', 'qf-time');
  const dot = make('span', 'qf-dot');
  const stack = make('span', 'qf-stack');
  const header = make('header', 'qf-header', make('h2', 'qf-title', dot, 'Local run'), stack, time);
  const footer = make('footer', 'qf-footer');
  const panel = make('aside', 'qf-panel', header, figures.element, charts.element, log.element);
  panel.append(instances.element, deadLetters.element, faults.element, shell.element, announcer, footer);
  panel.setAttribute('aria-label', 'Local run');
  (document.getElementById('queue-fleet-panel') ?? document.body).append(panel);

  let latest: LocalState | undefined;
  const paint = (): void => {
    const state = latest;
    if (state === undefined) return;
    latest = undefined;
    const { elapsedSeconds, secondsPerMinute } = state.clock;
    setText(time, `${clock(elapsedSeconds)} · ${pace(secondsPerMinute)}`);
    figures.show(state);
    charts.draw();
    instances.show(state);
    deadLetters.show(state);
    faults.show(state);
  };
  const listen = (): void =>
    server.listen({
      state: (state) => {
        series.add(sampleOf(state));
        if (latest === undefined) requestAnimationFrame(paint);
        latest = state;
      },
      log: (entry) => log.add(entry),
      connected: (connected) => {
        dot.classList.toggle('qf-off', !connected);
        if (!connected) setText(time, 'not connected: is the local run still running?');
      },
    });
  // What was before the page, then what is; without the one the other is still worth showing.
  server
    .history()
    .then((samples) => samples.forEach((sample) => series.add(sample)))
    .catch(() => {})
    .finally(listen);
  server.about().then(
    (about) => {
      setText(stack, about.stackName);
      footer.append(fidelity(about));
      shell.show(about);
      time.title = `Alarms, scaling and the boot of instances follow a clock on which a minute takes ${about.secondsPerMinute} s`;
    },
    (error: unknown) => say(`The local run does not answer: ${String(error)}`),
  );
}

/** How fast alarms and scaling go. */
function pace(secondsPerMinute: number): string {
  const factor = Math.round(600 / secondsPerMinute) / 10;
  return factor === 1 ? 'scaling in real time' : `scaling ${factor}× as fast`;
}

/** What of this run is the real thing. */
function fidelity({ fidelity: { real, emulated } }: LocalAbout): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const line = (label: string, items: readonly string[]): HTMLElement =>
    make('p', '', make('strong', '', label), ` ${items.join(', ')}`);
  fragment.append(line('Real:', real), line('Emulated:', emulated));
  return fragment;
}

start();
