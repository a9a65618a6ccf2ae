import uPlot from 'uplot';
import { clock, duration, make } from './dom';
import type { Series } from './series';

/** Width of the window that the charts show, seconds. */
const WINDOW_SECONDS = 120;

interface Palette {
  readonly text: string;
  readonly grid: string;
  readonly visible: string;
  readonly inFlight: string;
  readonly oldest: string;
  readonly inService: string;
  readonly desired: string;
  readonly band: string;
  readonly bandIn: string;
}

/** Two charts on one time axis: what waits, and who works. */
export class Charts {
  readonly element = make('div', 'qf-charts');
  readonly #messages = make('div', 'qf-chart qf-chart-messages');
  readonly #instances = make('div', 'qf-chart qf-chart-instances');
  #plots: uPlot[] = [];
  #width = 0;

  constructor(private readonly series: Series) {
    for (const box of [this.#messages, this.#instances]) box.setAttribute('role', 'img');
    this.element.append(
      legend('Messages', [
        ['visible', 'waiting'],
        ['in-flight', 'in flight'],
        ['oldest', 'oldest, s (right)'],
        ['band', 'alarm: out'],
        ['band-in', 'in'],
      ]),
      this.#messages,
      legend('Instances', [
        ['in-service', 'in service'],
        ['desired', 'desired'],
      ]),
      this.#instances,
    );
    new ResizeObserver(() => this.#build()).observe(this.element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#build(true));
  }

  /** Draws what the series holds now. */
  draw(): void {
    const { seconds, visible, inFlight, oldestSeconds, inService, desired } = this.series;
    const now = seconds.at(-1);
    if (now === undefined) return;
    const data: uPlot.AlignedData[] = [
      [seconds, visible, inFlight, oldestSeconds],
      [seconds, desired, inService],
    ];
    this.#plots.forEach((plot, i) => {
      const columns = data[i];
      if (columns !== undefined) plot.setData(columns, false);
      plot.setScale('x', { min: Math.max(0, now - WINDOW_SECONDS), max: Math.max(WINDOW_SECONDS, now) });
    });
    const last = (column: readonly number[]): number => column.at(-1) ?? 0;
    this.#messages.setAttribute(
      'aria-label',
      `Messages over the last two minutes; now ${last(visible)} waiting, ${last(inFlight)} in flight, the oldest ${duration(last(oldestSeconds))} old`,
    );
    this.#instances.setAttribute(
      'aria-label',
      `Instances over the last two minutes; now ${last(inService)} in service, ${last(desired)} desired`,
    );
  }

  #build(force = false): void {
    const width = Math.floor(this.element.clientWidth);
    if (width === 0 || (width === this.#width && !force)) return;
    if (!force && this.#plots.length > 0) {
      this.#width = width;
      this.#plots.forEach((plot) => plot.setSize({ width, height: plot.height }));
      return;
    }
    this.#width = width;
    this.#plots.forEach((plot) => plot.destroy());
    const palette = readPalette(this.element);
    this.#plots = [
      new uPlot(messagesOptions(palette, width, this.series), [[], [], [], []], this.#messages),
      new uPlot(instancesOptions(palette, width, this.series), [[], [], []], this.#instances),
    ];
    this.draw();
  }
}

function legend(title: string, keys: readonly (readonly [string, string])[]): HTMLElement {
  const items = keys.map(([key, label]) => make('li', `qf-key qf-key-${key}`, label));
  return make('div', 'qf-legend', make('h3', 'qf-heading', title), make('ul', '', ...items));
}

function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(`--qf-${name}`).trim();
  return {
    text: read('muted'),
    grid: read('grid'),
    visible: read('visible'),
    inFlight: read('in-flight'),
    oldest: read('oldest'),
    inService: read('in-service'),
    desired: read('desired'),
    band: read('band'),
    bandIn: read('band-in'),
  };
}

function messagesOptions(palette: Palette, width: number, series: Series): uPlot.Options {
  return {
    ...common(palette, width, 132, series),
    scales: { x: { time: false }, y: upTo(5), age: upTo(10) },
    axes: [timeAxis(palette), valueAxis(palette, 'y', 3), { ...valueAxis(palette, 'age', 1), grid: { show: false } }],
    series: [
      {},
      { ...line(palette.visible), fill: `color-mix(in srgb, ${palette.visible} 16%, transparent)`, width: 2 },
      { ...line(palette.inFlight), width: 2 },
      { ...line(palette.oldest), scale: 'age', width: 1.5, dash: [2, 3] },
    ],
  };
}

function instancesOptions(palette: Palette, width: number, series: Series): uPlot.Options {
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const step = stepped === undefined ? {} : { paths: stepped };
  return {
    ...common(palette, width, 84, series),
    scales: { x: { time: false }, y: upTo(4) },
    axes: [
      timeAxis(palette),
      { ...valueAxis(palette, 'y', 3), space: 16 },
      { ...valueAxis(palette, 'y', 1), values: () => [] },
    ],
    series: [
      {},
      { ...line(palette.desired), ...step, width: 1.5, dash: [5, 4] },
      {
        ...line(palette.inService),
        ...step,
        width: 2,
        fill: `color-mix(in srgb, ${palette.inService} 18%, transparent)`,
      },
    ],
  };
}

function common(
  palette: Palette,
  width: number,
  height: number,
  series: Series,
): Pick<uPlot.Options, 'width' | 'height' | 'legend' | 'cursor' | 'padding' | 'hooks'> {
  return {
    width,
    height,
    padding: [8, 0, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    hooks: { drawClear: [(plot) => drawBands(plot, palette, series)] },
  };
}

/** Red where an alarm asked for more instances, grey where one asked for fewer. */
function drawBands(plot: uPlot, palette: Palette, series: Series): void {
  const { ctx, bbox } = plot;
  const { min, max } = plot.scales['x'] ?? {};
  if (typeof min !== 'number' || typeof max !== 'number') return;
  const { bands } = series;
  ctx.save();
  for (const { direction, fromSeconds, toSeconds } of bands) {
    ctx.fillStyle = direction === 'out' ? palette.band : palette.bandIn;
    const from = Math.max(min, fromSeconds);
    const to = Math.min(max, toSeconds ?? series.seconds.at(-1) ?? fromSeconds);
    if (to <= from) continue;
    const left = plot.valToPos(from, 'x', true);
    ctx.fillRect(left, bbox.top, plot.valToPos(to, 'x', true) - left, bbox.height);
  }
  ctx.restore();
}

function line(stroke: string): uPlot.Series {
  return { stroke, points: { show: false } };
}

/** From zero to the largest value and some air, never less than `least`. */
function upTo(least: number): uPlot.Scale {
  return { range: (_plot, _min, max) => [0, Math.max(least, Math.ceil((max ?? 0) * 1.15))] };
}

function timeAxis({ text, grid }: Palette): uPlot.Axis {
  return {
    stroke: text,
    font: FONT,
    size: 26,
    space: 60,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    values: (_plot, splits) => splits.map(clock),
  };
}

function valueAxis({ text, grid }: Palette, scale: string, side: 1 | 3): uPlot.Axis {
  return {
    scale,
    side,
    stroke: text,
    font: FONT,
    size: side === 3 ? 32 : 30,
    gap: 4,
    space: 32,
    // Whole numbers only: there is no half an instance.
    incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
  };
}

const FONT = '11px ui-sans-serif, system-ui, sans-serif';
