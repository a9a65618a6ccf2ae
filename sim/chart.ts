/** A picture of runs: depth and in flight, instances, alarms, waits, on one time axis. Rendered by Apache ECharts. */
import type { EChartsOption, SeriesOption } from 'echarts';
import { axisEnd, legendHeight, LEGEND, withGaps } from './chart-layout';
import { duration, percent } from './report';
import type { Run } from './run-options';

/** What is drawn. */
export interface ChartInput {
  /** The first is drawn in full; of the others instances and waits are drawn beside it. */
  readonly runs: readonly Run[];
  readonly acceptableLatencySeconds: number;
  readonly format: 'svg' | 'html';
}

const WIDTH = 1_200;
const MARGIN = { left: 150, right: 30 } as const;
/** Colours that colour-blind people tell apart (Okabe and Ito). */
const COLORS = {
  visible: '#0072b2',
  inFlight: '#56b4e9',
  inService: '#009e73',
  paid: '#00573f',
  desired: '#000000',
  p95: '#d55e00',
  p50: '#e69f00',
};
const OTHERS = [
  '#cc79a7',
  '#999999',
  '#7b5ea7',
  '#8c6d31',
  '#44aa99',
  '#882255',
  '#117733',
  '#ff6f61',
  '#1f3a93',
  '#bcbd22',
  '#5d4037',
];
const ALARM_COLORS = { OK: '#e5e5e5', ALARM: '#d55e00', INSUFFICIENT_DATA: '#f7f7f7' } as const;

/** Draws the runs. */
export async function renderChart(input: ChartInput): Promise<string> {
  const svg = await renderSvg(input);
  if (input.format === 'svg') return svg;
  const title = titleOf(input);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:1240px;margin:2em auto;padding:0 1em}svg{width:100%;height:auto}td,th{padding:.2em .8em;text-align:right}td:first-child,th:first-child{text-align:left}</style>
</head><body><h1>${escape(title)}</h1>${svg}${table(input)}</body></html>
`;
}

async function renderSvg(input: ChartInput): Promise<string> {
  // Loaded here, and only the parts that are drawn: the library is large and needed for this alone.
  const [core, charts, components, renderers] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ]);
  core.use([
    charts.LineChart,
    charts.CustomChart,
    components.GridComponent,
    components.LegendComponent,
    components.MarkLineComponent,
    components.TitleComponent,
    renderers.SVGRenderer,
  ]);
  const { option, height } = chartOption(input);
  const chart = core.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function titleOf({ runs }: ChartInput): string {
  const report = runs[0]?.report;
  if (report === undefined) return 'Simulation';
  return `${report.workload}: ${report.jobs} jobs, ${percent(report.attainment)} started in time, ${report.instanceHours.toFixed(0)} instance-hours`;
}

/** The chart as ECharts takes it. */
export function chartOption(input: ChartInput): { readonly option: EChartsOption; readonly height: number } {
  const [first, ...others] = input.runs;
  if (first === undefined) throw new RangeError('needs at least one run');
  const { points, alarms } = first.recording;
  const alarmNames = [...new Set(alarms.map((span) => span.alarm))].sort();
  const acceptable = duration(input.acceptableLatencySeconds);
  const panels = [
    { title: 'Messages', height: 190 },
    { title: 'Instances', height: 190 },
    { title: 'Alarms (orange: in ALARM, white: no data)', height: Math.max(30, alarmNames.length * 24) },
    { title: `Wait of jobs that finished (acceptable: ${acceptable})`, height: 190 },
  ];
  const policies = others.map((other) => other.report.policy);
  const titleHeight = input.format === 'svg' ? 70 : 24;
  let top = titleHeight + (policies.length === 0 ? 0 : legendHeight(policies, WIDTH - MARGIN.left - MARGIN.right));
  const grids = panels.map((panel) => {
    // Without outer bounds all panels keep one left edge: the time axes must line up.
    const grid = { ...MARGIN, top: top + 24, height: panel.height, outerBoundsMode: 'none' as const };
    top += panel.height + 74;
    return grid;
  });
  const hours = (seconds: number) => seconds / 3_600;
  const end = hours(points.at(-1)?.atSeconds ?? 1);
  const line = (
    name: string,
    panel: number,
    color: string,
    values: readonly (readonly [number, number])[],
    more = {},
  ): SeriesOption => ({
    type: 'line',
    name,
    xAxisIndex: panel,
    yAxisIndex: panel,
    showSymbol: false,
    color,
    lineStyle: { width: 1.6 },
    data: withGaps(values),
    ...more,
  });
  const of = (pick: (point: (typeof points)[number]) => number, run: Run = first) =>
    run.recording.points.map((point) => [hours(point.atSeconds), pick(point)] as const);
  const step = { step: 'end' as const };
  const series: SeriesOption[] = [
    line(
      'waiting',
      0,
      COLORS.visible,
      of((point) => point.visible),
      { areaStyle: { opacity: 0.15 } },
    ),
    line(
      'in flight',
      0,
      COLORS.inFlight,
      of((point) => point.inFlight),
    ),
    line(
      'in service',
      1,
      COLORS.inService,
      of((point) => point.inService),
      { ...step, areaStyle: { opacity: 0.2 } },
    ),
    line(
      'paid, with boot and drain',
      1,
      COLORS.paid,
      of((point) => point.total),
      { ...step, lineStyle: { width: 1.4, type: 'dotted' } },
    ),
    line(
      'desired',
      1,
      COLORS.desired,
      of((point) => point.desired),
      { ...step, lineStyle: { width: 1.2, type: 'dashed' } },
    ),
    line(
      'wait p50',
      3,
      COLORS.p50,
      of((point) => point.waitP50Seconds / 60),
    ),
    line(
      'wait p95',
      3,
      COLORS.p95,
      of((point) => point.waitP95Seconds / 60),
      {
        markLine: {
          symbol: 'none',
          lineStyle: { color: '#b00020', type: 'dashed' },
          label: {
            formatter: `acceptable: ${acceptable}`,
            position: 'insideEndTop',
            color: '#b00020',
            backgroundColor: '#ffffffcc',
          },
          data: [{ yAxis: input.acceptableLatencySeconds / 60 }],
        },
      },
    ),
    ...others.flatMap((other, i) => [
      line(
        other.report.policy,
        1,
        OTHERS[i % OTHERS.length] ?? '#999999',
        of((point) => point.inService, other),
        step,
      ),
      line(
        other.report.policy,
        3,
        OTHERS[i % OTHERS.length] ?? '#999999',
        of((point) => point.waitP95Seconds / 60, other),
      ),
    ]),
    alarmBands(alarms, alarmNames, hours),
  ];
  const text = { color: '#333333', fontSize: 12 };
  const { itemGap, itemWidth } = LEGEND;
  const legend = { itemGap, itemWidth, itemHeight: 8, icon: 'roundRect', textStyle: text };
  const ownNames = (panel: number) =>
    series.flatMap((each) =>
      'yAxisIndex' in each && each.yAxisIndex === panel && !policies.includes(String(each.name))
        ? [String(each.name)]
        : [],
    );
  const option: EChartsOption = {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    title: [
      // A page has a heading of its own.
      ...(input.format === 'svg'
        ? [{ text: titleOf(input), left: MARGIN.left, top: 12, textStyle: { fontSize: 16, color: '#111111' } }]
        : []),
      ...(policies.length === 0
        ? []
        : [
            {
              text: 'Other policies on the same group: instances in service, and wait p95',
              left: MARGIN.left,
              top: titleHeight - 22,
              textStyle: { fontSize: 13, color: '#111111' },
            },
          ]),
      ...panels.map((panel, i) => ({
        text: panel.title,
        left: MARGIN.left,
        top: (grids[i]?.top ?? 0) - 26,
        textStyle: { fontSize: 13, color: '#111111' },
      })),
    ],
    legend: [
      { ...legend, left: MARGIN.left - 5, right: MARGIN.right, top: titleHeight, data: policies },
      ...[0, 1, 3].map((panel) => ({
        ...legend,
        top: (grids[panel]?.top ?? 0) - 26,
        right: MARGIN.right,
        data: ownNames(panel),
      })),
    ],
    grid: grids,
    xAxis: panels.map((_, i) => ({
      type: 'value',
      gridIndex: i,
      min: 0,
      max: end,
      axisLabel: { ...text, formatter: (value: number) => `${Math.round(value * 100) / 100} h`, showMaxLabel: false },
      splitLine: { show: i !== 2, lineStyle: { color: '#f0f0f0' } },
    })),
    yAxis: panels.map((_, i) =>
      i === 2
        ? {
            type: 'category',
            gridIndex: i,
            data: alarmNames.map(shorten),
            inverse: true,
            axisLabel: { ...text, fontSize: 11 },
            axisTick: { show: false },
          }
        : {
            type: 'value',
            gridIndex: i,
            min: 0,
            max: ({ max }: { readonly max: number }) => axisEnd(max, i === 3 ? input.acceptableLatencySeconds / 60 : 0),
            minInterval: i === 3 ? 0 : 1,
            axisLabel: { ...text, formatter: i === 3 ? '{value} min' : '{value}' },
            splitLine: { lineStyle: { color: '#f0f0f0' } },
          },
    ),
    series,
  };
  return { option, height: top };
}

function alarmBands(
  alarms: Run['recording']['alarms'],
  names: readonly string[],
  hours: (seconds: number) => number,
): SeriesOption {
  return {
    type: 'custom',
    name: 'alarms',
    xAxisIndex: 2,
    yAxisIndex: 2,
    clip: true,
    encode: { x: [1, 2], y: 0 },
    // Those in ALARM last: a short one must not vanish under its neighbour.
    data: [...alarms]
      .sort((a, b) => Number(a.state === 'ALARM') - Number(b.state === 'ALARM'))
      .map((span) => [names.indexOf(span.alarm), hours(span.fromSeconds), hours(span.toSeconds), span.state]),
    renderItem: (_, api) => {
      const row = Number(api.value(0));
      const [left = 0, middle = 0] = api.coord([api.value(1), row]);
      const [right = 0] = api.coord([api.value(2), row]);
      const state = String(api.value(3)) as keyof typeof ALARM_COLORS;
      // At least one pixel: an alarm that fired for a minute of a day must show.
      const shape = { x: left, y: middle - 8, width: Math.max(1, right - left), height: 16 };
      return { type: 'rect', shape, style: { fill: ALARM_COLORS[state] } };
    },
  };
}

/** Logical ids are long; their end is a hash, their start the construct's path. */
function shorten(name: string): string {
  const withoutHash = name.replace(/(Alarm)?[0-9A-F]{8}$/, '');
  return withoutHash.length <= 20 ? withoutHash : `…${withoutHash.slice(-19)}`;
}

function table({ runs }: ChartInput): string {
  const rows = runs.map(({ report }) => [
    report.policy,
    percent(report.attainment),
    duration(report.waitSeconds.p50),
    duration(report.waitSeconds.p95),
    duration(report.waitSeconds.p99),
    report.instanceHours.toFixed(1),
    String(report.killed),
  ]);
  const cells = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
  const header = ['policy', 'in time', 'p50', 'p95', 'p99', 'instance-hours', 'killed'];
  return `<table>${cells('th', header)}${rows.map((row) => cells('td', row)).join('')}</table>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
